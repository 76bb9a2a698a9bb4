"""Probabilities to events, against timelines and against a loop over samples."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import ScoringError
from neurorun.evaluation import PostprocessingConfig, detect_events

pytestmark = pytest.mark.unit

LEVEL = {".": 0.1, "-": 0.5, "#": 0.9, "?": np.nan}
RATE_HZ = 4.0  # one character of a timeline is a quarter of a second


def probabilities(timeline: str) -> np.ndarray:
    return np.array([LEVEL[level] for level in timeline], dtype=np.float32)


def config(**changes) -> PostprocessingConfig:
    """No step does anything unless asked to."""
    plain = {
        "tau_on": 0.8, "tau_off": 0.3, "min_onset_samples": 1, "min_offset_samples": 1,
        "opening_kernel": 1, "closing_kernel": 1, "min_duration_s": 0.0, "max_duration_s": None,
        "tau_merge": 0.0, "confidence_method": "mean", "confidence_percentile": 0.75,
    }  # fmt: skip
    flat = plain | changes
    sections = {
        "hysteresis": ("tau_on", "tau_off", "min_onset_samples", "min_offset_samples"),
        "morphology": ("opening_kernel", "closing_kernel"),
        "duration": ("min_duration_s", "max_duration_s"),
        "events": ("tau_merge", "confidence_method", "confidence_percentile"),
    }
    return PostprocessingConfig.model_validate(
        {section: {key: flat[key] for key in keys} for section, keys in sections.items()}
    )


def looped(p: np.ndarray, settings_: PostprocessingConfig) -> list[tuple[int, int]]:
    """Every step as a loop over samples."""
    mask = hysteresis_looped(p, settings_)
    opening, closing = settings_.morphology.opening_kernel, settings_.morphology.closing_kernel
    for kernel, reduce in ((opening, all), (opening, any), (closing, any), (closing, all)):
        half = kernel // 2
        mask = [reduce(mask[max(0, i - half) : i + half + 1]) for i in range(len(mask))]
    merged: list[tuple[int, int]] = []
    for first, stop in runs(mask):
        if (stop - first) / RATE_HZ < settings_.duration.min_duration_s:
            continue
        if merged and (first - merged[-1][1]) / RATE_HZ <= settings_.events.tau_merge:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((first, stop))
    longest_s = settings_.duration.max_duration_s or np.inf
    return [(first, int(min(stop, first + longest_s * RATE_HZ))) for first, stop in merged]


def hysteresis_looped(p: np.ndarray, settings_: PostprocessingConfig) -> list[bool]:
    thresholds = settings_.hysteresis
    mask = [False] * len(p)
    detecting, n_high, n_low = False, 0, 0
    for i, value in enumerate(p):
        n_high = n_high + 1 if value >= np.float32(thresholds.tau_on) else 0
        n_low = 0 if value >= np.float32(thresholds.tau_off) else n_low + 1
        mask[i] = detecting
        if not detecting and n_high >= thresholds.min_onset_samples:
            detecting = True
            mask[i - n_high + 1 : i + 1] = [True] * n_high
        elif detecting and n_low >= thresholds.min_offset_samples:
            detecting = False
            mask[i - n_low + 1 : i + 1] = [False] * n_low
    return mask


def runs(mask: list[bool]) -> list[tuple[int, int]]:
    flips = [i for i, (a, b) in enumerate(itertools.pairwise([False, *mask, False])) if a != b]
    return list(zip(flips[::2], flips[1::2], strict=True))


@pytest.mark.parametrize(
    ("timeline", "expected", "changes"),
    [
        # seconds   0   1   2   3   4
        pytest.param("....####........", [(1, 2)], {}, id="plain"),
        pytest.param(
            "....###.........", [], {"min_duration_s": 1.0}, id="shorter-than-the-minimum"
        ),
        pytest.param(
            "....####........", [(1, 2)], {"min_duration_s": 1.0}, id="exactly-the-minimum"
        ),
        pytest.param("####....####....", [(0, 3)], {"tau_merge": 1.0}, id="exactly-the-gap"),
        pytest.param(
            "####.....####...", [(0, 1), (2.25, 3.25)], {"tau_merge": 1.0}, id="longer-than-the-gap"
        ),
        pytest.param(
            "##..##..........",
            [],
            {"tau_merge": 1.0, "min_duration_s": 1.0},
            id="short-ones-go-before-neighbours-are-merged",
        ),
        pytest.param("..##########....", [(0.5, 2)], {"max_duration_s": 1.5}, id="long-is-cut"),
        pytest.param(
            "####.####.......",
            [(0, 2)],
            {"max_duration_s": 2.0, "tau_merge": 1.0},
            id="merged-ones-are-cut-too",
        ),
        pytest.param("????####????....", [(1, 2)], {}, id="unknown-is-no-event"),
        pytest.param("................", [], {}, id="silence"),
        pytest.param("", [], {}, id="empty"),
    ],
)
def test_timelines(timeline, expected, changes):
    events = detect_events(probabilities(timeline), RATE_HZ, config(**changes))
    assert [(event.onset_s, event.offset_s) for event in events] == expected


any_config = st.builds(
    config,
    min_onset_samples=st.integers(1, 4),
    min_offset_samples=st.integers(1, 4),
    opening_kernel=st.sampled_from([1, 3, 5]),
    closing_kernel=st.sampled_from([1, 3, 5]),
    min_duration_s=st.sampled_from([0.0, 0.5, 1.0]),
    max_duration_s=st.sampled_from([None, 1.0, 2.25]),
    tau_merge=st.sampled_from([0.0, 0.25, 1.0]),
)
# stretches of one level, so that no step is idle
timelines = st.lists(st.tuples(st.sampled_from(".-#?"), st.integers(1, 6)), min_size=1).map(
    lambda pieces: "".join(level * length for level, length in pieces)
)


@settings(max_examples=150, deadline=None)
@given(timelines, any_config)
def test_events_equal_a_loop_over_samples(timeline, settings_):
    p = probabilities(timeline)
    found = detect_events(p, RATE_HZ, settings_)
    in_samples = [(round(e.onset_s * RATE_HZ), round(e.offset_s * RATE_HZ)) for e in found]
    assert in_samples == looped(p, settings_)


@settings(deadline=None)
@given(timelines, st.floats(0, 1e5))
def test_a_stretch_that_starts_later_has_later_events(timeline, onset_s):
    p = probabilities(timeline)
    at_zero = detect_events(p, RATE_HZ, config())
    later = detect_events(p, RATE_HZ, config(), onset_s=onset_s)
    assert [e.onset_s for e in later] == pytest.approx([e.onset_s + onset_s for e in at_zero])


@pytest.mark.parametrize(
    ("method", "expected"),
    [("mean", 0.75), ("peak", 1.0), ("percentile", 0.75)],
)
def test_confidence_summarizes_what_was_predicted(method, expected):
    p = np.float32([0.0, 1.0, 0.75, np.nan, 0.75, 0.5, 0.0, 0.0])
    asked = config(confidence_method=method, min_offset_samples=2, confidence_percentile=0.5)
    (event,) = detect_events(p, RATE_HZ, asked)
    assert (event.onset_s, event.offset_s) == (0.25, 1.5)
    assert event.confidence == pytest.approx(expected)


def test_an_event_cut_to_what_was_not_predicted_has_no_confidence():
    # unknown, then a detection whose closing reaches the border
    p = probabilities("?###")
    (event,) = detect_events(p, RATE_HZ, config(closing_kernel=3, max_duration_s=0.25))
    assert event.confidence is None


def test_seconds_are_samples_however_they_are_rounded():
    # 0.3 s at 10 Hz is 3.0000000000000004 samples
    p = np.repeat(np.float32([0, 0.9, 0, 0.9, 0]), 3)
    asked = config(min_duration_s=0.3, tau_merge=0.3)
    (event,) = detect_events(p, 10.0, asked)
    assert (event.onset_s, event.offset_s) == (0.3, 1.2)


def test_a_minimum_between_two_samples_is_not_rounded_down():
    p = probabilities("..###...")  # 0.75 s
    assert detect_events(p, RATE_HZ, config(min_duration_s=0.8)) == ()


@pytest.mark.parametrize("value", [-0.1, 1.1, 7.0])
def test_logits_are_refused(value):
    p = np.float32([0.5, value])
    with pytest.raises(ScoringError, match=r"range from .*; probabilities lie in \[0, 1\]. Pass"):
        detect_events(p, RATE_HZ, config())


@pytest.mark.parametrize(
    "settings_",
    [{"min_duration": 5.0}, {"duration": {"min_duration_s": 5.0}}],
)
def test_minimum_duration_has_two_spellings(settings_):
    read = PostprocessingConfig.model_validate(settings_)
    assert read.duration.min_duration_s == 5.0
    assert PostprocessingConfig.model_validate(read.model_dump()) == read


def test_minimum_duration_may_stand_beside_a_maximum():
    durations = PostprocessingConfig().duration.model_validate({"max_duration_s": 600})
    read = PostprocessingConfig.model_validate({"min_duration": 5.0, "duration": durations})
    assert (read.duration.min_duration_s, read.duration.max_duration_s) == (5.0, 600)


def test_both_spellings_of_minimum_duration_are_refused():
    both = {"min_duration": 5.0, "duration": {"min_duration_s": 3.0}}
    with pytest.raises(ValueError, match=r"min_duration = 5\.0 is given beside .* Give one"):
        PostprocessingConfig.model_validate(both)


def test_an_empty_range_of_durations_is_refused():
    with pytest.raises(ValueError, match="no detection could be both"):
        PostprocessingConfig.model_validate({"duration": {"max_duration_s": 2.0}})


def test_something_that_is_no_mapping_is_refused():
    with pytest.raises(ValueError, match="valid dictionary"):
        PostprocessingConfig.model_validate("all")


def test_the_seed_s_section_is_read_as_it_stands():
    read = PostprocessingConfig.model_validate(
        {
            "hysteresis": {"tau_on": 0.86, "tau_off": 0.78},
            "morphology": {"kernel_size": 5},
            "min_duration": 3.0,
        }
    )
    assert read == PostprocessingConfig()


def test_no_event_is_lost_between_float32_and_float64_thresholds():
    p = np.full(2560, np.float32(0.86))
    (event,) = detect_events(p, 256.0, PostprocessingConfig())
    assert math.isclose(event.duration_s, 10.0)

"""Hysteresis against timelines drawn by hand and against a loop over samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.evaluation import HysteresisConfig
from neurorun.evaluation.hysteresis import hysteresis_spans
from neurorun.evaluation.spans import mask_of

pytestmark = pytest.mark.unit

LEVEL = {".": 0.1, "-": 0.5, "#": 0.9, "?": np.nan}  # below off, between, above on, unknown


def probabilities(timeline: str) -> np.ndarray:
    return np.array([LEVEL[level] for level in timeline], dtype=np.float32)


def lengths(min_onset: int = 1, min_offset: int = 1) -> HysteresisConfig:
    return HysteresisConfig(
        tau_on=0.8, tau_off=0.3, min_onset_samples=min_onset, min_offset_samples=min_offset
    )


def looped(p: np.ndarray, config: HysteresisConfig) -> np.ndarray:
    """One sample after the other, as one would write it on a whiteboard."""
    mask = np.zeros(p.size, dtype=bool)
    detecting, n_high, n_low, first = False, 0, 0, 0
    for i, value in enumerate(p):
        n_high = n_high + 1 if value >= np.float32(config.tau_on) else 0
        n_low = 0 if value >= np.float32(config.tau_off) else n_low + 1
        if not detecting and n_high >= config.min_onset_samples:
            detecting, first = True, i - n_high + 1
        elif detecting and n_low >= config.min_offset_samples:
            detecting = False
            mask[first : i - n_low + 1] = True
    if detecting:
        mask[first:] = True
    return mask


@pytest.mark.parametrize(
    ("timeline", "expected", "min_onset", "min_offset"),
    [
        pytest.param("..###..", "  ###  ", 1, 1, id="plain"),
        pytest.param("..#--..", "  ###  ", 1, 1, id="between-thresholds-goes-on"),
        pytest.param("--#--..", "  ###  ", 1, 1, id="between-thresholds-does-not-start"),
        pytest.param("##.###.....", "   ###     ", 3, 2, id="short-onset-does-not-start"),
        pytest.param(".###.#...", " #####   ", 1, 2, id="short-pause-is-bridged"),
        pytest.param(".###....#", " ###    #", 1, 3, id="ends-where-the-pause-begins"),
        pytest.param(".#-#-##..", "     ##  ", 2, 1, id="onset-must-be-unbroken"),
        pytest.param("..##.", "  ###", 1, 2, id="no-firm-end-lasts-until-the-stretch-ends"),
        pytest.param("#######", "#######", 3, 3, id="everything"),
        pytest.param(".......", "       ", 1, 1, id="nothing"),
        pytest.param("##??##..", "##  ##  ", 1, 2, id="unknown-is-below"),
        pytest.param("##?##..", "#####  ", 1, 2, id="short-unknown-is-bridged"),
    ],
)
def test_timelines(timeline, expected, min_onset, min_offset):
    p = probabilities(timeline)
    spans = hysteresis_spans(p, lengths(min_onset, min_offset))
    drawn = "".join("#" if on else " " for on in mask_of(spans, p.size))
    assert drawn == expected


@settings(deadline=None)
@given(
    st.text(".-#?", min_size=1, max_size=60),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_spans_equal_a_loop_over_samples(timeline, min_onset, min_offset):
    config = lengths(min_onset, min_offset)
    p = probabilities(timeline)
    assert np.array_equal(mask_of(hysteresis_spans(p, config), p.size), looped(p, config))


def test_a_probability_equal_to_a_threshold_is_at_it():
    config = HysteresisConfig(tau_on=0.86, tau_off=0.78, min_onset_samples=1, min_offset_samples=1)
    p = np.array([0.78, 0.86, 0.78, 0.77], dtype=np.float32)
    assert hysteresis_spans(p, config).tolist() == [[1, 3]]


def test_an_event_ends_at_most_where_its_probability_falls_not_a_window_later():
    p = np.repeat(np.float32([0.1, 0.95, 0.1]), (5 * 256, 5 * 256, 10 * 256))
    assert hysteresis_spans(p, HysteresisConfig()).tolist() == [[5 * 256, 10 * 256]]


@settings(deadline=None)
@given(st.text(".-#", min_size=1, max_size=60), st.integers(1, 4), st.integers(1, 4))
def test_a_lower_threshold_never_detects_less(timeline, min_onset, min_offset):
    p = probabilities(timeline)
    strict = lengths(min_onset, min_offset)
    lenient = strict.model_copy(update={"tau_on": 0.4})
    assert not np.any(
        mask_of(hysteresis_spans(p, strict), p.size)
        & ~mask_of(hysteresis_spans(p, lenient), p.size)
    )


@pytest.mark.parametrize("tau_off", [0.86, 0.9])
def test_thresholds_in_the_wrong_order_are_refused(tau_off):
    with pytest.raises(ValueError, match=r"tau_off is .* and tau_on 0\.86; tau_off must lie below"):
        HysteresisConfig(tau_off=tau_off)

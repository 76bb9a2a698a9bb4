"""A stream gives the events of the whole, however it is divided."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import ScoringError, to_json
from neurorun.evaluation import EventDetector, PostprocessingConfig, detect_events

pytestmark = pytest.mark.unit

RATE_HZ = 4.0


def config(min_on, min_off, opening, closing, shortest_s, longest_s, merge_s, confidence):
    return PostprocessingConfig.model_validate(
        {
            "hysteresis": {
                "tau_on": 0.75,
                "tau_off": 0.25,
                "min_onset_samples": min_on,
                "min_offset_samples": min_off,
            },
            "morphology": {"opening_kernel": opening, "closing_kernel": closing},
            "duration": {"min_duration_s": shortest_s, "max_duration_s": longest_s},
            "events": {"tau_merge": merge_s, "confidence_method": confidence},
        }
    )


configs = st.builds(
    config,
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([1, 3, 5]),
    st.sampled_from([1, 3, 5]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([None, 1.0, 2.25]),
    st.sampled_from([0.0, 0.25, 1.0]),
    st.sampled_from(["mean", "peak", "percentile"]),
)
levels = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0, np.nan])
streams = st.lists(st.tuples(levels, st.integers(1, 6)), min_size=1, max_size=25).map(
    lambda pieces: np.concatenate([np.full(n, p, dtype=np.float32) for p, n in pieces])
)
cuts = st.lists(st.integers(0, 150), max_size=12)


def chunks(stream: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    return np.split(stream, sorted(cut for cut in cuts if cut <= stream.size))


@settings(max_examples=150, deadline=None)
@given(streams, cuts, configs)
def test_any_chunking_gives_the_offline_events(stream, cuts, settings_):
    detector = EventDetector(settings_, RATE_HZ, onset_s=7.5)
    events = [event for chunk in chunks(stream, cuts) for event in detector.process(chunk)]
    offline = detect_events(stream, RATE_HZ, settings_, onset_s=7.5)
    assert (*events, *detector.flush()) == offline


@settings(max_examples=80, deadline=None)
@given(streams, configs)
def test_an_event_is_returned_within_the_latency(stream, settings_):
    detector = EventDetector(settings_, RATE_HZ)
    now_s = itertools.count(1)
    for sample, n in zip(np.split(stream, stream.size), now_s, strict=False):
        for event in detector.process(sample):
            assert n / RATE_HZ <= event.offset_s + detector.latency_s


@settings(max_examples=150, deadline=None)
@given(streams, configs)
def test_what_is_told_as_running_is_returned_with_this_onset(stream, settings_):
    detector, before = EventDetector(settings_, RATE_HZ, onset_s=7.5), None
    for sample in np.split(stream, stream.size):
        ended = [event.onset_s for event in detector.process(sample)]
        assert before in (None, detector.running_onset_s, *ended)
        before = detector.running_onset_s
    assert before in (None, *(event.onset_s for event in detector.flush()))
    assert detector.running_onset_s is None


@settings(max_examples=150, deadline=None)
@given(streams, configs)
def test_an_event_is_told_within_the_latency_of_onsets(stream, settings_):
    detector, told = EventDetector(settings_, RATE_HZ), {}
    for n, sample in enumerate(np.split(stream, stream.size), start=1):
        ended = [event.onset_s for event in detector.process(sample)]
        for onset_s in (*ended, detector.running_onset_s):
            told.setdefault(onset_s, n / RATE_HZ)
    now_s = stream.size / RATE_HZ
    for event in detect_events(stream, RATE_HZ, settings_):
        latest_s = event.onset_s + detector.onset_latency_s
        if latest_s <= min(now_s, event.offset_s):
            assert told[event.onset_s] <= latest_s


def test_an_event_of_usual_settings_is_told_three_seconds_after_its_onset():
    detector = EventDetector(PostprocessingConfig(), 256.0)
    p = np.repeat(np.float32([0.1, 0.9]), 2560)
    told = [detector.process(p[i : i + 1]) or detector.running_onset_s for i in range(p.size)]
    assert told.index(10.0) + 1 == 2560 + 768
    assert set(told[told.index(10.0) :]) == {10.0}
    assert 3 < detector.onset_latency_s < 4.2
    assert detector.onset_latency_s < detector.latency_s


@settings(max_examples=80, deadline=None)
@given(streams, cuts, configs, st.integers(0, 150))
def test_a_stream_goes_on_in_another_process(stream, cuts, settings_, at):
    before, after = np.split(stream, [min(at, stream.size)])
    first = EventDetector(settings_, RATE_HZ)
    events = [event for chunk in chunks(before, cuts) for event in first.process(chunk)]
    second = EventDetector(settings_, RATE_HZ)
    second.load_state_dict(json.loads(to_json(first.state_dict())))
    events += [*second.process(after), *second.flush()]
    assert tuple(events) == detect_events(stream, RATE_HZ, settings_)


def test_nothing_is_held_while_no_event_is_open():
    detector = EventDetector(PostprocessingConfig(), 256.0)
    for _ in range(100):
        detector.process(np.full(2560, 0.1, dtype=np.float32))
    assert len(detector.state_dict()["history"]) <= 2560


def test_a_chunk_may_be_overwritten_after_it_was_given():
    buffer = np.full(2560, 0.9, dtype=np.float32)
    detector = EventDetector(PostprocessingConfig(), 256.0)
    detector.process(buffer)
    buffer[:] = 0.0
    (event,) = detector.process(buffer)
    assert event.confidence == pytest.approx(0.9)


def test_an_event_of_usual_settings_comes_two_seconds_after_its_end():
    detector = EventDetector(PostprocessingConfig(), 256.0)
    p = np.repeat(np.float32([0.9, 0.1]), 2560)
    returned = [i for i in range(p.size) if detector.process(p[i : i + 1])]
    assert returned == [2560 + 512]
    assert detector.latency_s == pytest.approx(1543 / 256)


def test_samples_after_the_end_are_refused():
    detector = EventDetector(PostprocessingConfig(), 256.0)
    detector.flush()
    with pytest.raises(ScoringError, match=r"ended by flush\(\).* Make a new EventDetector"):
        detector.process(np.zeros(1, dtype=np.float32))


def test_logits_are_refused():
    with pytest.raises(ScoringError, match="range from 3 to 3"):
        EventDetector(PostprocessingConfig(), 256.0).process(np.full(4, 3, dtype=np.float32))


def test_the_state_of_other_settings_is_refused():
    state = EventDetector(PostprocessingConfig(), 256.0).state_dict()
    with pytest.raises(ScoringError, match=r"made with other settings .* Make the detector with"):
        EventDetector(PostprocessingConfig(), 200.0).load_state_dict(state)


def test_the_state_of_another_version_is_refused():
    detector = EventDetector(PostprocessingConfig(), 256.0)
    with pytest.raises(ScoringError, match=r"version 2; this detector reads .* version 1"):
        detector.load_state_dict(detector.state_dict() | {"format_version": 2})

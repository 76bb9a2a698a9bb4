import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import DataError, Event, Timeline, events_to_mask, merge_touching

pytestmark = pytest.mark.unit

spans = st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda s: Event(s[0], s[0] + s[1]))


@pytest.mark.parametrize(
    ("onset_s", "offset_s"),
    [(5, 5), (5, 4), (math.nan, 4), (0, math.inf), (-math.inf, 0), (0, math.nan)],
)
def test_an_event_without_length_is_refused(onset_s, offset_s):
    with pytest.raises(DataError, match=r"has no length; it must end after it begins\. Correct"):
        Event(onset_s, offset_s)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan])
def test_a_confidence_beyond_0_to_1_is_refused(confidence):
    with pytest.raises(DataError, match=r"it must lie in \[0, 1\]"):
        Event(0, 1, confidence=confidence)


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        #  |----|          |----|         |--------|
        #     |----|            |----|       |--|
        pytest.param((0, 4), (3, 7), True, id="partial"),
        pytest.param((0, 4), (4, 8), False, id="touching"),
        pytest.param((0, 8), (2, 4), True, id="inside"),
        pytest.param((0, 4), (5, 8), False, id="apart"),
    ],
)
def test_overlap_is_shared_time(first, second, shared):
    assert Event(*first).overlaps(Event(*second)) is shared
    assert Event(*second).overlaps(Event(*first)) is shared


def test_a_shifted_event_keeps_all_but_its_times():
    assert Event(1, 2, "fnsz", 0.5, ("C3",)).shifted(10) == Event(11, 12, "fnsz", 0.5, ("C3",))


def test_a_timeline_sorts_its_events_and_counts_observed_time():
    timeline = Timeline("r", 100, (Event(5, 6), Event(1, 2, "bckg")), gaps=((50, 60), (10, 20)))
    assert [event.onset_s for event in timeline.events] == [1, 5]
    assert timeline.gaps == ((10, 20), (50, 60))
    assert timeline.observed_s == 80
    assert timeline.seizures == (Event(5, 6),)


@pytest.mark.parametrize("duration_s", [0, -1, math.nan, math.inf])
def test_a_timeline_without_duration_is_refused(duration_s):
    with pytest.raises(DataError, match="a positive number of seconds is needed"):
        Timeline("r", duration_s)


@pytest.mark.parametrize("gap", [(-1, 5), (5, 5), (90, 101)])
def test_gaps_outside_the_recording_are_refused(gap):
    with pytest.raises(DataError, match="gaps must lie within its 100 s"):
        Timeline("r", 100, gaps=(gap,))


def test_merging_keeps_the_first_label_and_the_highest_confidence():
    merged = merge_touching([Event(0, 2, "fnsz", 0.2), Event(2, 3, "gnsz", 0.9), Event(2, 4)])
    assert merged == (Event(0, 4, "fnsz", 0.9),)


def test_a_gap_as_long_as_allowed_is_merged():
    assert merge_touching([Event(0, 1), Event(3, 4)], gap_s=2) == (Event(0, 4),)
    assert len(merge_touching([Event(0, 1), Event(3.01, 4)], gap_s=2)) == 2


@given(st.lists(spans, max_size=8))
def test_merged_events_cover_the_same_time_and_lie_apart(events):
    merged = merge_touching(events)
    assert all(a.offset_s < b.onset_s for a, b in pairwise(merged))
    assert np.array_equal(events_to_mask(merged, 80, 1.0), events_to_mask(events, 80, 1.0))


@pytest.mark.parametrize(
    ("event", "samples"),
    [
        (Event(1.0, 2.0), [2, 3]),
        (Event(1.2, 1.3), [2]),
        (Event(1.1, 1.2), []),
        (Event(-5, 0.5), [0]),
        (Event(4.5, 99), [9]),
        (Event(-5, -4), []),
    ],
)
def test_masks_round_both_ends_and_end_with_the_recording(event, samples):
    assert np.flatnonzero(events_to_mask([event], 10, 2.0)).tolist() == samples

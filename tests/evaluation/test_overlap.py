import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import Event, ScoringError
from neurorun.evaluation import count_overlaps

pytestmark = pytest.mark.unit


def events(bounds):
    return [Event(onset_s, offset_s) for onset_s, offset_s in bounds]


@pytest.mark.parametrize(
    ("reference", "detected", "n_found", "n_false_alarms"),
    [
        # reference  |----|
        # detected      |----|
        pytest.param([(10, 20)], [(15, 30)], 1, 0, id="partial-overlap"),
        # reference  |----|
        # detected        |----|
        pytest.param([(10, 20)], [(20, 30)], 0, 1, id="touching-is-not-overlap"),
        # reference  |----|   |----|
        # detected      |--------|
        pytest.param([(10, 20), (30, 40)], [(15, 35)], 2, 0, id="one-detection-finds-two"),
        # reference  |--------------|
        # detected     |--|   |--|
        pytest.param([(10, 40)], [(12, 15), (20, 25)], 1, 0, id="two-detections-find-one"),
        # reference  |--|      |--|
        # detected        |--|
        pytest.param([(10, 20), (40, 50)], [(25, 35)], 0, 1, id="between"),
        # reference       |--|  |---------------|
        # detected                   |--|
        pytest.param([(100, 400), (10, 20)], [(150, 160)], 1, 0, id="unsorted"),
        # reference  |---------------|
        #              |--|
        # detected               |--|
        pytest.param([(10, 400), (20, 30)], [(300, 310)], 1, 0, id="nested-references"),
        pytest.param([], [(10, 20)], 0, 1, id="nothing-to-find"),
        pytest.param([(10, 20)], [], 0, 0, id="nothing-detected"),
    ],
)
def test_counts(reference, detected, n_found, n_false_alarms):
    counts = count_overlaps(events(reference), events(detected), duration_s=3600)
    assert (counts.n_found, counts.n_false_alarms) == (n_found, n_false_alarms)
    assert counts.n_reference == len(reference)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.nan])
def test_rate_over_no_time_is_refused(duration_s):
    with pytest.raises(ScoringError, match=r"over .* s; give the length"):
        count_overlaps([], [], duration_s)


def test_sensitivity_without_anything_to_find_is_undefined():
    assert math.isnan(count_overlaps([], [], 3600).sensitivity)


def test_counts_add_and_rates_follow_from_the_sums():
    found = count_overlaps(events([(10, 20)]), events([(15, 30)]), 3600)
    missed = count_overlaps(events([(10, 20)]), events([(50, 60), (70, 80)]), 7200)
    total = found + missed
    assert (total.sensitivity, total.false_alarms_per_day, total.duration_s) == (0.5, 16, 10_800)


bounds = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 30)).map(lambda t: (t[0], t[0] + t[1])),
    max_size=8,
)


@given(bounds, bounds)
def test_events_in_any_order_that_share_time_are_counted_as_every_pair_would(reference, detected):
    r, d = events(reference), events(detected)
    counts = count_overlaps(r, d, 100)
    assert counts.n_found == sum(any(x.overlaps(y) for y in d) for x in r)
    assert counts.n_false_alarms == sum(not any(y.overlaps(x) for x in r) for y in d)

"""Edges of SzCORE scoring; timescoring 0.0.7 gave these numbers."""

import math

import pytest

from neurorun.core import Event, Timeline
from neurorun.evaluation import score_events

pytestmark = pytest.mark.unit


def counts(reference, detected, method="szcore-event", duration_s=3600.0):
    sides = (Timeline("r", duration_s, tuple(Event(*b) for b in s)) for s in (reference, detected))
    found = score_events(*sides, method=method).counts
    return found.n_reference, found.n_found, found.n_false_alarms


@pytest.mark.parametrize(
    ("reference", "detected", "expected"),
    [
        pytest.param([(500, 520)], [(460, 470)], (1, 0, 1), id="ends-30-s-before"),
        pytest.param([(500, 520)], [(460, 470.1)], (1, 1, 0), id="ends-later-than-30-s-before"),
        pytest.param([(500, 520)], [(580, 590)], (1, 0, 1), id="begins-60-s-after"),
        pytest.param([(500, 520)], [(579.9, 590)], (1, 1, 0), id="begins-earlier-than-60-s-after"),
        pytest.param([], [(100, 110), (200, 210)], (0, 0, 2), id="90-s-apart-are-two"),
        pytest.param([], [(100, 110), (199.9, 210)], (0, 0, 1), id="below-90-s-apart-are-one"),
        pytest.param([], [(100, 400)], (0, 0, 1), id="300-s-stay-one"),
        pytest.param([], [(100, 400.1)], (0, 0, 2), id="above-300-s-are-cut"),
        pytest.param([(100, 130)], [(100, 1500)], (1, 1, 4), id="one-long-detection"),
        pytest.param([(0, 5)], [(3595, 3600)], (1, 0, 1), id="ends-of-the-recording"),
        pytest.param([], [(100, 100.04)], (0, 0, 1), id="shorter-than-a-sample"),
        pytest.param([(500, 520)], [(505, 505.04)], (1, 0, 1), id="finds-nothing-if-so-short"),
    ],
)
def test_events(reference, detected, expected):
    assert counts(reference, detected) == expected


def test_samples_are_rounded_at_both_ends():
    assert counts([(10.4, 10.6)], [], "szcore-sample") == (1, 0, 0)
    assert counts([(10.5, 11.5)], [], "szcore-sample") == (2, 0, 0)
    assert counts([(11.5, 12.5)], [], "szcore-sample") == (0, 0, 0)


class TestCutDownToSeconds:
    def test_short_events_vanish_and_touching_ones_fuse(self):
        assert counts([(10.1, 10.9)], [(20.9, 21.9)], "szcore-sample-1hz") == (0, 0, 1)
        assert counts([(10.1, 12.9), (12.95, 14)], [], "szcore-sample-1hz") == (4, 0, 0)

    def test_a_sum_of_decimals_may_fall_short_of_a_second(self):
        onset_s, duration_s = 1.1, 2.9
        assert int(onset_s + duration_s) == 4
        assert counts([(onset_s, 4.0)], [], "szcore-sample-1hz") == (3, 0, 0)

    def test_what_lies_past_the_last_whole_second_is_lost(self):
        assert counts([(58, 60.5)], [(60.1, 60.9)], "szcore-sample-1hz", 60.95) == (2, 0, 0)


def test_measures_without_events_are_undefined_but_the_rate_is_not():
    night = Timeline("r", 3600.0)
    measures = score_events(night, night, method="szcore-event").measures
    assert measures.pop("false_alarms_per_24h") == 0
    assert all(math.isnan(value) for value in measures.values())


def test_every_kind_of_seizure_counts_and_background_does_not():
    night = Timeline("r", 3600.0, (Event(10, 20, "sz_foc"), Event(1000, 1100, "bckg")))
    found = score_events(night, night, method="szcore-event").counts
    assert (found.n_reference, found.n_found, found.n_false_alarms) == (1, 1, 0)

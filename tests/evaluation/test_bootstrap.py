"""Intervals of measures over other draws of patients."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import Event, ScoringError, Timeline
from neurorun.evaluation import METHODS, bootstrap_intervals, score_events, score_recordings

pytestmark = pytest.mark.unit


def recording(name, *, found, alarms=0):
    """An hour with one seizure."""
    events = ((Event(100, 160),) if found else ()) + tuple(
        Event(1000 + 300 * i, 1010 + 300 * i) for i in range(alarms)
    )
    return Timeline(name, 3600.0, (Event(100, 160),)), Timeline(name, 3600.0, events)


PAIRS = [recording(f"r{i}", found=i % 3 != 0, alarms=i % 4) for i in range(12)]
PATIENTS = {f"r{i}": f"p{i // 2}" for i in range(12)}


def drawn(pairs=PAIRS, patients=PATIENTS, *, methods=("overlap",), seed=0, **settings_):
    report = score_recordings(pairs, methods=methods, patients=patients)
    return bootstrap_intervals(report, rng=np.random.default_rng(seed), **settings_)


def literal_interval(seed, n_resamples):
    """Sensitivity and false alarms per day of whole patients, drawn one by one."""
    weights = np.random.default_rng(seed).multinomial(6, [1 / 6] * 6, size=n_resamples)
    measured = []
    for row in weights:
        scores = [
            score_events(*PAIRS[2 * patient + k], method="overlap")
            for patient, times in enumerate(row.tolist())
            for _ in range(times)
            for k in (0, 1)
        ]
        total = scores[0]
        for score in scores[1:]:
            total = total + score
        measured.append((total.sensitivity, total.false_alarms_per_24h))
    return np.quantile(measured, [0.025, 0.975], axis=0)


def test_intervals_are_those_of_adding_the_drawn_patients_one_by_one():
    found = drawn(n_resamples=60, seed=7)
    (low_s, low_fa), (high_s, high_fa) = literal_interval(7, 60).tolist()
    sensitivity = found.intervals["overlap"]["sensitivity"]
    rate = found.intervals["overlap"]["false_alarms_per_24h"]
    assert (sensitivity.low, sensitivity.high) == pytest.approx((low_s, high_s))
    assert (rate.low, rate.high) == pytest.approx((low_fa, high_fa))
    assert (found.n_patients, found.n_resamples, sensitivity.n_resamples) == (6, 60, 60)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_intervals_around_its_measures(method):
    report = score_recordings(PAIRS, methods=[method], patients=PATIENTS)
    found = bootstrap_intervals(report, rng=np.random.default_rng(0), n_resamples=200, level=0.99)
    for name, value in report.totals[method].measures.items():
        interval = found.intervals[method][name]
        assert math.isnan(value) == math.isnan(interval.low)
        assert math.isnan(value) or interval.low <= value <= interval.high


def test_a_seed_decides_the_draws():
    assert drawn(seed=1).intervals == drawn(seed=1).intervals
    assert drawn(seed=1).intervals != drawn(seed=2).intervals


def test_fewer_than_two_patients_have_no_interval():
    found = drawn(patients=dict.fromkeys(PATIENTS, "anna"))
    interval = found.intervals["overlap"]["sensitivity"]
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert (found.n_patients, interval.n_resamples) == (1, 0)


def test_draws_without_any_seizure_are_left_out_of_sensitivity():
    night = recording("r0", found=True)
    silent = (Timeline("r1", 3600.0), Timeline("r1", 3600.0))
    found = drawn([night, silent], {"r0": "anna", "r1": "bert"}, n_resamples=400)
    intervals = found.intervals["overlap"]
    assert 250 < intervals["sensitivity"].n_resamples < 350  # a quarter of the draws is bert twice
    assert intervals["false_alarms_per_24h"].n_resamples == 400


def test_a_measure_that_is_never_defined_has_no_interval():
    silent = [(Timeline(name, 3600.0), Timeline(name, 3600.0)) for name in ("r0", "r1")]
    intervals = drawn(silent, {"r0": "anna", "r1": "bert"}).intervals["overlap"]
    assert math.isnan(intervals["sensitivity"].high)
    assert intervals["sensitivity"].n_resamples == 0
    assert intervals["false_alarms_per_24h"].high == 0


def test_equal_patients_have_an_interval_of_no_width():
    pairs = [recording(f"r{i}", found=True, alarms=1) for i in range(3)]
    found = drawn(pairs, {f"r{i}": f"p{i}" for i in range(3)})
    rate = found.intervals["overlap"]["false_alarms_per_24h"]
    assert rate.low == rate.high == pytest.approx(24.0)


def test_patients_must_be_known():
    with pytest.raises(ScoringError, match="The patient of recording 'r0' is not known"):
        drawn(patients=None)


@pytest.mark.parametrize("settings_", [{"n_resamples": 0}, {"level": 0.0}, {"level": 1.0}])
def test_settings_out_of_range_are_refused(settings_):
    with pytest.raises(ScoringError, match=r"Cannot draw .* a level between 0 and 1 are needed"):
        drawn(**settings_)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(METHODS)), st.integers(0, 11))
def test_counts_are_rebuilt_from_their_numbers(method, place):
    counts = score_events(*PAIRS[place], method=method).counts
    assert counts.with_numbers(counts.numbers()) == counts
    doubled = [2 * number for number in counts.numbers()]
    assert (counts + counts).numbers() == pytest.approx(doubled)

"""The curve, the choice of thresholds, and what becomes of it on another split."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import Event, ScoringError, Timeline, to_json
from neurorun.evaluation import (
    CurvePoint,
    OperatingPoint,
    PostprocessingConfig,
    RecordingPrediction,
    choose_operating_points,
    reached_key,
    score_events,
    sensitivity_key,
)
from neurorun.evaluation.operating_points import (
    GRID,
    ThresholdSweep,
    measure_operating_points,
)

pytestmark = pytest.mark.unit

RATE_HZ = 4.0
DAY_S = 86_400.0


def plain(**hysteresis) -> PostprocessingConfig:
    lengths = {"min_onset_samples": 2, "min_offset_samples": 2}
    return PostprocessingConfig.model_validate(
        {
            "hysteresis": lengths | hysteresis,
            "morphology": {"kernel_size": 1},
            "min_duration": 0,
            "events": {"tau_merge": 0.5},
        }
    )


def predicted(p, events=(), *, gaps=(), name="a", onset_s=0.0, rate_hz=RATE_HZ):
    p = np.asarray(p, dtype=np.float32)
    reference = Timeline(
        name, onset_s + p.size / rate_hz, tuple(Event(*event) for event in events), gaps
    )
    return RecordingPrediction(name, "p", rate_hz, ((onset_s, p),), reference)


def curve_of(*predictions, config=None, frozen=()):
    sweep = ThresholdSweep(config or plain(), frozen)
    for prediction in predictions:
        sweep.add(prediction)
    return sweep.curve()


@pytest.mark.parametrize(
    ("fa_rate", "name"),
    [
        (10, "sensitivity_at_10fa"),
        (10.0, "sensitivity_at_10fa"),
        (5.0, "sensitivity_at_5fa"),
        (2.5, "sensitivity_at_2_5fa"),
        (1.0, "sensitivity_at_1fa"),
        (0.25, "sensitivity_at_0_25fa"),
        (100, "sensitivity_at_100fa"),
        (1e-7, "sensitivity_at_0_0000001fa"),
        (1e20, "sensitivity_at_100000000000000000000fa"),
    ],
)
def test_a_rate_has_one_name(fa_rate, name):
    assert sensitivity_key(fa_rate) == name
    assert reached_key(fa_rate) == name.replace("sensitivity", "false_alarms_per_24h")


@settings(deadline=None)
@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_two_rates_have_two_names(first, second):
    assert (sensitivity_key(first) == sensitivity_key(second)) == (first == second)


streams = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.just(np.nan)), st.integers(1, 12)),
    min_size=1,
    max_size=30,
).map(lambda pieces: np.concatenate([np.full(n, p, dtype=np.float32) for p, n in pieces]))


@settings(max_examples=50, deadline=None)
@given(streams, st.integers(0, 40), st.integers(1, 40))
def test_every_point_is_what_its_thresholds_detect(p, onset, length):
    events = [(onset / RATE_HZ, min(onset + length, p.size) / RATE_HZ)] if onset < p.size else []
    prediction = predicted(p, events)
    for point in curve_of(prediction)[::5]:
        thresholds = OperatingPoint(1, True, point.tau_on, point.tau_off)
        detected = prediction.detect(thresholds.applied_to(plain()))
        counts = score_events(prediction.reference, detected, method="overlap").counts.of("seiz")
        assert (point.n_reference, point.n_found) == (counts.targets, counts.hits)
        assert point.n_false_alarms == counts.false_alarms
        assert point.detected_s == pytest.approx(sum(e.duration_s for e in detected.events))


def test_recordings_are_counted_apart_and_added():
    # seizure   |####|        recording a: found      recording b: one false alarm
    # detected  |####|   |####|
    high, low = np.full(40, 0.9), np.full(40, 0.1)
    first = predicted(np.concatenate([high, low]), [(0, 10)], name="a")
    second = predicted(np.concatenate([low, high]), name="b")
    point = next(p for p in curve_of(first, second) if p.tau_on == 0.5)
    assert (point.n_reference, point.n_found, point.n_false_alarms) == (1, 1, 1)
    assert point.sensitivity == 1.0
    assert point.false_alarms_per_24h == pytest.approx(DAY_S / 40)
    assert point.detected_time_fraction == 0.5


def test_a_false_alarm_in_an_hour_is_24_a_day():
    p = np.full(3600 * 4, 0.1)
    p[400:800] = 0.9
    point = next(p for p in curve_of(predicted(p)) if p.tau_on == 0.5)
    assert point.false_alarms_per_24h == pytest.approx(24)


def test_gaps_are_not_time_without_false_alarms():
    p = np.full(400, 0.1)
    p[100:200] = 0.9
    gapped = predicted(p, onset_s=900.0, gaps=((0.0, 900.0),))
    point = next(p for p in curve_of(gapped) if p.tau_on == 0.5)
    assert point.false_alarms_per_24h == pytest.approx(DAY_S / 100)


def test_one_alarm_over_the_whole_night_is_many():
    # noise that at low thresholds fuses into one event, which overlaps the only seizure
    night = predicted(np.full(8 * 3600 * 4, 0.9), [(3600, 3660)])
    (point,) = {(p.n_found, p.n_false_alarms) for p in curve_of(night) if p.tau_on <= 0.9}
    assert point == (1, 8 * 12 - 1)
    (chosen,) = choose_operating_points(curve_of(night), [10])
    assert (chosen.reachable, chosen.sensitivity) == (True, 0.0)


def test_noise_does_not_reach_a_sensitivity_by_calling_everything():
    rng = np.random.default_rng(5)
    noise = predicted(rng.random(4 * 3600 * 4), [(t, t + 60) for t in range(600, 13_000, 2000)])
    at_1, at_10 = choose_operating_points(curve_of(noise), [1, 10])
    assert at_1.sensitivity <= 0.2
    assert at_10.sensitivity <= 0.2


def test_thresholds_keep_their_distance_down_to_zero():
    config = plain(tau_on=0.86, tau_off=0.78)
    pairs = {point.tau_on: point.tau_off for point in curve_of(predicted([0.5]), config=config)}
    assert set(pairs) == set(GRID)
    assert (pairs[1.0], pairs[0.86], pairs[0.5], pairs[0.05]) == (0.92, 0.78, 0.42, 0.0)


def test_the_configured_thresholds_are_on_the_curve():
    config = plain(tau_on=0.8613, tau_off=0.2001)
    points = {(point.tau_on, point.tau_off) for point in curve_of(predicted([0.5]), config=config)}
    assert (0.8613, 0.2001) in points
    assert (0.5, 0.0) in points


def at(tau_on, n_found, n_false_alarms, *, n_reference=4):
    return CurvePoint(
        tau_on,
        tau_on - 0.08,
        n_reference=n_reference,
        n_found=n_found,
        n_false_alarms=n_false_alarms,
        observed_s=DAY_S,
    )


@pytest.mark.parametrize(
    ("curve", "tau_on"),
    [
        pytest.param([at(0.9, 1, 0), at(0.5, 3, 9), at(0.2, 4, 40)], 0.5, id="most-seizures"),
        pytest.param([at(0.9, 3, 0), at(0.5, 3, 9)], 0.9, id="then-fewer-alarms"),
        pytest.param([at(0.9, 3, 2), at(0.5, 3, 2)], 0.9, id="then-the-higher-threshold"),
        pytest.param([at(0.9, 1, 10), at(0.5, 3, 11)], 0.9, id="exactly-the-rate-is-within"),
        pytest.param([at(0.9, 1, 0), at(0.6, 2, 30), at(0.3, 3, 8)], 0.3, id="not-monotone"),
        pytest.param([at(1.0, 0, 0)], 1.0, id="detecting-nothing-is-within-every-rate"),
    ],
)
def test_choice(curve, tau_on):
    (point,) = choose_operating_points(curve, [10])
    assert point.reachable
    assert point.tau_on == tau_on


@pytest.mark.parametrize(
    "curve",
    [
        pytest.param([at(1.0, 4, 11), at(0.5, 4, 60)], id="too-many-alarms-at-every-threshold"),
        pytest.param([at(0.9, 0, 0, n_reference=0)], id="no-seizure-to-choose-by"),
    ],
)
def test_unreachable_is_an_answer(curve):
    (point,) = choose_operating_points(curve, [10])
    assert not point.reachable
    assert math.isnan(point.tau_on)
    assert math.isnan(point.sensitivity)
    with pytest.raises(ScoringError, match="no thresholds for 10 false alarms per 24 h: none"):
        point.applied_to(PostprocessingConfig())


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), min_size=1, max_size=20),
    st.lists(st.floats(0.1, 100), min_size=2, max_size=6),
)
def test_sensitivity_never_falls_when_more_false_alarms_are_allowed(counts, rates):
    curve = [at(1 - i / 100, *found_false) for i, found_false in enumerate(counts)]
    points = choose_operating_points(curve, sorted(rates))
    reached = [point.sensitivity for point in points if point.reachable]
    assert reached == sorted(reached)
    assert [point.reachable for point in points] == sorted(point.reachable for point in points)
    assert all(p.false_alarms_per_24h <= p.fa_rate for p in points if p.reachable)


def test_frozen_thresholds_are_measured_where_they_are_applied():
    quiet, loud = np.full(4000, 0.1), np.full(4000, 0.1)
    quiet[400:800], loud[400:800], loud[2000:2400] = 0.7, 0.7, 0.7
    validation = curve_of(predicted(quiet, [(100, 200)]))
    chosen = choose_operating_points(validation, [10])
    assert (chosen[0].sensitivity, chosen[0].false_alarms_per_24h) == (1.0, 0.0)
    pairs = [(point.tau_on, point.tau_off) for point in chosen]
    test = curve_of(
        predicted(loud, [(100, 200)]), config=plain(tau_on=0.3, tau_off=0.2), frozen=pairs
    )
    (measured,) = measure_operating_points(test, chosen)
    assert (measured.tau_on, measured.tau_off) == pairs[0]
    assert (measured.sensitivity, measured.reachable) == (1.0, True)
    assert measured.false_alarms_per_24h == pytest.approx(DAY_S / 1000)


def test_an_unreachable_point_stays_unreachable_on_test():
    point = OperatingPoint(1.0, reachable=False)
    assert measure_operating_points(curve_of(predicted([0.5])), [point]) == (point,)


@pytest.mark.parametrize(
    "point", [OperatingPoint(2.5, True, 0.9, 0.82, 0.5, 1.25), OperatingPoint(1.0, False)]
)
def test_points_survive_writing_and_reading(point):
    read = OperatingPoint.from_dict(json.loads(to_json(point.to_dict())))
    assert read.to_dict() == pytest.approx(point.to_dict(), nan_ok=True)


def test_applied_thresholds_leave_the_rest_as_it_was():
    config = PostprocessingConfig.model_validate({"min_duration": 7.0})
    applied = OperatingPoint(1.0, True, 1.0, 0.0).applied_to(config)
    assert (applied.hysteresis.tau_on, applied.hysteresis.tau_off) == (1.0, 0.0)
    assert applied.duration == config.duration
    assert PostprocessingConfig.model_validate(applied.model_dump()) == applied

import math

import numpy as np
import pytest

from neurorun.core import ScoringError
from neurorun.evaluation.localization import (
    LocalizationConfig,
    Sensors,
    SourceSpace,
    Truth,
    localization_metrics,
    score_estimate,
    sources_of,
)

pytestmark = pytest.mark.unit


def truth_of(*sources, n_samples=50):
    activity = np.zeros((n_samples, 10))
    course = np.hanning(n_samples)
    for one in sources:
        activity[:, one] = 0.7 * course[:, None]
        activity[:, one[0]] = course
    return Truth(tuple(np.array(one) for one in sources), activity)


def test_a_perfect_estimate_is_perfect_at_any_scale(line):
    truth = truth_of([2, 1], [8, 7])
    leadfield = np.random.default_rng(0).normal(size=(4, 10))
    sensors = Sensors(truth.activity @ leadfield.T, leadfield)
    for scale in (1.0, 1e-3, 1e4):
        found = score_estimate(
            scale * truth.activity + 0.2, truth, line, rate_hz=500.0, sensors=sensors
        )
        expected = {
            metric.name: metric.better == "higher"
            for metric in localization_metrics(LocalizationConfig())
        }
        assert found == pytest.approx({name: float(one) for name, one in expected.items()})


@pytest.mark.parametrize("level", [0.0, 0.3], ids=["silent", "constant"])
def test_an_estimate_that_selects_nothing_counts_as_a_guess_anywhere(line, level):
    estimate = np.full((50, 10), level)
    leadfield = np.random.default_rng(0).normal(size=(4, 10))
    truth = truth_of([2, 1], [8, 7])
    sensors = Sensors(truth.activity @ leadfield.T, leadfield)
    found = score_estimate(estimate, truth, line, rate_hz=500.0, sensors=sensors)
    assert math.isnan(found["precision"])
    assert math.isnan(found["precision_at_share"])
    assert (found["recall"], found["missed_sources"], found["auroc"]) == (0.0, 1.0, 0.5)
    assert (found["nmse"], found["centre_correlation"]) == pytest.approx((1.0, 0.0))
    assert found["peak_error_mm"] > 0
    assert found["region_error_mm"] > 0


def test_every_declared_metric_is_measured_and_no_other(line):
    for config in (LocalizationConfig(), LocalizationConfig(published=True)):
        found = score_estimate(
            np.random.default_rng(0).random((50, 10)),
            truth_of([2]),
            line,
            rate_hz=500.0,
            config=config,
        )
        assert list(found) == [metric.name for metric in localization_metrics(config)]


def test_a_map_is_scored_by_place_alone(line):
    found = score_estimate(np.eye(10)[[2]], truth_of([2]), line, rate_hz=500.0)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {"time_error_ms", "centre_correlation", "nmse", "residual_variance"}
    assert found["peak_error_mm"] == 0.0


def test_places_alone_can_be_known(line):
    estimate = np.random.default_rng(0).random((50, 10))
    config = LocalizationConfig(published=True)
    truth = Truth((np.array([2]),))
    found = score_estimate(estimate, truth, line, rate_hz=500.0, config=config)
    assert math.isnan(found["nmse"])
    assert math.isnan(found["published_correlation"])
    assert not math.isnan(found["published_precision"])


def test_share_is_that_of_the_settings(line):
    strengths = np.linspace(0.1, 1.0, 10)[None]
    truth = Truth((np.array([9]),))
    found = score_estimate(
        strengths, truth, line, rate_hz=500.0, config=LocalizationConfig(share=0.85)
    )
    assert found["precision_at_share"] == 0.5


def test_area_counts_where_it_is_asked_for(line):
    strengths = np.zeros((1, 10))
    strengths[0, [9, 0]] = 1.0, 0.9
    truth = Truth((np.array([0]), np.array([9])))
    found = score_estimate(strengths, truth, line, rate_hz=500.0)
    assert found["auroc"] == found["auroc_by_area"] == 1.0
    other = score_estimate(strengths, Truth((np.array([0]),)), line, rate_hz=500.0)
    assert other["auroc"] == pytest.approx(8 / 9)
    assert other["auroc_by_area"] == pytest.approx(8 / 10)


def test_an_estimate_of_another_anatomy_is_refused(line):
    with pytest.raises(ScoringError, match=r"has 9 regions, the anatomy 10; one column per region"):
        score_estimate(np.ones((5, 9)), truth_of([2]), line, rate_hz=500.0)


@pytest.mark.parametrize("sources", [(), (np.zeros(0, dtype=np.int64),)])
def test_an_example_without_source_is_refused(sources):
    with pytest.raises(ScoringError, match=r"without any source cannot be scored"):
        Truth(sources)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([[4, 7, 999]], [[4, 7]], id="one-source"),
        pytest.param([[4, 7, 15213], [2, -1, 15213]], [[4, 7], [2]], id="any-filling"),
        pytest.param([[4, 7, 99], [99, 99, 99]], [[4, 7]], id="empty-second-source"),
        pytest.param([[4, 7, 1], [4, 8, 7]], [[4, 7, 1, 8]], id="equal-centres-are-one-source"),
        pytest.param([[99, 7, 1]], [[7, 1]], id="centre-missing"),
    ],
)
def test_sources_of_a_row(rows, expected):
    found = sources_of(np.array(rows), n_regions=10)
    assert [one.tolist() for one in found] == expected


def test_geometry_that_does_not_fit_is_refused(line):
    with pytest.raises(ScoringError, match=r"10 centres of regions, 9 areas"):
        SourceSpace(line.centre_mm, line.area_mm2[:9], line.distance_mm)
    with pytest.raises(ScoringError, match=r"smallest area is 0 mm2"):
        SourceSpace(line.centre_mm, 0 * line.area_mm2, line.distance_mm)


def test_thirds_divide_the_regions_by_eccentricity(line):
    thirds = [line.third_of(float(one)) for one in line.eccentricity_mm]
    assert thirds[0] == thirds[9] == "outer third"
    assert thirds[4] == thirds[5] == "deep third"


def test_without_anatomy_only_what_needs_none_is_measured(line):
    estimate = np.random.default_rng(0).random((50, 10))
    config = LocalizationConfig(published=True)
    known = score_estimate(estimate, truth_of([2]), line, rate_hz=500.0, config=config)
    found = score_estimate(estimate, truth_of([2]), None, rate_hz=500.0, config=config)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {
        *(name for name in known if name.endswith(("_mm", "_by_area", "_ms"))),
        *(name for name in known if name.startswith("published")),
        "residual_variance",
    }
    assert all(found[name] == known[name] for name in set(found) - undefined)

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurorun.core import ScoringError
from neurorun.evaluation.gaze import (
    GAZE_MEASURES,
    GAZE_SOURCES,
    GazeComparison,
    area_under,
    counts_on_grid,
    divergence,
    envelope_on_grid,
    gaze_correlation,
    information_gain,
    judd_area,
    measure_agreement,
    quiet_version,
    removal_curve,
    removal_order,
    scanpath_saliency,
    shuffled_area,
    similarity,
    to_grid,
)

pytestmark = pytest.mark.unit

metrics = pytest.importorskip("sklearn.metrics")

MAPS = hnp.arrays(np.float64, (3, 5), elements=st.floats(0.01, 1))


@given(MAPS, MAPS)
def test_measures_follow_their_definitions(p, q):
    p = p + np.linspace(0, 1, 15).reshape(3, 5)
    q = q + np.linspace(1, 0, 15).reshape(3, 5)
    assert gaze_correlation(p, q) == pytest.approx(np.corrcoef(p.ravel(), q.ravel())[0, 1])
    assert similarity(p, q) == pytest.approx(np.minimum(p / p.sum(), q / q.sum()).sum())
    first, second = p / p.sum(), q / q.sum()
    assert divergence(p, q) == pytest.approx((second * np.log(second / first)).sum(), abs=1e-9)
    fixations = (q > 1).astype(float)
    if fixations.any():
        z = (p - p.mean()) / p.std()
        assert scanpath_saliency(p, fixations) == pytest.approx(z[fixations > 0].mean())


@given(MAPS)
def test_a_map_agrees_with_itself(p):
    p = p + np.eye(3, 5)
    assert gaze_correlation(p, p) == pytest.approx(1)
    assert similarity(p, p) == pytest.approx(1)
    assert divergence(p, p) == pytest.approx(0, abs=1e-9)
    assert information_gain(p, p, p) == pytest.approx(0)


@settings(deadline=None)
@given(MAPS, MAPS)
def test_area_is_that_of_scikit_learn(p, q):
    fixations = (q > np.median(q)).astype(float)
    if 0 < fixations.sum() < 15:
        wanted = metrics.roc_auc_score(fixations.ravel(), p.ravel())
        assert judd_area(p, fixations) == pytest.approx(wanted, abs=1e-6)


def test_a_map_of_favourite_channels_gains_nothing_when_shuffled():
    favourite = np.zeros((3, 4))
    favourite[1] = 1.0
    fixations, elsewhere = np.zeros((3, 4)), np.zeros((3, 4))
    fixations[1, :2], elsewhere[1, 2:] = 1, 1
    assert judd_area(favourite, fixations) == pytest.approx(0.9)
    assert shuffled_area(favourite, fixations, elsewhere) == 0.5


def test_what_cannot_be_measured_is_undefined():
    zero, one = np.zeros((2, 3)), np.ones((2, 3))
    undefined = [
        gaze_correlation(one, one), similarity(zero, one), divergence(one, zero),
        scanpath_saliency(one, one), judd_area(one, zero), judd_area(one, one),
        shuffled_area(one, one, zero), information_gain(one, zero, one),
    ]  # fmt: skip
    assert all(math.isnan(value) for value in undefined)


def test_maps_are_averaged_in_bins_without_padding():
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert to_grid(values, 2, n_valid=5).tolist() == [[0.5, 2.5], [6.5, 8.5]]
    assert envelope_on_grid(np.float32([[3, 4]]), 2, n_valid=2)[0, 0] == pytest.approx(
        math.sqrt(12.5)
    )
    with pytest.raises(ScoringError, match="holds no whole bin of 2"):
        to_grid(values, 2, n_valid=1)


def test_fixations_are_counted_per_channel_and_bin():
    rows = np.float32([[1, 0], [0.5, 0.5], [1, 1]])
    times = np.array([0.2, 1.9, 5.0])
    assert counts_on_grid(rows, times, n_bins=2, bin_s=1.0).tolist() == [[1, 0.5], [0, 0.5]]


def comparison(name, attention, gaze, n_bins=20, seed=0):
    rng = np.random.default_rng(seed)
    fixations = (gaze > 0.5).astype(float)
    odd = fixations * (np.arange(n_bins) % 2)
    return GazeComparison(
        name=name,
        attention=attention,
        gaze=gaze,
        fixations=fixations,
        envelope=rng.uniform(size=gaze.shape),
        halves=(gaze + 0.01 * rng.uniform(size=gaze.shape), gaze),
        half_fixations=(fixations - odd, odd),
    )


def random_gaze(seed, n_bins=20):
    rng = np.random.default_rng(seed)
    return (rng.uniform(size=(4, n_bins)) > 0.8) * 1.0 + 0.001 * rng.uniform(size=(4, n_bins))


def test_every_map_stands_beside_baselines_and_ceiling():
    some = [
        comparison(str(i), random_gaze(i) + 0.1, random_gaze(i), seed=100 + i) for i in range(5)
    ]
    agreement = measure_agreement(some)
    rows = {row["source"]: row for row in agreement.rows()}
    assert tuple(rows) == GAZE_SOURCES
    assert set(GAZE_MEASURES) < set(rows["model"])
    for baseline in ("other_gaze", "mean_gaze", "envelope"):
        assert rows[baseline]["nss"] < rows["model"]["nss"] - 0.5
    assert rows["model"]["nss"] > 1.5
    assert rows["ceiling"]["cc"] > 0.99


def test_one_window_has_no_other_gaze_and_none_no_rows():
    agreement = measure_agreement([comparison("a", random_gaze(1), random_gaze(2))])
    assert math.isnan(agreement.mean("other_gaze", "cc"))
    assert math.isnan(agreement.mean("mean_gaze", "cc"))
    given_mean = measure_agreement(
        [comparison("a", random_gaze(1), random_gaze(2))], mean_gaze=random_gaze(3, 30)
    )
    assert not math.isnan(given_mean.mean("mean_gaze", "cc"))
    assert measure_agreement([]).rows() == []


def test_windows_of_different_length_are_compared():
    long, short = random_gaze(1, 20), random_gaze(2, 10)
    agreement = measure_agreement(
        [comparison("long", long, long, 20), comparison("short", short, short, 10)]
    )
    assert agreement.mean("model", "cc") == pytest.approx(1)
    assert not math.isnan(agreement.mean("other_gaze", "nss"))


def test_maps_of_one_window_share_a_grid():
    with pytest.raises(ScoringError, match="one grid is needed"):
        comparison("a", np.ones((4, 19)), random_gaze(1))


def test_the_quiet_version_repeats_the_quietest_stretch():
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((2, 100)).astype(np.float32)
    signal[0, 40:50] *= 0.01
    quiet = quiet_version(signal, 10)
    assert quiet.shape == signal.shape
    np.testing.assert_array_equal(quiet[0, :10], signal[0, 40:50])
    assert set(quiet[0].tolist()) == set(signal[0, 40:50].tolist())
    with pytest.raises(ScoringError, match="A quiet stretch of 101 samples"):
        quiet_version(signal, 101)


def test_deletion_falls_and_insertion_rises_where_the_map_is_right():
    rng = np.random.default_rng(1)
    signal = (0.01 * rng.standard_normal((3, 200))).astype(np.float32)
    signal[1, 50:60] = 5.0

    def decide(part):
        return float(np.abs(part).max() > 1)

    scores = np.zeros((3, 20))
    scores[1, 5] = 1.0
    good, bad = removal_order(scores), removal_order(-scores)
    fractions = (0.0, 0.1, 0.5, 1.0)

    def area(order, *, insert):
        curve = removal_curve(
            signal, order, decide, samples_per_bin=10, insert=insert, fractions=fractions
        )
        return area_under(curve, fractions)

    assert area(good, insert=False) < 0.1
    assert area(bad, insert=False) > 0.7
    assert area(good, insert=True) > 0.9
    assert area(bad, insert=True) < 0.3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.evaluation.localization.places import (
    dispersion_mm,
    missed_share,
    peak_error_mm,
    region_error_mm,
)

pytestmark = pytest.mark.unit


def only(*regions, n=10):
    found = np.zeros(n, dtype=bool)
    found[list(regions)] = True
    return found


def strengths(**regions):
    found = np.zeros(10)
    for name, value in regions.items():
        found[int(name[1:])] = value
    return found


ONE, TWO = (np.array([2, 1, 3]),), (np.array([2, 1]), np.array([8, 7]))


@pytest.mark.parametrize(
    ("sources", "found", "expected"),
    [
        pytest.param(ONE, strengths(r2=1.0), 0.0, id="at-the-centre"),
        pytest.param(ONE, strengths(r5=1.0, r2=0.9), 30.0, id="elsewhere"),
        pytest.param(TWO, strengths(r2=1.0, r8=0.1), 0.0, id="weak-source-counts-as-much"),
        pytest.param(TWO, strengths(r2=1.0, r6=0.1), 10.0, id="mean-over-sources"),
        pytest.param(TWO, strengths(r2=1.0), 10.0 / 2, id="missed-source-is-a-guess"),
        pytest.param(ONE, strengths(), 31.0, id="silence-is-a-guess-anywhere"),
        pytest.param(ONE, strengths(r1=1.0, r4=1.0), 15.0, id="ties-count-with-their-mean"),
    ],
)
def test_peak_error(line, sources, found, expected):
    assert peak_error_mm(found, sources, line.distance_mm) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("selected", "active", "expected"),
    [
        pytest.param(only(2), only(2), 0.0, id="same"),
        pytest.param(only(4), only(2), 20.0, id="beside"),
        pytest.param(only(2), only(2, 8), 15.0, id="missing-one-source-costs"),
        pytest.param(only(2, 8), only(2), 15.0, id="inventing-one-costs-as-much"),
        pytest.param(only(), only(0), 22.5, id="nothing-is-anywhere"),
    ],
)
def test_region_error_is_two_sided(line, selected, active, expected):
    assert region_error_mm(selected, active, line.distance_mm) == pytest.approx(expected)


def test_region_error_is_that_of_mne_python(line):
    metrics = pytest.importorskip("mne.simulation.metrics.metrics")
    rng = np.random.default_rng(0)
    for _ in range(20):
        selected, active = rng.random((2, 10)) < 0.4
        if not (selected.any() and active.any()):
            continue
        # what mne computes from two SourceEstimates, for one sample: means from both sides
        between = line.distance_mm[np.ix_(active, selected)]
        expected = (between.min(axis=0).mean() + between.min(axis=1).mean()) / 2
        assert region_error_mm(selected, active, line.distance_mm) == pytest.approx(expected)
    assert hasattr(metrics, "region_localization_error")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(strengths(r2=3.0, r3=1.0), 0.0, id="all-inside"),
        pytest.param(strengths(r5=3.0), 20.0, id="all-in-one-place"),
        pytest.param(strengths(r2=1.0, r5=1.0), 20.0 / np.sqrt(2), id="half-of-the-power"),
    ],
)
def test_dispersion(line, found, expected):
    assert dispersion_mm(found, only(1, 2, 3), line.distance_mm) == pytest.approx(expected)


def test_silence_is_dispersed_over_all_regions(line):
    active = only(0)
    uniform = dispersion_mm(np.ones(10), active, line.distance_mm)
    assert dispersion_mm(np.zeros(10), active, line.distance_mm) == uniform


@given(st.floats(1e-6, 1e6), st.integers(0, 2**32 - 1))
def test_no_measure_of_place_depends_on_scale(scale, seed):
    rng = np.random.default_rng(seed)
    found, centres = rng.random(10), rng.random((10, 3))
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    for measure in (peak_error_mm, lambda s, t, d: dispersion_mm(s, only(1, 2), d)):
        assert measure(scale * found, TWO, distance) == pytest.approx(measure(found, TWO, distance))


def test_missed_sources_are_counted():
    assert missed_share(only(1, 5), TWO) == 0.5
    assert missed_share(only(), TWO) == 1.0
    assert missed_share(only(7, 2), TWO) == 0.0

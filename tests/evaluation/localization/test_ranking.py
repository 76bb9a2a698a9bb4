import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neurorun.evaluation.localization.ranking import RankedRegions

pytestmark = pytest.mark.unit

metrics = pytest.importorskip("sklearn.metrics")


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_areas_are_those_of_scikit_learn(seed, ties):
    rng = np.random.default_rng(seed)
    strengths = rng.integers(0, 5, 25).astype(float) if ties else rng.random(25)
    active, weights = rng.random(25) < 0.4, rng.random(25) + 0.1
    assume(active.any() and not active.all())
    ranked = RankedRegions(strengths, active, weights)
    auroc = metrics.roc_auc_score(active, strengths, sample_weight=weights)
    precision = metrics.average_precision_score(active, strengths, sample_weight=weights)
    assert ranked.auroc() == pytest.approx(auroc)
    assert ranked.average_precision() == pytest.approx(precision)


def test_best_f1_is_that_of_the_best_threshold():
    rng = np.random.default_rng(0)
    strengths, active = rng.random(30), rng.random(30) < 0.3
    every = [metrics.f1_score(active, strengths >= level) for level in strengths]
    assert RankedRegions(strengths, active, np.ones(30)).best_f1() == pytest.approx(max(every))


def test_what_has_only_one_kind_of_region_is_undefined():
    nothing = RankedRegions(np.ones(3), np.zeros(3, dtype=bool), np.ones(3))
    assert math.isnan(nothing.auroc())
    assert math.isnan(nothing.average_precision())
    assert math.isnan(nothing.best_f1())
    everything = RankedRegions(np.ones(3), np.ones(3, dtype=bool), np.ones(3))
    assert math.isnan(everything.auroc())


def test_silence_is_chance():
    active = np.array([True, False, False, False])
    silent = RankedRegions(np.zeros(4), active, np.ones(4))
    assert silent.auroc() == 0.5
    assert silent.average_precision() == 0.25

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from sklearn import metrics as oracle

from neurorun.evaluation import MASK_MEASURES, PixelCounts
from neurorun.evaluation.masks import mean_of_images

pytestmark = pytest.mark.unit

masks = hnp.arrays(np.bool_, (5, 6))
ORACLES = {
    "iou": oracle.jaccard_score,
    "dice": oracle.f1_score,
    "precision": oracle.precision_score,
    "recall": oracle.recall_score,
    "f1": oracle.f1_score,
    "accuracy": oracle.accuracy_score,
}


@settings(deadline=None, max_examples=40)
@given(masks, masks)
def test_measures_are_those_of_scikit_learn_and_undefined_without_denominator(reference, predicted):
    counts = PixelCounts.between(reference, predicted)
    undefined = {
        "precision": not predicted.any(),
        "recall": not reference.any(),
        "accuracy": False,
    }
    for name in MASK_MEASURES:
        if undefined.get(name, not (reference | predicted).any()):
            assert math.isnan(getattr(counts, name))
        else:
            extra = {} if name == "accuracy" else {"zero_division": 0}
            expected = ORACLES[name](reference.ravel(), predicted.ravel(), **extra)
            assert getattr(counts, name) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(masks, masks, masks, masks)
def test_counts_of_images_are_those_of_their_pixels_together(a, b, c, d):
    pooled = PixelCounts.between(np.vstack([a, c]), np.vstack([b, d]))
    assert PixelCounts.between(a, b) + PixelCounts.between(c, d) == pooled


@pytest.mark.parametrize(
    ("counts", "empty", "expected"),
    [
        pytest.param(
            PixelCounts(tn=9), "undefined", [math.nan] * 5 + [1.0], id="both-empty-undefined"
        ),
        pytest.param(PixelCounts(tn=9), "one", [1.0] * 6, id="both-empty-one"),
        pytest.param(
            PixelCounts(fn=1, tn=8), "one", [0, 0, math.nan, 0, 0, 8 / 9], id="nothing-predicted"
        ),
        pytest.param(
            PixelCounts(fp=1, tn=8), "one", [0, 0, 0, math.nan, 0, 8 / 9], id="nothing-marked"
        ),
    ],
)
def test_the_rule_for_empty_masks_is_the_one_that_is_named(counts, empty, expected):
    found = [counts.measure(name, empty=empty) for name in MASK_MEASURES]
    assert found == pytest.approx(expected, nan_ok=True)


def test_a_mean_without_any_defined_value_is_undefined():
    assert math.isnan(mean_of_images([math.nan]))
    assert mean_of_images([math.nan, 0.25]) == 0.25

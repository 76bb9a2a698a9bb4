import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurorun.core import ScoringError
from neurorun.evaluation import THRESHOLDS, PixelCounts, ThresholdCounts, at_thresholds

pytestmark = pytest.mark.unit

masks = hnp.arrays(np.bool_, (4, 5))
probabilities = hnp.arrays(
    np.float32,
    (4, 5),
    elements=st.one_of(
        st.floats(0, 1, width=32), st.sampled_from([np.float32(t).item() for t in THRESHOLDS])
    ),
)


@settings(deadline=None, max_examples=40)
@given(masks, probabilities)
def test_counts_at_every_threshold_are_those_of_thresholding_strictly(reference, found):
    curve = ThresholdCounts.between(reference, found)
    for threshold, counts in zip(THRESHOLDS, curve.counts(), strict=True):
        assert counts == PixelCounts.between(reference, found > threshold)


@settings(deadline=None, max_examples=25)
@given(masks, probabilities, masks, probabilities)
def test_curves_of_images_add(a, p, b, q):
    together = ThresholdCounts.between(np.vstack([a, b]), np.vstack([p, q])).counts()
    summed = ThresholdCounts.none() + ThresholdCounts.between(a, p) + ThresholdCounts.between(b, q)
    assert summed.counts() == together


def test_the_best_threshold_is_the_one_nearest_to_the_middle_among_equals():
    mask = np.array([[True, False]])
    curve = ThresholdCounts.between(mask, np.array([[0.9, 0.7]], np.float32))
    assert curve.best_threshold() == 0.7  # the pixel of 0.7 does not pass
    curve = ThresholdCounts.between(mask, np.array([[0.9, 0.1]], np.float32))
    assert curve.best_threshold() == 0.5


def test_where_nothing_is_marked_there_is_no_best_threshold():
    curve = ThresholdCounts.between(np.zeros((2, 2), bool), np.zeros((2, 2), np.float32))
    assert curve.best_threshold() is None


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(ScoringError, match=r"reach from .*; 0 to 1 is needed. Take the sigmoid"):
        ThresholdCounts.between(np.zeros((1, 2), bool), np.array([[0.5, value]], np.float32))


def test_a_curve_is_a_table_of_thresholds():
    rows = at_thresholds(
        ThresholdCounts.between(np.array([[True, False]]), np.array([[0.9, 0.1]], np.float32))
    )
    assert len(rows) == 99
    assert rows[49] == {"threshold": 0.5, "precision": 1.0, "recall": 1.0, "iou": 1.0, "dice": 1.0}

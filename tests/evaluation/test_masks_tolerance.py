import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import binary_dilation

from neurorun.core import ScoringError
from neurorun.evaluation import PixelCounts, ToleranceCounts, tolerance_counts

pytestmark = pytest.mark.unit

masks = hnp.arrays(np.bool_, (7, 9))


def disc(radius):
    rows, columns = np.indices((2 * radius + 1,) * 2) - radius
    return rows**2 + columns**2 <= radius**2


@settings(deadline=None, max_examples=50)
@given(masks, masks, st.integers(1, 3))
def test_near_is_what_a_disc_around_the_other_mask_covers(reference, predicted, radius):
    counts = tolerance_counts(reference, predicted, radius_px=radius)
    covered = binary_dilation(reference, disc(radius))
    found = binary_dilation(predicted, disc(radius))
    assert counts == ToleranceCounts(
        radius,
        predicted=int(predicted.sum()),
        predicted_near=int((predicted & covered).sum()),
        marked=int(reference.sum()),
        marked_near=int((reference & found).sum()),
    )


@settings(deadline=None, max_examples=50)
@given(masks, masks)
def test_without_tolerance_the_measures_are_the_plain_ones(reference, predicted):
    tolerant = tolerance_counts(reference, predicted, radius_px=0)
    plain = PixelCounts.between(reference, predicted)
    for name in ("precision", "recall", "f1", "iou"):
        assert getattr(tolerant, name) == pytest.approx(getattr(plain, name), nan_ok=True)


@settings(deadline=None, max_examples=50)
@given(masks, masks)
def test_a_larger_radius_never_lowers_a_measure(reference, predicted):
    small, large = (tolerance_counts(reference, predicted, radius_px=r) for r in (1, 3))
    for name in ("precision", "recall", "f1"):
        assert not getattr(small, name) > getattr(large, name)


def test_one_empty_mask_gives_zero_two_are_undefined():
    empty, full = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    assert tolerance_counts(full, empty, radius_px=2).f1 == 0
    assert tolerance_counts(empty, full, radius_px=2).f1 == 0
    assert math.isnan(tolerance_counts(empty, empty, radius_px=2).f1)
    far = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    far[0][0, 0] = far[1][8, 8] = True
    assert tolerance_counts(*far, radius_px=2).f1 == 0


def test_counts_of_one_radius_add_and_of_two_are_refused():
    one = ToleranceCounts(2, predicted=4, predicted_near=2, marked=3, marked_near=3)
    assert (one + one).precision == 0.5
    with pytest.raises(ScoringError, match=r"within 2 and 3 pixels cannot be added"):
        one + ToleranceCounts(3)

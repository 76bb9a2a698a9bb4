import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurorun.core import ScoringError
from neurorun.evaluation.localization import by_otsu, by_share, strengths_of

pytestmark = pytest.mark.unit

values = arrays(np.float64, 30, elements=st.integers(0, 20).map(float))


def otsu_by_definition(strengths):
    """Try every threshold; the best maximizes the variance between the two groups."""
    best, chosen = -1.0, np.zeros(strengths.shape, dtype=bool)
    for threshold in np.unique(strengths)[:-1]:
        above = strengths > threshold
        share = above.mean()
        between = share * (1 - share) * (strengths[above].mean() - strengths[~above].mean()) ** 2
        if between > best * (1 + 1e-12):
            best, chosen = between, above
    return chosen


@given(values)
def test_otsu_separates_what_differs_most(strengths):
    found, expected = by_otsu(strengths), otsu_by_definition(strengths)

    def between(above):
        share = above.mean()
        if share in (0, 1):
            return 0.0
        return share * (1 - share) * (strengths[above].mean() - strengths[~above].mean()) ** 2

    assert between(found) == pytest.approx(between(expected))
    assert found.any() == (np.ptp(strengths) > 0)


@given(values, st.integers(-100, 100))
def test_otsu_selects_the_same_at_any_scale(strengths, exponent):
    assert (by_otsu(2.0**exponent * strengths) == by_otsu(strengths)).all()


def test_share_selects_from_a_part_of_the_largest():
    assert by_share(np.array([1.0, 2.0, 4.0]), 0.5).tolist() == [False, True, True]
    assert not by_share(np.zeros(3), 0.5).any()


def test_strength_is_the_largest_deviation_from_the_mean():
    course = np.array([[0.0, 1.0], [0.0, -5.0], [3.0, 1.0]])
    assert strengths_of(course).tolist() == [2.0, 4.0]


def test_a_constant_offset_is_not_held_for_activity():
    assert not strengths_of(np.full((500, 4), 0.7, dtype=np.float32)).any()


def test_a_single_row_is_a_map():
    assert strengths_of(np.array([[-2.0, 1.0]])).tolist() == [2.0, 1.0]


def test_estimates_that_are_no_numbers_are_refused():
    with pytest.raises(ScoringError, match=r"holds 1 values that are not finite"):
        strengths_of(np.array([[1.0, np.nan], [1.0, 2.0]]))

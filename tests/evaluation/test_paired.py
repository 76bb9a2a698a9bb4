import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurorun.core import ScoringError
from neurorun.evaluation import (
    compare_paired,
    estimate_metric,
    group_indices,
    holm,
    mean_over_trainings,
)
from neurorun.evaluation.item_metrics import mean_of, of_columns, quotient

pytestmark = pytest.mark.unit

MEAN = mean_of("x")
RATIO = of_columns(("hits", "targets"), quotient)


def numbers_of(values):
    return MEAN.numbers([{"x": value} for value in values])


def rng():
    return np.random.default_rng(0)


def each_alone(n):
    return np.arange(n)


FIRST = np.array([0.1, 0.4, 0.35, 0.8, 0.6, 0.55, 0.7, 0.2])
SECOND = np.array([0.3, 0.5, 0.30, 0.9, 0.8, 0.50, 0.9, 0.4])


def test_p_value_of_a_mean_is_that_of_all_sign_flips():
    test = compare_paired(
        MEAN, numbers_of(FIRST), numbers_of(SECOND), each_alone(8), rng=rng(), n_draws=10
    )
    differences = SECOND - FIRST
    flipped = [
        abs(np.mean(np.array(signs) * differences))
        for signs in itertools.product((1, -1), repeat=8)
    ]
    expected = np.mean([value >= abs(differences.mean()) - 1e-12 for value in flipped])
    assert test.p_value == pytest.approx(expected, abs=1e-15)
    assert test.exact
    assert (test.n_swaps, test.n_items, test.n_groups) == (256, 8, 8)
    assert test.difference == pytest.approx(differences.mean())


def test_p_value_is_that_of_scipy():
    ours = compare_paired(
        MEAN, numbers_of(FIRST), numbers_of(SECOND), each_alone(8), rng=rng(), n_draws=10
    )
    theirs = stats.permutation_test(
        (SECOND, FIRST),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-12)


def test_random_swaps_come_near_to_all_of_them():
    many = np.random.default_rng(5).normal(0.15, 0.5, 20)
    zeros = np.zeros(20)
    test = compare_paired(
        MEAN, numbers_of(zeros), numbers_of(many), each_alone(20), rng=rng(), n_draws=10
    )
    assert not test.exact
    theirs = stats.permutation_test(
        (many, zeros),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=100_000,
        rng=np.random.default_rng(1),
    )
    assert test.p_value == pytest.approx(theirs.pvalue, abs=0.02)


def test_interval_of_a_mean_is_that_of_scipy_and_of_theory():
    values = np.random.default_rng(3).normal(2.0, 1.0, 200)
    found = estimate_metric(MEAN, numbers_of(values), each_alone(200), rng=rng(), n_draws=4000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    half = 1.96 * values.std() / math.sqrt(200)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.02
    )


def test_interval_of_a_difference_of_means_is_that_of_its_items():
    values = np.random.default_rng(3).normal(0.5, 1.0, 300)
    zeros = np.zeros(300)
    found = compare_paired(
        MEAN, numbers_of(zeros), numbers_of(values), each_alone(300),
        rng=rng(), n_draws=4000, n_swaps=200,
    )  # fmt: skip
    half = 1.96 * values.std() / math.sqrt(300)
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.02
    )


def test_items_of_a_group_are_swapped_and_drawn_together():
    """Two patients with ten alike recordings each say no more than two recordings."""
    first = numbers_of([0.0] * 20)
    second = numbers_of([1.0] * 20)
    groups = group_indices(["anna"] * 10 + ["bert"] * 10)
    test = compare_paired(MEAN, first, second, groups, rng=rng())
    assert (test.p_value, test.n_groups, test.n_items) == (0.5, 2, 20)
    alone = compare_paired(MEAN, first, second, each_alone(20), rng=rng())
    assert alone.p_value < 0.001


def test_ratio_of_sums_is_swapped_as_a_ratio_of_sums():
    first = np.array([[1.0, 2.0], [0.0, 3.0], [2.0, 2.0]])
    second = np.array([[2.0, 2.0], [2.0, 3.0], [2.0, 2.0]])
    test = compare_paired(RATIO, first, second, each_alone(3), rng=rng(), n_draws=50)
    observed = 6 / 7 - 3 / 7
    ways = []
    for swap in itertools.product((False, True), repeat=3):
        sides = (
            np.where(np.array(swap)[:, None], second, first),
            np.where(np.array(swap)[:, None], first, second),
        )
        one, two = (side[:, 0].sum() / side[:, 1].sum() for side in sides)
        ways.append(abs(two - one) >= observed - 1e-12)
    assert test.difference == pytest.approx(observed)
    assert test.p_value == pytest.approx(np.mean(ways))


def test_equal_models_are_never_different():
    found = compare_paired(MEAN, numbers_of(FIRST), numbers_of(FIRST), each_alone(8), rng=rng())
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_true_nulls_are_rejected_as_often_as_promised():
    draw = np.random.default_rng(11)
    n_rejected = 0
    for _ in range(400):
        one, two = draw.normal(size=(2, 9))
        test = compare_paired(
            MEAN, numbers_of(one), numbers_of(two), each_alone(9), rng=draw, n_draws=1
        )
        n_rejected += test.p_value <= 0.05
    assert 0.03 < n_rejected / 400 < 0.075


def test_one_group_gives_neither_interval_nor_p_value():
    groups = np.zeros(8, dtype=np.int64)
    test = compare_paired(MEAN, numbers_of(FIRST), numbers_of(SECOND), groups, rng=rng())
    assert math.isnan(test.p_value)
    assert math.isnan(test.low)
    assert test.difference > 0
    found = estimate_metric(MEAN, numbers_of(FIRST), groups, rng=rng())
    assert math.isnan(found.low)
    assert found.n == 1


def test_what_is_undefined_stays_undefined():
    nothing = np.zeros((4, 2))
    test = compare_paired(RATIO, nothing, nothing, each_alone(4), rng=rng())
    assert math.isnan(test.difference)
    assert math.isnan(test.p_value)
    found = estimate_metric(RATIO, nothing, each_alone(4), rng=rng())
    assert math.isnan(found.value)
    assert math.isnan(found.low)


def test_other_numbers_of_items_are_refused():
    with pytest.raises(ScoringError, match="on 8 and 7 items; a paired comparison needs the same"):
        compare_paired(MEAN, numbers_of(FIRST), numbers_of(SECOND[1:]), each_alone(8), rng=rng())
    with pytest.raises(ScoringError, match="0 items and 2000 draws give no interval"):
        estimate_metric(MEAN, np.empty((0, 2)), each_alone(0), rng=rng())


@given(st.lists(st.floats(1e-9, 1) | st.just(math.nan), max_size=12))
def test_holm_never_lowers_never_exceeds_one_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    made = [(p, q) for p, q in zip(p_values, adjusted, strict=True) if not math.isnan(p)]
    assert all(p <= q <= 1 for p, q in made)
    assert [q for _, q in sorted(made)] == sorted(q for _, q in made)
    assert [math.isnan(p) for p in p_values] == [math.isnan(q) for q in adjusted]


def test_holm_is_the_published_example():
    """Stored from R 4.3: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([]) == ()


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8))
def test_interval_over_trainings_is_that_of_student(values):
    found = mean_over_trainings(values)
    assert found.value == pytest.approx(np.mean(values), abs=1e-9)
    scale = np.std(values, ddof=1) / math.sqrt(len(values))
    if scale > 1e-9:
        low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=scale)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


def test_one_training_has_no_interval():
    found = mean_over_trainings([0.5, math.nan])
    assert (found.value, found.n) == (0.5, 1)
    assert math.isnan(found.low)
    assert math.isnan(mean_over_trainings([]).value)

"""Is one model better than another on the same items? Intervals and tests that pair them.

Items of one group (recordings of a patient, images of a road) are alike, so groups are drawn and
groups are swapped, never single items. Differences come before p-values; where the data cannot
tell, the answer is NaN.

References
----------
.. [1] Efron, Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993, chapter 13:
   percentile intervals; chapter 15: permutation tests.
.. [2] Phipson, Smyth, "Permutation p-values should never be zero", Statistical Applications in
   Genetics and Molecular Biology 9, 2010.
.. [3] Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
   Statistics 6, 1979.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.core import ScoringError
from neurorun.evaluation.item_metrics import ItemMetric, Numbers

N_DRAWS = 2000
N_SWAPS = 10_000
LEVEL = 0.95
_ROOM = 2_000_000  # items times draws that are held in memory at a time


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval.

    Parameters
    ----------
    low, high : NaN where there are fewer than two groups, or the value is undefined
    n : groups, or trainings, that the interval rests on
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class PairedTest:
    """The difference of two models on the same items.

    Parameters
    ----------
    difference : second minus first
    low, high : interval of the difference; NaN with fewer than two groups
    p_value : two-sided; NaN with fewer than two groups or where the difference is undefined
    n_items, n_groups : what it rests on
    n_swaps : draws behind the p-value
    exact : whether these are all there are
    """

    difference: float
    low: float
    high: float
    p_value: float
    n_items: int
    n_groups: int
    n_swaps: int
    exact: bool


def group_indices(groups: Sequence[str]) -> Int64[np.ndarray, " items"]:
    """Number the groups of items.

    >>> group_indices(["anna", "bert", "anna"]).tolist()
    [0, 1, 0]
    """
    number = {name: place for place, name in enumerate(dict.fromkeys(groups))}
    return np.array([number[name] for name in groups], dtype=np.int64)


def estimate_metric(
    metric: ItemMetric,
    numbers: Numbers,
    groups: Int64[np.ndarray, " items"],
    *,
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    level: float = LEVEL,
) -> Estimate:
    """Value of a metric, and how far it would move with other groups.

    Draws in which the metric is undefined are left out.

    Parameters
    ----------
    numbers : what the metric needs, per item
    groups : number of each item's group, from 0
    rng : decides the draws
    level : share of the draws inside the interval

    Raises
    ------
    ScoringError : no items, or no draws
    """
    n_groups = _n_groups(groups, n_draws)
    (value,) = metric.drawn(numbers, np.ones((1, len(numbers)))).tolist()
    if n_groups < 2:
        return Estimate(value, math.nan, math.nan, n_groups)
    values = [
        metric.drawn(numbers, drawn[:, groups])
        for drawn in _draws_of_groups(rng, n_groups, n_draws, len(numbers))
    ]
    return Estimate(value, *_interval(np.concatenate(values), level), n_groups)


def compare_paired(
    metric: ItemMetric,
    first: Numbers,
    second: Float64[np.ndarray, "as_many columns"],
    groups: Int64[np.ndarray, " items"],
    *,
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    n_swaps: int = N_SWAPS,
    level: float = LEVEL,
) -> PairedTest:
    """Compare two models on the same items.

    The interval is that of the difference when groups are drawn, the same for both. The p-value
    is the share of all ways to swap the two models within groups that give a difference at least
    as large; for a mean over items this is the sign-flip test. With few groups all ways are
    tried, so p can be no smaller than 2 in 2 to the number of groups.

    Parameters
    ----------
    first, second : what the metric needs, per item, in the same order
    groups : number of each item's group, from 0
    n_swaps : of random swaps, where there are more ways than that

    Raises
    ------
    ScoringError : no items, no draws, or another number of items on the two sides
    """
    if first.shape != second.shape:
        raise ScoringError(
            f"Two models were scored on {len(first)} and {len(second)} items; a paired comparison "
            "needs the same ones. Score both on the same split."
        )
    n_groups = _n_groups(groups, n_draws)
    once = np.ones((1, len(first)))
    difference = float(metric.drawn(second, once)[0] - metric.drawn(first, once)[0])
    exact = 2**n_groups <= n_swaps
    found = (math.nan, math.nan, math.nan)
    if n_groups >= 2 and not math.isnan(difference):
        moved = [
            metric.drawn(second, drawn[:, groups]) - metric.drawn(first, drawn[:, groups])
            for drawn in _draws_of_groups(rng, n_groups, n_draws, len(first))
        ]
        swaps = _all_swaps(n_groups) if exact else _some_swaps(rng, n_groups, n_swaps)
        p_value = _p_value(metric, first, second, groups, swaps=swaps, exact=exact)
        found = (*_interval(np.concatenate(moved), level), p_value)
    return PairedTest(
        difference, *found,
        n_items=len(first), n_groups=n_groups,
        n_swaps=2**n_groups if exact else n_swaps, exact=exact,
    )  # fmt: skip


def _n_groups(groups: Int64[np.ndarray, " items"], n_draws: int) -> int:
    if not groups.size or n_draws < 1:
        raise ScoringError(
            f"{groups.size} items and {n_draws} draws give no interval; at least one of each is "
            "needed."
        )
    return int(groups.max()) + 1


def _draws_of_groups(
    rng: np.random.Generator, n_groups: int, n_draws: int, n_items: int
) -> Iterator[Float64[np.ndarray, "draws groups"]]:
    """How often each group is drawn, a few draws at a time."""
    at_once = max(1, _ROOM // n_items)
    for done in range(0, n_draws, at_once):
        size = min(at_once, n_draws - done)
        yield rng.multinomial(n_groups, [1 / n_groups] * n_groups, size=size).astype(np.float64)


def _all_swaps(n_groups: int) -> np.ndarray:
    """Every way to swap or not; the first swaps nothing."""
    ways = np.arange(2**n_groups)[:, None]
    swaps: np.ndarray = (ways >> np.arange(n_groups)) & 1 == 1
    return swaps


def _some_swaps(rng: np.random.Generator, n_groups: int, n_swaps: int) -> np.ndarray:
    return rng.random((n_swaps, n_groups)) < 0.5


def _p_value(
    metric: ItemMetric,
    first: Numbers,
    second: Numbers,
    groups: Int64[np.ndarray, " items"],
    *,
    swaps: np.ndarray,
    exact: bool,
) -> float:
    at_once = max(1, _ROOM // len(first))
    pieces = [
        metric.swapped(first, second, swaps[done : done + at_once][:, groups])
        for done in range(0, len(swaps), at_once)
    ]
    differences = np.concatenate([two - one for one, two in pieces])
    once = np.zeros((1, len(first)), dtype=bool)
    one, two = metric.swapped(first, second, once)
    observed = abs(float(two[0] - one[0]))
    defined = np.abs(differences[~np.isnan(differences)])
    as_large = int(np.count_nonzero(defined >= observed - 1e-12 * max(1.0, observed)))
    return as_large / int(defined.size) if exact else (as_large + 1) / (int(defined.size) + 1)


def _interval(values: Float64[np.ndarray, " draws"], level: float) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if not defined.size:
        return math.nan, math.nan
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust p-values of several tests, so that one false finding among them stays rare [3]_.

    Tests without a p-value (NaN) were not made and do not count.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    made = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(made):
        largest = max(largest, min(1.0, (len(made) - rank) * p))
        adjusted[place] = largest
    return tuple(adjusted)


def mean_over_trainings(values: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """Mean of a metric over trainings that differ in their seed alone, with its t interval.

    Undefined values are left out; fewer than two leave no interval.

    >>> one = mean_over_trainings([0.80, 0.84, 0.82])
    >>> round(one.value, 3), round(one.low, 3), round(one.high, 3), one.n
    (0.82, 0.77, 0.87, 3)
    """
    defined = [value for value in values if not math.isnan(value)]
    n = len(defined)
    if n < 2:
        return Estimate(defined[0] if defined else math.nan, math.nan, math.nan, n)
    from scipy.special import stdtrit

    mean = math.fsum(defined) / n
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in defined) / (n - 1))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * deviation / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)

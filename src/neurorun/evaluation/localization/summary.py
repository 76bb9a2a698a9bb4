"""Scores of many examples become means, overall and by what may decide them, with intervals.

Examples that differ in nothing but their noise are alike, so groups are drawn for the intervals,
not examples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from neurorun.core import ScoringError
from neurorun.evaluation.bootstrap import LEVEL, Interval


@dataclass(frozen=True, slots=True)
class ScoredExample:
    """Scores of one estimate.

    Parameters
    ----------
    example : name of the example
    method : what made the estimate
    group : examples of one group have their sources and waveforms in common
    facets : what it may be counted under, such as its noise level
    scores : by metric; NaN where undefined
    """

    example: str
    method: str
    group: str
    facets: Mapping[str, str]
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MeanScore:
    """Mean of a metric over some examples.

    Parameters
    ----------
    mean : NaN if it is undefined in all
    interval : of the mean, if other sources had been drawn
    n_examples, n_groups : over which, undefined values included
    """

    mean: float
    interval: Interval
    n_examples: int
    n_groups: int


def mean_scores(
    examples: Sequence[ScoredExample],
    metrics: Sequence[str],
    *,
    rng: np.random.Generator,
    n_resamples: int,
) -> dict[str, MeanScore]:
    """Mean of every metric over examples of one method, with bootstrap intervals [1]_.

    Parameters
    ----------
    examples : at least one
    metrics : names of scores that all of them have
    rng : decides the draws
    n_resamples : how often groups are drawn, > 0

    Raises
    ------
    ScoringError : no example

    References
    ----------
    .. [1] Efron, Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993, chapter 13:
       percentile intervals.
    """
    if not examples:
        raise ScoringError("No example was scored, so there is no mean; score at least one.")
    values = np.array([[one.scores[name] for name in metrics] for one in examples])
    names, group = np.unique([one.group for one in examples], return_inverse=True)
    sums, counts = np.zeros((2, names.size, len(metrics)))
    known = ~np.isnan(values)
    np.add.at(sums, group, np.where(known, values, 0.0))
    np.add.at(counts, group, known)
    draws = rng.multinomial(names.size, np.full(names.size, 1 / names.size), size=n_resamples)
    with np.errstate(invalid="ignore"):
        means = sums.sum(axis=0) / counts.sum(axis=0)
        drawn = (draws @ sums) / (draws @ counts)
    return {
        name: MeanScore(
            float(means[place]), _interval(drawn[:, place], names.size), len(examples), names.size
        )
        for place, name in enumerate(metrics)
    }


def _interval(drawn: Float64[np.ndarray, " draws"], n_groups: int) -> Interval:
    defined = drawn[~np.isnan(drawn)]
    if n_groups < 2 or not defined.size:
        return Interval(float("nan"), float("nan"), 0)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return Interval(low, high, defined.size)


def facet_values(examples: Sequence[ScoredExample], facet: str) -> tuple[str, ...]:
    """Values of a facet in the order in which they first occur."""
    return tuple(dict.fromkeys(one.facets[facet] for one in examples))

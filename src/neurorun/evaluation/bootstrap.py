"""How far a measure would move with other patients: bootstrap intervals.

Recordings of one patient are alike, so patients are drawn, not recordings: as many as there are,
with replacement, each with all recordings. Counts are added, measures made of the sums, and the
interval holds the middle share of the values so found. All methods see the same draws.

References
----------
.. [1] Efron, Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993, chapter 13:
   percentile intervals.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.core import ScoringError
from neurorun.evaluation.measures import Measures
from neurorun.evaluation.score import Score
from neurorun.evaluation.score_report import ScoreReport

LEVEL = 0.95
N_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """Interval of a measure.

    Parameters
    ----------
    low, high : its ends; NaN with fewer than two patients, or where the measure is undefined
    n_resamples : draws in which the measure was defined, and over which the interval is
    """

    low: float
    high: float
    n_resamples: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files."""
        return asdict(self)


@dataclass(frozen=True)
class Bootstrap:
    """Intervals of every method of a report, and how they were drawn.

    Parameters
    ----------
    intervals : by method and measure
    n_patients, n_resamples : how many were drawn from, and how often
    level : share of the draws that an interval holds
    """

    intervals: Mapping[str, Mapping[str, Interval]]
    n_patients: int
    n_resamples: int
    level: float

    def settings(self) -> dict[str, Any]:
        """How the intervals were drawn, as plain values."""
        return {
            "unit": "patients",
            "n_patients": self.n_patients,
            "n_resamples": self.n_resamples,
            "level": self.level,
            "method": "percentile",
        }


def bootstrap_intervals(
    report: ScoreReport,
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Bootstrap:
    """Draw the patients of a report again and again, and see how its measures move.

    Parameters
    ----------
    report : scores of recordings whose patients are known
    rng : decides the draws
    n_resamples : how often to draw, > 0
    level : share of the draws that an interval holds, in (0, 1)

    Returns
    -------
    Intervals of all measures of the positive class. A draw in which a measure is undefined, such as
    sensitivity without any seizure, is left out of that measure's interval.

    Raises
    ------
    ScoringError : the patient of a recording is not known, or a setting is out of range

    Examples
    --------
    >>> from neurorun.core import Event, Timeline
    >>> from neurorun.evaluation import score_recordings
    >>> found, missed = (Event(10, 20),), ()
    >>> pairs = [
    ...     (Timeline(name, 60.0, (Event(10, 20),)), Timeline(name, 60.0, events))
    ...     for name, events in {"a": found, "b": missed}.items()
    ... ]
    >>> report = score_recordings(pairs, methods=["overlap"], patients={"a": "anna", "b": "bert"})
    >>> drawn = bootstrap_intervals(report, rng=np.random.default_rng(0))
    >>> drawn.intervals["overlap"]["sensitivity"]
    Interval(low=0.0, high=1.0, n_resamples=1000)
    """
    if n_resamples < 1 or not 0 < level < 1:
        raise ScoringError(
            f"Cannot draw {n_resamples} times for an interval of {level:g}; at least one draw and "
            "a level between 0 and 1 are needed."
        )
    by_method = {name: list(report.patient_totals(name).values()) for name in report.methods}
    n_patients = len(next(iter(by_method.values())))
    draws = rng.multinomial(n_patients, [1 / n_patients] * n_patients, size=n_resamples)
    return Bootstrap(
        intervals={
            name: _intervals(scores, draws.astype(np.int64), level)
            for name, scores in by_method.items()
        },
        n_patients=n_patients,
        n_resamples=n_resamples,
        level=level,
    )


def _intervals(
    scores: Sequence[Score], draws: Int64[np.ndarray, "draws patients"], level: float
) -> dict[str, Interval]:
    names = tuple(scores[0].measures)
    if len(scores) < 2:
        return dict.fromkeys(names, Interval(math.nan, math.nan, 0))
    numbers = np.array([(*score.counts.numbers(), score.duration_s) for score in scores])
    measured = [_measures(scores[0], row) for row in (draws @ numbers).tolist()]
    values = np.array([[measures[name] for name in names] for measures in measured])
    return {name: _interval(values[:, place], level) for place, name in enumerate(names)}


def _measures(like: Score, numbers: Sequence[float]) -> Measures:
    *counted, duration_s = numbers
    return like.counts.with_numbers(counted).measures(like.positive, duration_s=duration_s)


def _interval(values: Float64[np.ndarray, " draws"], level: float) -> Interval:
    defined = values[~np.isnan(values)]
    if not defined.size:
        return Interval(math.nan, math.nan, 0)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Interval(low, high, defined.size)

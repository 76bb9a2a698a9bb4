"""Measures of a decision between two classes, for windows and for whole recordings.

The positive class is 1 (abnormal). Probabilities of the windows of a recording are averaged before
a recording is decided; intervals are drawn over patients, whose recordings are alike.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.core import ScoringError
from neurorun.evaluation.bootstrap import LEVEL, N_RESAMPLES, Interval
from neurorun.evaluation.measures import ratio
from neurorun.evaluation.sample_metrics import RankedSamples

THRESHOLD = 0.5
_UNDEFINED = Interval(math.nan, math.nan, 0)


@dataclass(frozen=True, eq=False)
class Classified:
    """Items with their true class and what a model said.

    Parameters
    ----------
    names, patients : one per item
    labels : 0 or 1
    probabilities : of class 1

    Raises
    ------
    ScoringError : the parts do not fit each other, a label is neither 0 nor 1, or a probability
        lies outside [0, 1]
    """

    names: tuple[str, ...]
    patients: tuple[str, ...]
    labels: Int64[np.ndarray, " items"]
    probabilities: Float64[np.ndarray, " scored"]

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.patients), len(self.labels), len(self.probabilities)}
        if len(lengths) != 1:
            raise ScoringError(
                f"{len(self.names)} names, {len(self.patients)} patients, {len(self.labels)} "
                f"labels and {len(self.probabilities)} probabilities were given; one of each per "
                "item is needed."
            )
        if not np.isin(self.labels, (0, 1)).all():
            raise ScoringError(
                f"Labels are {np.unique(self.labels).tolist()}; 0 (normal) and 1 (abnormal) are "
                "allowed."
            )
        if not ((self.probabilities >= 0) & (self.probabilities <= 1)).all():
            raise ScoringError(
                "Probabilities must lie in [0, 1] and not be NaN; give those after the softmax."
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def predicted(self) -> Int64[np.ndarray, " items"]:
        """Class of each item: 1 from a probability of one half on."""
        return (self.probabilities >= THRESHOLD).astype(np.int64)

    def take(self, places: Int64[np.ndarray, " chosen"]) -> "Classified":
        """Some of the items, in this order; one may come several times."""
        return Classified(
            tuple(self.names[i] for i in places.tolist()),
            tuple(self.patients[i] for i in places.tolist()),
            self.labels[places],
            self.probabilities[places],
        )

    def by_recording(self, recordings: Sequence[str]) -> "Classified":
        """Average the items of each recording.

        Parameters
        ----------
        recordings : that of each item

        Raises
        ------
        ScoringError : items of one recording have different labels
        """
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(recordings):
            groups[name].append(place)
        mixed = [name for name, places in groups.items() if len(set(self.labels[places])) > 1]
        if mixed:
            raise ScoringError(
                f"Recording '{mixed[0]}' has windows of both classes; a recording has one class. "
                "Correct its label."
            )
        firsts = [places[0] for places in groups.values()]
        return Classified(
            tuple(groups),
            tuple(self.patients[first] for first in firsts),
            self.labels[firsts],
            np.array([self.probabilities[places].mean() for places in groups.values()]),
        )


def confusion_counts(items: Classified) -> tuple[tuple[int, int], tuple[int, int]]:
    """Counts ``[true][predicted]`` of both classes, also of one that never occurs.

    >>> confusion_counts(Classified(("a",), ("a",), np.array([1]), np.array([0.9])))
    ((0, 0), (0, 1))
    """
    table = np.zeros((2, 2), np.int64)
    np.add.at(table, (items.labels, items.predicted), 1)
    (tn, fp), (fn, tp) = table.tolist()
    return (tn, fp), (fn, tp)


def classification_metrics(items: Classified) -> dict[str, float]:
    """Measure decisions and probabilities; what has no denominator is NaN.

    Returns
    -------
    accuracy, balanced_accuracy, macro_f1, weighted_f1, precision, recall, sensitivity, specificity,
    auroc, auprc, mcc, brier. ``precision`` and ``recall`` are weighted by the size of the classes,
    as in scikit-learn (so recall equals accuracy); F1 of a class that neither occurs nor is
    predicted is left out of the means.

    Examples
    --------
    >>> items = Classified(
    ...     tuple("abcd"), tuple("abcd"), np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.8, 0.9])
    ... )
    >>> found = classification_metrics(items)
    >>> found["accuracy"], found["sensitivity"], found["specificity"], found["auroc"]
    (0.75, 1.0, 0.5, 1.0)
    """
    (tn, fp), (fn, tp) = confusion_counts(items)
    sensitivity, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    f1 = np.array([ratio(2 * tn, 2 * tn + fp + fn), ratio(2 * tp, 2 * tp + fp + fn)])
    precisions = np.array([ratio(tn, tn + fn), ratio(tp, tp + fp)])
    sizes = np.array([tn + fp, fn + tp], np.float64)
    accuracy = ratio(tp + tn, len(items))
    ranked = RankedSamples()
    ranked.add(items.probabilities.astype(np.float32), items.labels == 1)
    error = items.probabilities - items.labels
    return {
        "accuracy": accuracy,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "macro_f1": _weighted(f1, np.ones(2)),
        "weighted_f1": _weighted(f1, sizes),
        "precision": _weighted(np.nan_to_num(precisions), sizes),
        "recall": accuracy,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "auroc": ranked.auroc(),
        "auprc": ranked.auprc(),
        "mcc": _mcc(tp=tp, fp=fp, tn=tn, fn=fn),
        "brier": ratio(float(np.dot(error, error)), len(items)),
    }


def _weighted(values: Float64[np.ndarray, " classes"], weights: np.ndarray) -> float:
    known = ~np.isnan(values)
    return ratio(float(np.dot(values[known], weights[known])), float(weights[known].sum()))


def _mcc(*, tp: int, fp: int, tn: int, fn: int) -> float:
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(product) if product else math.nan


def patient_intervals(
    items: Classified,
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
    measure: Callable[[Classified], Mapping[str, float]] = classification_metrics,
) -> dict[str, Interval]:
    """Draw patients again and again, and see how the measures move.

    Parameters
    ----------
    rng : decides the draws
    n_resamples : how often to draw, > 0
    level : share of the draws that an interval holds

    Returns
    -------
    Percentile intervals by measure; undefined with fewer than two patients. A draw in which a
    measure is undefined is left out of its interval.
    """
    names = list(measure(items))
    places = defaultdict(list)
    for place, patient in enumerate(items.patients):
        places[patient].append(place)
    groups = [np.array(some, np.int64) for some in places.values()]
    if len(groups) < 2:
        return dict.fromkeys(names, _UNDEFINED)
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(n_resamples):
        chosen = rng.integers(len(groups), size=len(groups))
        found = measure(items.take(np.concatenate([groups[i] for i in chosen])))
        for name, value in found.items():
            if not math.isnan(value):
                drawn[name].append(value)
    return {name: _interval(values, level) for name, values in drawn.items()}


def _interval(values: Sequence[float], level: float) -> Interval:
    if not values:
        return _UNDEFINED
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), len(values))

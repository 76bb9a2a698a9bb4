"""Metrics made again from the rows of a run's scored items, so that items can be drawn and swapped.

A run keeps one row per scored recording or image. Most of its metrics are functions of sums over
these rows; some rank the items by their probability. Which recipe makes which metric is tried and
held against the recorded value: what does not reproduce it is no recipe for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64

from neurorun.evaluation.measures import DAY_S

Row = Mapping[str, Any]
Numbers = Float64[np.ndarray, "items columns"]
Weights = Float64[np.ndarray, "draws items"]
Values = Float64[np.ndarray, " draws"]

TOLERANCE = 1e-6
"""Relative difference up to which a value made from rows is the recorded one."""


@runtime_checkable
class ItemMetric(Protocol):
    """One way to make a metric from the rows of items."""

    @property
    def averages(self) -> bool:
        """Whether numbers of several runs may be averaged item by item, as sums may."""
        ...

    def numbers(self, rows: Sequence[Row]) -> Numbers | None:
        """What the metric needs of every item; None if the rows do not hold it."""
        ...

    def drawn(self, numbers: Numbers, weights: Weights) -> Values:
        """Value for each draw, in which items count as often as their weight says."""
        ...

    def swapped(
        self, first: Numbers, second: Numbers, swaps: Bool[np.ndarray, "draws items"]
    ) -> tuple[Values, Values]:
        """Values of two sets for each draw, in which the swapped items have changed sides."""
        ...


@dataclass(frozen=True)
class SumMetric:
    """A function of sums over items.

    Parameters
    ----------
    read : finds what is summed in the rows; None if they do not hold it
    formula : takes one array per sum, a value per draw in each
    averages : sums of several runs may be averaged
    """

    read: Callable[[Sequence[Row]], Numbers | None]
    formula: Callable[..., np.ndarray]
    averages: bool = True

    def numbers(self, rows: Sequence[Row]) -> Numbers | None:
        """What is summed, per item."""
        return self.read(rows)

    def drawn(self, numbers: Numbers, weights: Weights) -> Values:
        """Value for each draw."""
        return self._of(weights @ numbers)

    def swapped(
        self, first: Numbers, second: Numbers, swaps: Bool[np.ndarray, "draws items"]
    ) -> tuple[Values, Values]:
        """Values of both sides for each draw."""
        moved = swaps.astype(np.float64) @ (second - first)
        return self._of(first.sum(axis=0) + moved), self._of(second.sum(axis=0) - moved)

    def _of(self, sums: Float64[np.ndarray, "draws columns"]) -> Values:
        return self.formula(*sums.T)


def of_columns(names: Sequence[str], formula: Callable[..., np.ndarray]) -> SumMetric:
    """Make a function of sums of columns; booleans count as 0 and 1."""
    return SumMetric(lambda rows: _columns(rows, names), formula)


def mean_of(name: str) -> SumMetric:
    """Mean of a column over the items for which it is defined."""

    def read(rows: Sequence[Row]) -> Numbers | None:
        if not rows or not all(_is_number(row.get(name)) for row in rows):
            return None
        values = np.array([float(row[name]) for row in rows])
        defined = np.isfinite(values)
        return np.stack([np.where(defined, values, 0.0), defined.astype(np.float64)], axis=1)

    return SumMetric(read, quotient)


def of_labels(positive: str, cells: Sequence[str], formula: Callable[..., np.ndarray]) -> SumMetric:
    """Make a function of the confusion table of items, from their true and predicted class."""

    def read(rows: Sequence[Row]) -> Numbers | None:
        if not all({"true_label", "predicted_label"} <= row.keys() for row in rows):
            return None
        found = [_cell_of(row, positive) for row in rows]
        return np.array([[float(cell == name) for name in cells] for cell in found])

    return SumMetric(read, formula)


def _cell_of(row: Row, positive: str) -> str:
    true, predicted = (str(row[side]) == positive for side in ("true_label", "predicted_label"))
    return ("t" if true == predicted else "f") + ("p" if predicted else "n")


@dataclass(frozen=True)
class RankMetric:
    """Area under the ROC curve of items by their probability, ties counting half [1]_.

    Parameters
    ----------
    label : column with the annotated class
    positive : the class that high probabilities mean
    probability : column

    References
    ----------
    .. [1] Hanley, McNeil, "The meaning and use of the area under a receiver operating
       characteristic (ROC) curve", Radiology 143, 1982.
    """

    label: str
    positive: str
    probability: str
    averages: bool = False

    def numbers(self, rows: Sequence[Row]) -> Numbers | None:
        """Whether positive, and the probability; None if a column is absent or undefined."""
        found = _columns(rows, (self.probability,))
        if found is None or not all(self.label in row for row in rows):
            return None
        return np.stack([_is_class(rows, self.label, self.positive), found[:, 0]], axis=1)

    def drawn(self, numbers: Numbers, weights: Weights) -> Values:
        """Value for each draw; NaN without both classes."""
        return _auroc(numbers[:, 0], numbers[:, 1], weights)

    def swapped(
        self, first: Numbers, second: Numbers, swaps: Bool[np.ndarray, "draws items"]
    ) -> tuple[Values, Values]:
        """Values of both sides for each draw."""
        once = np.ones((1, len(first)))
        values = np.empty((2, len(swaps)))
        for draw, swap in enumerate(swaps[:, :, None]):
            sides = (np.where(swap, second, first), np.where(swap, first, second))
            values[:, draw] = [self.drawn(side, once)[0] for side in sides]
        return values[0], values[1]


def _is_class(rows: Sequence[Row], label: str, name: str) -> Float64[np.ndarray, " items"]:
    return np.array([str(row[label]) == name for row in rows], dtype=np.float64)


def squared_error(positive: str, probability: str) -> SumMetric:
    """Mean squared difference of a probability and whether an item is of a class (Brier)."""

    def read(rows: Sequence[Row]) -> Numbers | None:
        found = _columns(rows, (probability,))
        if found is None:
            return None
        errors = (found[:, 0] - _is_class(rows, "true_label", positive)) ** 2
        return np.stack([errors, np.ones(len(rows))], axis=1)

    return SumMetric(read, quotient)


def _auroc(
    positive: Float64[np.ndarray, " items"],
    probability: Float64[np.ndarray, " items"],
    weights: Weights,
) -> Values:
    order = np.argsort(probability, kind="stable")
    starts = np.flatnonzero(np.diff(probability[order], prepend=-np.inf))
    up = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    down = np.add.reduceat((weights * (1 - positive))[:, order], starts, axis=1)
    below = np.cumsum(down, axis=1) - down
    n_up, n_down = up.sum(axis=1), down.sum(axis=1)
    return quotient((up * (below + 0.5 * down)).sum(axis=1), n_up * n_down)


def _columns(rows: Sequence[Row], names: Sequence[str]) -> Numbers | None:
    if not rows or not all(_is_number(row.get(name)) for row in rows for name in names):
        return None
    found = np.array([[float(row[name]) for name in names] for row in rows])
    return found if np.isfinite(found).all() else None


def _is_number(cell: Any) -> bool:
    return isinstance(cell, bool | int | float | np.integer | np.floating | np.bool_)


def quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotients; NaN where there is nothing to divide by.

    >>> quotient(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    undefined = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    found: np.ndarray = np.divide(numerator, denominator, out=undefined, where=denominator != 0)
    return found


def _share(part: np.ndarray, rest: np.ndarray) -> np.ndarray:
    return quotient(part, part + rest)


def _f1(hits: np.ndarray, misses: np.ndarray, alarms: np.ndarray) -> np.ndarray:
    return quotient(2 * hits, 2 * hits + misses + alarms)


def _balanced(tp: np.ndarray, fn: np.ndarray, tn: np.ndarray, fp: np.ndarray) -> np.ndarray:
    found: np.ndarray = 0.5 * (_share(tp, fn) + _share(tn, fp))
    return found


def _accuracy(tp: np.ndarray, tn: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    return quotient(tp + tn, tp + tn + fp + fn)


def _or_zero(values: np.ndarray) -> np.ndarray:
    """Zero where nothing was predicted, as metrics over classes count it."""
    found: np.ndarray = np.nan_to_num(values, nan=0.0)
    return found


def _macro_f1(tp: np.ndarray, fn: np.ndarray, tn: np.ndarray, fp: np.ndarray) -> np.ndarray:
    found: np.ndarray = 0.5 * (_or_zero(_f1(tp, fn, fp)) + _or_zero(_f1(tn, fp, fn)))
    return found


def _weighted_f1(tp: np.ndarray, fn: np.ndarray, tn: np.ndarray, fp: np.ndarray) -> np.ndarray:
    own, other = _or_zero(_f1(tp, fn, fp)), _or_zero(_f1(tn, fp, fn))
    return quotient((tp + fn) * own + (tn + fp) * other, tp + fn + tn + fp)


def _macro_precision(tp: np.ndarray, fn: np.ndarray, tn: np.ndarray, fp: np.ndarray) -> np.ndarray:
    found: np.ndarray = 0.5 * (_or_zero(_share(tp, fp)) + _or_zero(_share(tn, fn)))
    return found


_CELLS: dict[str, tuple[tuple[str, ...], Callable[..., np.ndarray]]] = {
    "iou": (("tp", "fp", "fn"), lambda tp, fp, fn: quotient(tp, tp + fp + fn)),
    "dice": (("tp", "fn", "fp"), _f1),
    "f1": (("tp", "fn", "fp"), _f1),
    "precision": (("tp", "fp"), _share),
    "recall": (("tp", "fn"), _share),
    "sensitivity": (("tp", "fn"), _share),
    "specificity": (("tn", "fp"), _share),
    "accuracy": (("tp", "tn", "fp", "fn"), _accuracy),
    "acc": (("tp", "tn", "fp", "fn"), lambda *cells: 100 * _accuracy(*cells)),
    "balanced_accuracy": (("tp", "fn", "tn", "fp"), _balanced),
    "balanced_acc": (("tp", "fn", "tn", "fp"), _balanced),
    "macro_f1": (("tp", "fn", "tn", "fp"), _macro_f1),
    "weighted_f1": (("tp", "fn", "tn", "fp"), _weighted_f1),
}  # fmt: skip
"""From the four cells of a confusion table, counted per item."""


_OVER_CLASSES: dict[str, Callable[..., np.ndarray]] = {
    "precision": _macro_precision, "recall": _balanced, "f1": _macro_f1,
}  # fmt: skip
"""The same names, where they are means over both classes."""


def _of_events(prefix: str) -> dict[str, SumMetric]:
    """From what a scoring method counted per recording."""
    hits, misses, alarms = (f"{prefix}_{one}" for one in ("hits", "misses", "false_alarms"))
    return {
        "sensitivity": of_columns((hits, misses), _share),
        "precision": of_columns((hits, alarms), _share),
        "f1": of_columns((hits, misses, alarms), _f1),
        "false_alarms_per_24h": of_columns(
            (alarms, "observed_s"), lambda n, seconds: quotient(n, seconds) * DAY_S
        ),
    }


def _candidates(name: str, rows: Sequence[Row]) -> Iterator[ItemMetric]:
    """Recipes for a metric, most particular first."""
    if name in (events := _of_events("overlap")):
        yield events[name]
    if name == "taes":
        yield _of_events("taes_overlap")["f1"]
    if name == "szcore_f1":
        yield _of_events("szcore_event")["f1"]
    if name == "detected_time_fraction":
        yield of_columns(("detected_s", "observed_s"), quotient)
    if name in _CELLS:
        yield of_columns(*_CELLS[name])
    if name == "accuracy":
        yield mean_of("correct")
    yield from _of_classes(name, rows)
    yield mean_of(name.removesuffix("_images"))


def _of_classes(name: str, rows: Sequence[Row]) -> Iterator[ItemMetric]:
    """From true and predicted class, each class in turn taken as the positive one."""
    labels = sorted({str(row["true_label"]) for row in rows if "true_label" in row})
    for label in reversed(labels) if len(labels) == 2 else ():
        for probability in ("prob_abnormal", "probability"):
            if name == "auroc":
                yield RankMetric("true_label", label, probability)
            if name == "brier":
                yield squared_error(label, probability)
        if name in _CELLS:
            yield of_labels(label, *_CELLS[name])
        if name in _OVER_CLASSES:
            yield of_labels(label, ("tp", "fn", "tn", "fp"), _OVER_CLASSES[name])


def recipe_for(name: str, rows: Sequence[Row], recorded: float) -> ItemMetric | None:
    """Find the recipe that makes the recorded value of a metric from the rows; None if none does.

    Parameters
    ----------
    name : of the metric
    rows : one per scored item, equal keys
    recorded : its value over all items, as the run holds it; NaN where undefined

    Examples
    --------
    >>> rows = [{"tp": 8, "fn": 2, "fp": 0}, {"tp": 0, "fn": 0, "fp": 6}]
    >>> recipe_for("recall", rows, 0.8) is None, recipe_for("recall", rows, 0.9) is None
    (False, True)
    """
    return common_recipe(name, [(rows, recorded)])


def common_recipe(name: str, scored: Sequence[tuple[Sequence[Row], float]]) -> ItemMetric | None:
    """Find the one recipe that makes the recorded values of several models; None if none does."""
    if not scored:
        return None
    bare = name.removeprefix("val_").removeprefix("recording_")
    candidates = _candidates(bare, scored[0][0])
    return next((one for one in candidates if all(_makes(one, *each) for each in scored)), None)


def _makes(recipe: ItemMetric, rows: Sequence[Row], recorded: float) -> bool:
    numbers = recipe.numbers(rows)
    if numbers is None or not numbers.size:
        return False
    (value,) = recipe.drawn(numbers, np.ones((1, len(numbers)))).tolist()
    return bool(np.isclose(value, recorded, rtol=TOLERANCE, atol=1e-12, equal_nan=True))

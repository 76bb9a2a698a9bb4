"""Means of a model and of the methods beside it, as kept in a run, made ready to be read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from neurorun.core import Metric
from neurorun.reporting.words import metric_in_words, number_in_words, unit_in_words
from neurorun.runs import Cell

COMPARISON = "localization"
"""Name of the table in a run."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its interval, NaN where unknown, and over how many examples it is."""

    mean: float
    low: float
    high: float
    n_examples: int

    @property
    def words(self) -> str:
        """The mean, with its interval if there is one.

        >>> Mean(12.34, 10.0, 15.0, 8).words, Mean(0.5, float("nan"), float("nan"), 1).words
        ('12.3 (10.0 to 15.0)', '0.500')
        """
        told = number_in_words(self.mean)
        return f"{told} ({self.interval})" if self.interval else told

    @property
    def interval(self) -> str:
        """The interval; empty if there is none."""
        if math.isnan(self.low):
            return ""
        return f"{number_in_words(self.low)} to {number_in_words(self.high)}"


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """A mean as a table shows it."""

    mean: str
    interval: str
    is_best: bool


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One measure, with the value of every method.

    Parameters
    ----------
    cells : one per method
    """

    name: str
    unit: str
    better: str
    definition: str
    cells: tuple[ComparedCell, ...]


class Comparison:
    """Means by method, circumstance and metric.

    Parameters
    ----------
    rows : of the run's table
    """

    def __init__(self, rows: Sequence[Mapping[str, Cell]]) -> None:
        self._means = {
            (str(row["method"]), str(row["by"]), str(row["value"]), str(row["metric"])): Mean(
                _number(row["mean"]),
                _number(row["low"]),
                _number(row["high"]),
                int(_number(row["n_examples"])),
            )
            for row in rows
        }
        self.methods = tuple(dict.fromkeys(method for method, *_ in self._means))

    @property
    def model(self) -> str:
        """The method that was trained: the first."""
        return self.methods[0]

    @property
    def n_examples(self) -> int:
        """Examples over which the methods are compared."""
        return next(one.n_examples for (_, by, *_), one in self._means.items() if by == ALL)

    def circumstances(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """By what the means are divided, with the values of each that occur."""
        for name in dict.fromkeys(by for _, by, *_ in self._means if by != ALL):
            yield name, tuple(dict.fromkeys(v for _, by, v, _ in self._means if by == name))

    def mean(self, method: str, metric: str, *, by: str = ALL, value: str = ALL) -> Mean:
        """Find a mean; NaN where it was not measured."""
        absent = Mean(math.nan, math.nan, math.nan, 0)
        return self._means.get((method, by, value, metric), absent)

    def best(self, metric: Metric, *, by: str = ALL, value: str = ALL) -> str | None:
        """Find the method with the best mean, the first of equals; None if all are undefined."""
        found: str | None = None
        best: float | None = None
        for method in self.methods:
            mean = self.mean(method, metric.name, by=by, value=value).mean
            if metric.improves(mean, on=best):
                found, best = method, mean
        return found

    def line(self, metric: Metric, *, by: str = ALL, value: str = ALL) -> ComparedLine:
        """Values of all methods, the best one marked."""
        best = self.best(metric, by=by, value=value)
        return ComparedLine(
            name=metric_in_words(metric.name) if by == ALL else value,
            unit=unit_in_words(metric.unit),
            better=metric.better,
            definition=metric.definition,
            cells=tuple(self._cell(one, metric, best, by=by, value=value) for one in self.methods),
        )

    def _cell(
        self, method: str, metric: Metric, best: str | None, *, by: str, value: str
    ) -> ComparedCell:
        mean = self.mean(method, metric.name, by=by, value=value)
        return ComparedCell(number_in_words(mean.mean), mean.interval, method == best)

    def measured(self, metrics: Sequence[Metric]) -> list[Metric]:
        """Metrics that are known of more than one method."""
        return [
            one for one in metrics if sum(self._knows(method, one) for method in self.methods) > 1
        ]

    def _knows(self, method: str, metric: Metric) -> bool:
        return not math.isnan(self.mean(method, metric.name).mean)


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else math.nan

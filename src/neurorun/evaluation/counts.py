"""What the scoring methods count: four kinds of counts that add over recordings.

Each knows its classes and derives its measures. `EventCounts` holds events, or fractions of them,
by class, `ConfusionCounts` samples by pair of classes, `AlignmentCounts` aligned labels, and
`DetectionCounts` one class without negatives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from neurorun.evaluation.measures import ClassCounts, Measures, derived_measures, per_day, ratio

Confusion = Mapping[str, Mapping[str, int]]
"""Counts by reference class, then by detected class."""


@runtime_checkable
class Counts(Protocol):
    """What every kind of counts can do."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that are counted, the positive one first."""
        ...

    def __add__(self, other: Any, /) -> "Counts":
        """Counts of both recordings together."""
        ...

    def of(self, name: str) -> ClassCounts:
        """Counts of one class against all others."""
        ...

    def measures(self, name: str, *, duration_s: float) -> Measures:
        """Measures of one class; NaN where undefined."""
        ...

    def numbers(self) -> tuple[float, ...]:
        """What adds over recordings, flat."""
        ...

    def with_numbers(self, numbers: Sequence[float], /) -> "Counts":
        """Counts of the same kind and classes that hold other numbers."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one class: how many there were, and what became of them.

    ``steps`` remembers, for one recording, the amounts in the order in which they were counted.
    Floating-point sums depend on their order; the original program adds amount by amount over all
    files, and so does ``total + tally``, so that sums of fractions are equal to the last bit.
    """

    targets: int
    hits: float
    misses: float
    false_alarms: float
    steps: tuple[tuple[float, float, float], ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of_steps(cls, targets: int, steps: Sequence[tuple[float, float, float]]) -> "Tally":
        """Tally of amounts ``(hits, misses, false alarms)``, added in their order."""
        return cls(targets, *_added((0.0, 0.0, 0.0), steps), steps=tuple(steps))

    def __add__(self, other: "Tally") -> "Tally":
        steps = other.steps or ((other.hits, other.misses, other.false_alarms),)
        sums = _added((self.hits, self.misses, self.false_alarms), steps)
        return Tally(self.targets + other.targets, *sums)


def _added(
    start: tuple[float, float, float], steps: Sequence[tuple[float, float, float]]
) -> tuple[float, float, float]:
    hits, misses, false_alarms = start
    for hit, miss, false_alarm in steps:
        hits += hit
        misses += miss
        false_alarms += false_alarm
    return hits, misses, false_alarms


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Events or fractions of events, by class; true negatives are the hits of the other classes."""

    tallies: Mapping[str, Tally]

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that are counted, the positive one first."""
        return tuple(self.tallies)

    def __add__(self, other: "EventCounts") -> "EventCounts":
        return EventCounts(
            {name: tally + other.tallies[name] for name, tally in self.tallies.items()}
        )

    def of(self, name: str) -> ClassCounts:
        """Counts of one class against all others."""
        tally = self.tallies[name]
        return ClassCounts(
            targets=tally.targets,
            hits=tally.hits,
            misses=tally.misses,
            false_alarms=tally.false_alarms,
            insertions=tally.false_alarms,
            deletions=tally.misses,
            true_negatives=sum(t.hits for other, t in self.tallies.items() if other != name),
            false_positives=tally.false_alarms,
        )

    def measures(self, name: str, *, duration_s: float) -> Measures:
        """Measures of one class; NaN where undefined."""
        return derived_measures(self.of(name), duration_s=duration_s)

    def numbers(self) -> tuple[float, ...]:
        """Targets, hits, misses and false alarms of every class."""
        return tuple(
            number
            for tally in self.tallies.values()
            for number in (tally.targets, tally.hits, tally.misses, tally.false_alarms)
        )

    def with_numbers(self, numbers: Sequence[float]) -> "EventCounts":
        """Counts of the same classes that hold other numbers."""
        rows = (numbers[first : first + 4] for first in range(0, len(numbers), 4))
        return EventCounts(
            {
                name: Tally(round(targets), hits, misses, false_alarms)
                for name, (targets, hits, misses, false_alarms) in zip(
                    self.tallies, rows, strict=True
                )
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files."""
        return {
            name: {
                "targets": tally.targets,
                "hits": tally.hits,
                "misses": tally.misses,
                "false_alarms": tally.false_alarms,
            }
            for name, tally in self.tallies.items()
        }


@dataclass(frozen=True, slots=True)
class ConfusionCounts:
    """Samples by reference class and detected class, taken every ``interval_s`` seconds."""

    confusion: Confusion
    background: str
    interval_s: float

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that are counted, in the order of the table."""
        return tuple(self.confusion)

    def __add__(self, other: "ConfusionCounts") -> "ConfusionCounts":
        return replace(self, confusion=added_confusion(self.confusion, other.confusion))

    def of(self, name: str) -> ClassCounts:
        """Counts of one class against all others."""
        table, null = self.confusion, self.background
        targets, hits = sum(table[name].values()), table[name][name]
        detected = sum(row[name] for row in table.values())
        total = sum(sum(row.values()) for row in table.values())
        return ClassCounts(
            targets=targets,
            hits=hits,
            misses=targets - hits,
            false_alarms=0 if name == null else table[null][name],
            insertions=0 if name == null else table[null][name],
            deletions=0 if name == null else table[name][null],
            true_negatives=total - targets - detected + hits,
            false_positives=detected - hits,
        )

    def measures(self, name: str, *, duration_s: float) -> Measures:
        """Measures of one class; false alarms per 24 h are seconds, not events."""
        return derived_measures(
            self.of(name), duration_s=duration_s, seconds_per_alarm=self.interval_s
        )

    def numbers(self) -> tuple[float, ...]:
        """Cells of the table, row by row."""
        return confusion_numbers(self.confusion)

    def with_numbers(self, numbers: Sequence[float]) -> "ConfusionCounts":
        """Counts of the same classes that hold other numbers."""
        return replace(self, confusion=confusion_of(tuple(self.confusion), numbers))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files."""
        return {
            "interval_s": self.interval_s,
            "confusion": {name: dict(row) for name, row in self.confusion.items()},
        }


@dataclass(frozen=True, slots=True)
class AlignmentCounts:
    """Labels of two sequences after alignment: the aligned pairs, and what had no partner."""

    confusion: Confusion
    insertions: Mapping[str, int]
    deletions: Mapping[str, int]

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that are counted, in the order of the table."""
        return tuple(self.confusion)

    def __add__(self, other: "AlignmentCounts") -> "AlignmentCounts":
        return AlignmentCounts(
            added_confusion(self.confusion, other.confusion),
            {name: n + other.insertions[name] for name, n in self.insertions.items()},
            {name: n + other.deletions[name] for name, n in self.deletions.items()},
        )

    def of(self, name: str) -> ClassCounts:
        """Counts of one class; a substitution costs nothing on the detected side, as in NEDC."""
        aligned = sum(self.confusion[name].values())
        hits = self.confusion[name][name]
        targets = aligned + self.deletions[name]
        return ClassCounts(
            targets=targets,
            hits=hits,
            misses=targets - hits,
            false_alarms=self.insertions[name],
            insertions=self.insertions[name],
            deletions=self.deletions[name],
            true_negatives=sum(
                n
                for reference, row in self.confusion.items()
                for detected, n in row.items()
                if name not in (reference, detected)
            ),
            false_positives=self.insertions[name],
        )

    def measures(self, name: str, *, duration_s: float) -> Measures:
        """Measures of one class; NaN where undefined."""
        return derived_measures(self.of(name), duration_s=duration_s)

    def numbers(self) -> tuple[float, ...]:
        """Cells of the table, row by row, then insertions and deletions."""
        unpaired = (*self.insertions.values(), *self.deletions.values())
        return (*confusion_numbers(self.confusion), *unpaired)

    def with_numbers(self, numbers: Sequence[float]) -> "AlignmentCounts":
        """Counts of the same classes that hold other numbers."""
        names = tuple(self.confusion)
        paired, rest = numbers[: len(names) ** 2], [round(n) for n in numbers[len(names) ** 2 :]]
        return AlignmentCounts(
            confusion_of(names, paired),
            dict(zip(names, rest[: len(names)], strict=True)),
            dict(zip(names, rest[len(names) :], strict=True)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files."""
        return {
            "confusion": {name: dict(row) for name, row in self.confusion.items()},
            "insertions": dict(self.insertions),
            "deletions": dict(self.deletions),
        }


@dataclass(frozen=True, slots=True)
class DetectionCounts:
    """Seizures found and false alarms, in events or samples; SzCORE knows no negatives.

    Parameters
    ----------
    name : the one class
    n_reference, n_found : what there was to find, and what of it was found
    n_false_alarms : proposed where there was nothing
    n_samples : length of the recordings on the method's grid
    rate_hz : samples of that grid per second
    """

    name: str
    n_reference: int
    n_found: int
    n_false_alarms: int
    n_samples: int
    rate_hz: int

    @property
    def classes(self) -> tuple[str, ...]:
        """The one class."""
        return (self.name,)

    def __add__(self, other: "DetectionCounts") -> "DetectionCounts":
        return DetectionCounts(
            self.name,
            self.n_reference + other.n_reference,
            self.n_found + other.n_found,
            self.n_false_alarms + other.n_false_alarms,
            self.n_samples + other.n_samples,
            self.rate_hz,
        )

    def of(self, name: str) -> ClassCounts:  # noqa: ARG002 - there is one class
        """Counts of the one class; there are no true negatives."""
        misses = self.n_reference - self.n_found
        return ClassCounts(
            targets=self.n_reference,
            hits=self.n_found,
            misses=misses,
            false_alarms=self.n_false_alarms,
            insertions=self.n_false_alarms,
            deletions=misses,
            true_negatives=float("nan"),
            false_positives=self.n_false_alarms,
        )

    def measures(self, name: str, *, duration_s: float) -> Measures:  # noqa: ARG002
        """Sensitivity, precision, F1, and false alarms per 24 h of the method's own grid."""
        tp, fp = self.n_found, self.n_false_alarms
        return {
            "sensitivity": ratio(tp, self.n_reference),
            "precision": ratio(tp, tp + fp),
            "f1": ratio(2 * tp, tp + fp + self.n_reference),
            "false_alarms_per_24h": per_day(fp, self.n_samples / self.rate_hz),
        }

    def numbers(self) -> tuple[float, ...]:
        """What there was, what was found, false alarms, and the length in samples."""
        return (self.n_reference, self.n_found, self.n_false_alarms, self.n_samples)

    def with_numbers(self, numbers: Sequence[float]) -> "DetectionCounts":
        """Counts on the same grid that hold other numbers."""
        n_reference, n_found, n_false_alarms, n_samples = (round(n) for n in numbers)
        return DetectionCounts(
            self.name, n_reference, n_found, n_false_alarms, n_samples, self.rate_hz
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files."""
        return {
            "n_reference": self.n_reference,
            "n_found": self.n_found,
            "n_false_alarms": self.n_false_alarms,
            "n_samples": self.n_samples,
            "rate_hz": self.rate_hz,
        }


def empty_confusion(classes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Table of zeros, rows and columns in the order of the classes."""
    return {reference: dict.fromkeys(classes, 0) for reference in classes}


def added_confusion(first: Confusion, second: Confusion) -> dict[str, dict[str, int]]:
    """Sum of two tables of the same classes."""
    return {
        reference: {detected: n + second[reference][detected] for detected, n in row.items()}
        for reference, row in first.items()
    }


def confusion_numbers(confusion: Confusion) -> tuple[int, ...]:
    """Cells of a table, row by row.

    >>> confusion_numbers({"a": {"a": 1, "b": 2}, "b": {"a": 3, "b": 4}})
    (1, 2, 3, 4)
    """
    return tuple(n for row in confusion.values() for n in row.values())


def confusion_of(classes: Sequence[str], numbers: Sequence[float]) -> dict[str, dict[str, int]]:
    """Table of the cells that `confusion_numbers` lists.

    >>> confusion_of(["a", "b"], (1, 2, 3, 4))["b"]
    {'a': 3, 'b': 4}
    """
    width = len(classes)
    return {
        name: dict(
            zip(classes, (round(n) for n in numbers[i * width : (i + 1) * width]), strict=True)
        )
        for i, name in enumerate(classes)
    }

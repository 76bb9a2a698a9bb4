"""Score the events of one recording, by a named method.

>>> from neurorun.core import Event, Timeline
>>> night = Timeline("n1", 7200.0, (Event(100, 160),))
>>> found = Timeline("n1", 7200.0, (Event(130, 190), Event(900, 910)))
>>> score = score_events(night, found)
>>> score.method, score.sensitivity, score.false_alarms_per_24h
('taes-overlap', 0.5, 18.0)
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from neurorun.core import ScoringError, Timeline
from neurorun.evaluation.classes import TWO_CLASSES, EventClasses
from neurorun.evaluation.counts import Counts
from neurorun.evaluation.measures import Measures
from neurorun.evaluation.method import ScoringMethod, method_named
from neurorun.evaluation.tiling import ScoringPair


@dataclass(frozen=True)
class Score:
    """Counts of one method over one or more recordings, and the measures made of them.

    Scores of one method add; the measures follow from the sums.

    Parameters
    ----------
    method, version : whose definition the numbers follow
    unit : what is counted: ``events``, ``samples of 0.25 s``, ...
    counts : by class
    duration_s : over which false alarms are spread, seconds
    positive : the class that ``measures`` are of, usually ``seiz``
    """

    method: str
    version: str
    unit: str
    counts: Counts
    duration_s: float
    positive: str

    def __add__(self, other: "Score") -> "Score":
        if (self.method, self.counts.classes) != (other.method, other.counts.classes):
            raise ScoringError(
                f"Cannot add scores of '{self.method}' over {', '.join(self.counts.classes)} and "
                f"of '{other.method}' over {', '.join(other.counts.classes)}; both must be of one "
                "method and the same classes. Score the recordings alike."
            )
        return replace(
            self,
            counts=self.counts + other.counts,
            duration_s=self.duration_s + other.duration_s,
        )

    @property
    def measures(self) -> Measures:
        """Measures of the positive class; what is undefined is NaN."""
        return self.measures_of(self.positive)

    def measures_of(self, name: str) -> Measures:
        """Measures of one class; what is undefined is NaN."""
        return self.counts.measures(name, duration_s=self.duration_s)

    @property
    def sensitivity(self) -> float:
        """Found fraction of what there was to find; NaN if nothing, or if the method has none."""
        return self.measures.get("sensitivity", math.nan)

    @property
    def precision(self) -> float:
        """Correct fraction of what was proposed; NaN if nothing, or if the method has none."""
        return self.measures.get("precision", math.nan)

    @property
    def f1(self) -> float:
        """Harmonic mean of sensitivity and precision; NaN where undefined."""
        return self.measures.get("f1", math.nan)

    @property
    def false_alarms_per_24h(self) -> float:
        """False alarms per 24 hours, in the method's unit; NaN if the method has none."""
        return self.measures.get("false_alarms_per_24h", math.nan)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files; the measures are those of every class."""
        return {
            "method": self.method,
            "version": self.version,
            "unit": self.unit,
            "duration_s": self.duration_s,
            "counts": self.counts.to_dict(),
            "measures": {name: self.measures_of(name) for name in self.counts.classes},
        }


def score_events(
    reference: Timeline,
    detected: Timeline,
    *,
    method: str = "taes-overlap",
    classes: EventClasses = TWO_CLASSES,
) -> Score:
    """Score the detected events of one recording against the annotated ones.

    Parameters
    ----------
    reference, detected : timelines of the same recording
    method : a name in `METHODS`
    classes : which labels make up which class; by default seizures of every kind are one

    Raises
    ------
    ScoringError : there is no such method, the timelines are of different lengths, events of
        different classes share time, or a label belongs to no class
    """
    return score_pair(ScoringPair(reference, detected, classes), method_named(method))


def score_pair(pair: ScoringPair, method: ScoringMethod) -> Score:
    """Score one recording by one method."""
    observed_s = pair.reference.observed_s
    return Score(
        method=method.name,
        version=method.version,
        unit=method.unit,
        counts=method.count(pair),
        duration_s=observed_s if method.observed_time else pair.duration_s,
        positive=pair.classes.positive,
    )

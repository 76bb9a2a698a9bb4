"""Scores of many recordings: each, together, and on average over patients.

Counts of recordings add; that is the total. SzCORE's leaderboard averages the rates of patients
instead, each patient's recordings added first, and leaves out patients for whom a rate is
undefined; both are given, under their names.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from neurorun.core import BACKGROUND, SEIZURE, ScoringError, Timeline
from neurorun.evaluation.classes import TWO_CLASSES, EventClasses
from neurorun.evaluation.method import METHODS, method_named
from neurorun.evaluation.score import Score, score_pair
from neurorun.evaluation.tiling import ScoringPair

DEFAULT_METHODS = (
    "taes-overlap",
    "taes",
    "overlap",
    "dp",
    "szcore-event",
    "epoch",
    "ira",
    "szcore-sample",
)
"""What is scored where nothing is chosen: ours, and every published method once."""

AVERAGED = ("sensitivity", "precision", "f1", "false_alarms_per_24h")
"""Measures that SzCORE averages over patients."""


def methods_named(names: str) -> tuple[str, ...]:
    """Names of methods from a list with commas; ``all`` stands for every one.

    >>> methods_named("taes, overlap")
    ('taes', 'overlap')
    """
    listed = [name.strip() for name in names.split(",") if name.strip()]
    if listed == ["all"]:
        listed = [*DEFAULT_METHODS, *sorted(METHODS.keys() - set(DEFAULT_METHODS))]
    return tuple(dict.fromkeys(method_named(name).name for name in listed))


@dataclass(frozen=True)
class RecordingScores:
    """Scores of one recording by method."""

    recording_id: str
    patient: str | None
    duration_s: float
    scores: Mapping[str, Score]


@dataclass(frozen=True, slots=True)
class PatientMean:
    """Mean of a measure over the patients for whom it is defined.

    Parameters
    ----------
    mean, deviation : of the measure; the deviation is that of a population; NaN without patients
    n_patients : how many the mean is over
    """

    mean: float
    deviation: float
    n_patients: int


@dataclass(frozen=True)
class ScoreReport:
    """Scores of a set of recordings.

    Parameters
    ----------
    methods : names, in the order in which they are shown
    classes : which labels make up which class
    recordings : each recording's own scores
    labels : those that occurred in the events of either side
    """

    methods: tuple[str, ...]
    classes: EventClasses
    recordings: tuple[RecordingScores, ...]
    labels: frozenset[str] = frozenset()

    @property
    def duration_s(self) -> float:
        """Length of all recordings together, seconds."""
        return sum(item.duration_s for item in self.recordings)

    @property
    def labels_of_class(self) -> dict[str, list[str]]:
        """Labels that make up each class: those of the map, or those that occurred."""
        if self.classes.class_of_label is not None:
            listed = list(self.classes.class_of_label)
        else:
            listed = sorted(self.labels | {SEIZURE, BACKGROUND})
        return {
            name: [label for label in listed if self.classes.of(label) == name]
            for name in self.classes.names
        }

    @cached_property
    def totals(self) -> dict[str, Score]:
        """Score of all recordings together, by method: counts added, then rates."""
        return {name: _sum(item.scores[name] for item in self.recordings) for name in self.methods}

    def patient_totals(self, method: str) -> dict[str, Score]:
        """Score of each patient, recordings added.

        Raises
        ------
        ScoringError : the patient of a recording is not known
        """
        scores: dict[str, list[Score]] = {}
        for item in self.recordings:
            if item.patient is None:
                raise ScoringError(
                    f"The patient of recording '{item.recording_id}' is not known; a mean over "
                    "patients needs all of them. Give patients={recording_id: patient}, or name "
                    "files as BIDS (sub-...) or TUSZ does."
                )
            scores.setdefault(item.patient, []).append(item.scores[method])
        return {patient: _sum(items) for patient, items in scores.items()}

    @property
    def patients_known(self) -> bool:
        """Whether the patient of every recording is known."""
        return all(item.patient is not None for item in self.recordings)

    def patient_means(self, method: str) -> dict[str, PatientMean]:
        """Measures averaged over patients, as SzCORE's leaderboard does.

        Raises
        ------
        ScoringError : the patient of a recording is not known
        """
        per_patient = [score.measures for score in self.patient_totals(method).values()]
        return {
            measure: _mean([measures.get(measure, math.nan) for measures in per_patient])
            for measure in AVERAGED
        }

    def table(self) -> list[dict[str, Any]]:
        """One row per method: name, version, unit, counts and measures of the positive class."""
        return [_table_row(self.totals[name]) for name in self.methods]


def score_recordings(
    pairs: Iterable[tuple[Timeline, Timeline]],
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    patients: Mapping[str, str] | None = None,
    classes: EventClasses = TWO_CLASSES,
) -> ScoreReport:
    """Score the detected events of many recordings against the annotated ones.

    Parameters
    ----------
    pairs : reference and detected timeline of each recording; may be read while scoring goes on
    methods : names in `METHODS`
    patients : patient of each ``recording_id``, for means over patients
    classes : which labels make up which class; by default seizures of every kind are one

    Raises
    ------
    ScoringError : there is nothing to score, a recording occurs twice or has no patient in
        ``patients``, or one of them cannot be scored
    """
    chosen = [method_named(name) for name in methods]
    recordings: dict[str, RecordingScores] = {}
    labels: set[str] = set()
    for reference, detected in pairs:
        name = reference.recording_id
        if name in recordings:
            raise ScoringError(
                f"Recording '{name}' occurs twice; its events would count twice. Leave one out."
            )
        pair = ScoringPair(reference, detected, classes)
        scores = {method.name: score_pair(pair, method) for method in chosen}
        patient = _patient(name, patients)
        recordings[name] = RecordingScores(name, patient, reference.duration_s, scores)
        labels.update(event.label for side in (reference, detected) for event in side.events)
    if not recordings or not chosen:
        raise ScoringError(
            f"{len(recordings)} recordings and {len(chosen)} methods leave nothing to score; at "
            "least one of each is needed."
        )
    return ScoreReport(
        methods=tuple(dict.fromkeys(methods)),
        classes=classes,
        recordings=tuple(recordings.values()),
        labels=frozenset(labels),
    )


def _patient(recording_id: str, patients: Mapping[str, str] | None) -> str | None:
    if patients is None:
        return None
    if recording_id not in patients:
        raise ScoringError(
            f"Recording '{recording_id}' has no entry in patients, which names "
            f"{len(patients)} recordings; every recording needs its patient. Add it."
        )
    return patients[recording_id]


def _sum(scores: Iterable[Score]) -> Score:
    """Sum from nothing on, one recording after the other: sums of fractions depend on the order."""
    total: Score | None = None
    for score in scores:
        total = score if total is None else total + score
    assert total is not None
    return total


def _mean(values: Sequence[float]) -> PatientMean:
    defined = [value for value in values if not math.isnan(value)]
    if not defined:
        return PatientMean(math.nan, math.nan, 0)
    return PatientMean(statistics.fmean(defined), statistics.pstdev(defined), len(defined))


def _table_row(score: Score) -> dict[str, Any]:
    counts = score.counts.of(score.positive)
    return {
        "method": score.method,
        "version": score.version,
        "unit": score.unit,
        "targets": counts.targets,
        "hits": counts.hits,
        "misses": counts.misses,
        "false_alarms": counts.false_alarms,
        **score.measures,
    }

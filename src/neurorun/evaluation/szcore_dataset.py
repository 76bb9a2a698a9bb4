"""A BIDS tree of event files scored as szcore-evaluation 0.0.7 scores it, and written as it writes.

It visits the ``_events.tsv`` files of the reference, and takes the detected file at the same
place in the other tree. A detected file that is absent, or is of a recording of another length,
counts as nothing detected; here each of them is also named. Rows ``bckg`` are
skipped, and seizures that share time are one. What the original program stops at (unknown labels,
rows that end before they begin) is refused here, too, with the number of the line.

References
----------
.. [1] szcore-evaluation 0.0.7, ``evaluate.evaluate_dataset``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from neurorun.core import BACKGROUND, SILENT, Progress, ScoringError, Timeline
from neurorun.evaluation.counts import DetectionCounts
from neurorun.evaluation.method import METHODS
from neurorun.evaluation.pairing import EventFilePair, Pairing
from neurorun.evaluation.score import Score
from neurorun.evaluation.score_report import ScoreReport, score_recordings
from neurorun.evaluation.szcore_evaluation import SZCORE_EVENT_FLOORED, SZCORE_SAMPLE_FLOORED
from neurorun.formats import DurationError, Overlaps, read_events

SUFFIX = "_events.tsv"
TIMESCORING_VERSION = "0.0.7"
SZCORE_EVALUATION_VERSION = "0.0.7"

_PARTS = {
    "sample_results": SZCORE_SAMPLE_FLOORED.name,
    "event_results": SZCORE_EVENT_FLOORED.name,
}
_NAMES = {
    "sensitivity": "sensitivity",
    "precision": "precision",
    "f1": "f1",
    "fpRate": "false_alarms_per_24h",
}
_OVERLAPS: Overlaps = "merge"
_LABELS: Mapping[str, str | None] = {BACKGROUND: None}


@dataclass(frozen=True)
class SzcoreResult:
    """A data set scored as by szcore-evaluation.

    Parameters
    ----------
    report : scores by the two methods that cut times down to whole seconds
    counted_as_silent : recordings counted as nothing detected, each with the reason
    """

    report: ScoreReport
    counted_as_silent: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Results in the names of szcore-evaluation; ``null`` where it has NaN.

        ``dataset.mean_over_subjects`` is what it writes by default, ``all_files_added`` what it
        writes with ``avg_per_subject=False``; ``files`` holds the counts of every file.
        """
        return {
            "szcore_evaluation": SZCORE_EVALUATION_VERSION,
            "timescoring": TIMESCORING_VERSION,
            "dataset": {
                "mean_over_subjects": {part: self._means(name) for part, name in _PARTS.items()},
                "all_files_added": {part: self._sums(name) for part, name in _PARTS.items()},
            },
            "files": {
                f"{item.recording_id}{SUFFIX}": {
                    "sample_scoring_1hz": _counts(item.scores[SZCORE_SAMPLE_FLOORED.name]),
                    "event_scoring": _counts(item.scores[SZCORE_EVENT_FLOORED.name]),
                }
                for item in self.report.recordings
            },
        }

    def _means(self, method: str) -> dict[str, float]:
        means = self.report.patient_means(method)
        return {
            key: value
            for name, ours in _NAMES.items()
            for key, value in (
                (name, means[ours].mean),
                (f"{name}_std", means[ours].deviation),
            )
        }

    def _sums(self, method: str) -> dict[str, float]:
        measures = self.report.totals[method].measures
        return {name: measures[ours] for name, ours in _NAMES.items()}


def _counts(score: Score) -> dict[str, int]:
    counts = score.counts
    assert isinstance(counts, DetectionCounts)
    return {
        "tp": counts.n_found,
        "fp": counts.n_false_alarms,
        "ref_true": counts.n_reference,
        "num_samples": counts.n_samples,
        "fs": counts.rate_hz,
    }


def score_szcore(pairing: Pairing, *, progress: Progress = SILENT) -> SzcoreResult:
    """Score a BIDS tree as szcore-evaluation 0.0.7 does.

    Parameters
    ----------
    pairing : files of the two trees, paired with ``suffix="_events.tsv"``
    progress : is told of each recording

    Raises
    ------
    ScoringError : a file does not lie in the folder of a patient, ``sub-...``
    DataError : a file is malformed
    """
    patients = pairing.patients
    if patients is None:
        stray = next(pair for pair in pairing.pairs if pair.patient is None)
        raise ScoringError(
            f"'{stray.reference}' does not lie in the folder of a patient (sub-...); this scoring "
            "averages over patients. Arrange the files as BIDS does, or score without --szcore."
        )
    silent: dict[str, str] = {}
    report = score_recordings(
        _read(pairing, silent, progress),
        methods=[method for method in METHODS if method in _PARTS.values()],
        patients=patients,
    )
    return SzcoreResult(report, silent)


def _read(
    pairing: Pairing, silent: dict[str, str], progress: Progress
) -> Iterator[tuple[Timeline, Timeline]]:
    with progress.phase("scoring", len(pairing.pairs)) as advance:
        for pair in pairing.pairs:
            reference = read_events(pair.reference, labels=_LABELS, overlaps=_OVERLAPS)
            reference = replace(reference, recording_id=pair.name)
            detected, reason = _detected(pair, reference)
            if reason:
                silent[pair.name] = reason
            yield reference, detected
            advance()


def _detected(pair: EventFilePair, reference: Timeline) -> tuple[Timeline, str]:
    """Detected events, or none and why."""
    nothing = replace(reference, events=())
    if pair.detected is None:
        return nothing, "there is no file"
    try:
        found = read_events(
            pair.detected, duration_s=reference.duration_s, labels=_LABELS, overlaps=_OVERLAPS
        )
    except DurationError:
        return nothing, "the file is of a recording of another length"
    if int(found.duration_s) != int(reference.duration_s):
        return nothing, "the file is of a recording of another length"
    return replace(nothing, events=found.events), ""

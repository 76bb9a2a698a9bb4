"""The scored recordings of seizure detection: what was found, missed and raised in each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neurorun.reporting.words import count_in_words, whole
from neurorun.runs import Cell

_COUNTS = {
    "duration_s": "duration_s",
    "observed_s": "observed_s",
    "seizures": "overlap_targets",
    "found": "overlap_hits",
    "missed": "overlap_misses",
    "false_alarms": "overlap_false_alarms",
    "missed_by_time": "taes_overlap_misses",
    "false_by_time": "taes_overlap_false_alarms",
}
_COLUMNS = {"recording_id", "patient", *_COUNTS.values()}


@dataclass(frozen=True, slots=True)
class ScoredRecording:
    """Counts of one recording, or of several together; NaN where the table has no number.

    Parameters
    ----------
    duration_s, observed_s : length, and the part of it that holds EEG
    seizures, found, missed, false_alarms : events; found is what shares any time with a detection
    missed_by_time, false_by_time : shares of events, counted by time (TAES)
    """

    recording_id: str
    patient: str
    duration_s: float
    observed_s: float
    seizures: float
    found: float
    missed: float
    false_alarms: float
    missed_by_time: float
    false_by_time: float

    @property
    def faults(self) -> float:
        """What was missed and what was falsely raised, by time; 0 is perfect."""
        return self.missed_by_time + self.false_by_time

    @property
    def in_words(self) -> str:
        """The counts as half a sentence."""
        alarms = count_in_words(self.false_alarms, "false alarm")
        faults = f"{self.faults:.2f} faults by time"
        return ", ".join((_found_in_words(self), alarms, faults))


def _found_in_words(recording: ScoredRecording) -> str:
    if not recording.seizures:
        return "no seizure in it"
    if recording.seizures == 1:
        return "its only seizure missed" if recording.missed else "its only seizure found"
    if not recording.missed:
        return f"all {whole(recording.seizures)} seizures found"
    return f"{whole(recording.missed)} of {count_in_words(recording.seizures, 'seizure')} missed"


def scored_recordings(rows: Sequence[Mapping[str, Cell]]) -> tuple[ScoredRecording, ...]:
    """Read the rows of `predictions_eval.csv`, those with most faults first.

    Empty if the rows are those of another task.
    """
    if not rows or not set(rows[0]) >= _COLUMNS:
        return ()
    recordings = (
        ScoredRecording(
            recording_id=str(row["recording_id"]),
            patient=str(row["patient"]),
            **{name: _number(row[column]) for name, column in _COUNTS.items()},
        )
        for row in rows
    )
    return tuple(sorted(recordings, key=lambda one: (-one.faults, one.recording_id)))


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else math.nan


def in_total(recordings: Sequence[ScoredRecording]) -> ScoredRecording:
    """Add the counts of recordings."""
    sums = {name: sum(getattr(one, name) for one in recordings) for name in _COUNTS}
    return ScoredRecording(recording_id="all", patient="all", **sums)


def rank_in_words(recording_id: str, recordings: Sequence[ScoredRecording]) -> str:
    """Where a recording stands among all, and why; empty if it was not scored.

    Parameters
    ----------
    recordings : those with most faults first

    Examples
    --------
    >>> bad = ScoredRecording("a", "p", 60, 60, 2, 1, 1, 0, 1.2, 0)
    >>> good = ScoredRecording("b", "p", 60, 60, 1, 1, 0, 0, 0, 0)
    >>> rank_in_words("a", [bad, good])
    'Worst of 2 recordings: 1 of 2 seizures missed, 0 false alarms, 1.20 faults by time.'
    """
    ids = [one.recording_id for one in recordings]
    if recording_id not in ids:
        return ""
    recording = recordings[ids.index(recording_id)]
    place = _place(recording, recordings)
    return f"{place[0].upper()}{place[1:]}: {recording.in_words}."


def _place(recording: ScoredRecording, recordings: Sequence[ScoredRecording]) -> str:
    """Place from the nearer end of the list; best are only those that have seizures."""
    if len(recordings) == 1:
        return "the only recording"
    with_seizures = [one for one in reversed(recordings) if one.seizures]
    worst = recordings.index(recording) + 1
    best = with_seizures.index(recording) + 1 if recording in with_seizures else math.inf
    if recording.faults and worst <= best:
        return f"{_ordinal(worst)}worst of {len(recordings)} recordings"
    if not recording.seizures:
        return "a recording without seizures"
    if len(with_seizures) == 1:
        return "the only recording with seizures"
    return f"{_ordinal(int(best))}best of the {len(with_seizures)} recordings with seizures"


def _ordinal(place: int) -> str:
    """Word before "best" and "worst"; empty for the first."""
    if place == 1:
        return ""
    suffix = "th" if 10 < place % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{suffix} "

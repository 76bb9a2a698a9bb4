"""Reference events of a recording in a corpus, checked against the recording itself.

What an annotation file says about time must fit the recording that it lies beside: a file of
another recording, a truncated recording or a typing error shows as an event past its end.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from neurorun.core import DataError, Event, Recording, Timeline, gaps_between
from neurorun.data.entries import CorpusEntry
from neurorun.data.layouts import siena_name
from neurorun.formats import (
    open_edf,
    read_chb_mit_summary,
    read_events,
    read_siena_list,
)

_log = logging.getLogger(__name__)

PAST_END_TOLERANCE_S = 1.0
"""Annotations in whole seconds, or of the recording before its last data record was cut, may reach
this far beyond the end; such events are cut there."""


@dataclass(frozen=True, slots=True)
class RecordedTime:
    """When a recording was made, without its samples.

    Parameters
    ----------
    duration_s : from the first to the last sample, gaps included
    gaps : times without EEG
    start : wall clock of the first sample, or None where unknown
    """

    duration_s: float
    gaps: tuple[tuple[float, float], ...] = ()
    start: datetime | None = None

    @classmethod
    def of(cls, recording: Recording) -> "RecordedTime":
        """Times of a recording that has been read."""
        return cls(recording.duration_s, recording.gaps, recording.start)

    @property
    def observed_s(self) -> float:
        """Seconds of EEG."""
        return self.duration_s - sum(offset_s - onset_s for onset_s, offset_s in self.gaps)


def recorded_time(path: Path) -> RecordedTime:
    """Read when the recording in an EDF or BDF file was made, but no samples.

    Raises
    ------
    DataError : the file cannot be read, or holds no EEG
    """
    file = open_edf(path)
    stretches, rate_hz = file.stretches(), file.select()[0].rate_hz
    return RecordedTime(
        stretches[-1].offset_s(rate_hz), gaps_between(stretches, rate_hz), file.start
    )


def read_reference(
    entry: CorpusEntry,
    recorded: RecordedTime,
    *,
    label_map: Mapping[str, str | None] | None = None,
) -> Timeline:
    """Read the reference events of a recording.

    Parameters
    ----------
    entry : with an annotation
    recorded : of the same recording
    label_map : what labels mean that are in no table

    Returns
    -------
    Events over the true duration; the gaps of the recording, and those in which the annotation
    says that there is no EEG. Seizures that share time are one event.

    Raises
    ------
    DataError : the entry has no annotation, the annotation belongs to a recording of another
        length, or an event ends more than `PAST_END_TOLERANCE_S` after the recording
    """
    events, gaps = _read(entry, recorded, label_map or {})
    return Timeline(
        recording_id=entry.recording_id,
        duration_s=recorded.duration_s,
        events=tuple(_within(event, entry, recorded.duration_s) for event in events),
        gaps=_united([*recorded.gaps, *gaps], recorded.duration_s),
    )


def _read(
    entry: CorpusEntry, recorded: RecordedTime, label_map: Mapping[str, str | None]
) -> tuple[Iterable[Event], Iterable[tuple[float, float]]]:
    if entry.annotation is None:
        raise DataError(
            f"Recording '{entry.recording_id}' has no annotation, which is not the same as no "
            "seizure; give its events, or use it for detection only."
        )
    if entry.annotation_format == "chb_mit_summary":
        return read_chb_mit_summary(entry.annotation)[entry.path.name], ()
    if entry.annotation_format == "siena_list":
        return _siena_events(entry, entry.annotation, recorded), ()
    timeline = read_events(
        entry.annotation, duration_s=recorded.duration_s, labels=label_map, overlaps="merge"
    )
    return timeline.events, timeline.gaps


def _siena_events(
    entry: CorpusEntry, seizure_list: Path, recorded: RecordedTime
) -> tuple[Event, ...]:
    name = siena_name(seizure_list, entry.path)
    start = recorded.start.time() if recorded.start is not None else None
    events = []
    for seizure in read_siena_list(seizure_list):
        if seizure.file_name == name:
            events.append(seizure.event(start))
            for note in seizure.notes:
                _log.warning("%s, seizure %d: %s", seizure_list, seizure.number, note)
            if start not in (None, seizure.registration):
                _log.warning(
                    "%s, seizure %d: registration at %s, but '%s' begins at %s, which is used.",
                    seizure_list,
                    seizure.number,
                    seizure.registration,
                    entry.path,
                    start,
                )
    return tuple(events)


def _within(event: Event, entry: CorpusEntry, duration_s: float) -> Event:
    beyond_s = event.offset_s - duration_s
    if beyond_s > PAST_END_TOLERANCE_S or event.onset_s >= duration_s:
        raise DataError(
            f"'{entry.annotation}': '{event.label}' from {event.onset_s:g} s to "
            f"{event.offset_s:g} s ends {beyond_s:g} s after recording '{entry.path}', which lasts "
            f"{duration_s:g} s; at most {PAST_END_TOLERANCE_S:g} s are forgiven. Correct the "
            "times, or pair the file with its own recording."
        )
    return replace(event, offset_s=duration_s) if beyond_s > 0 else event


def _united(
    gaps: Iterable[tuple[float, float]], duration_s: float
) -> tuple[tuple[float, float], ...]:
    """Sort stretches of time and join those that touch; what lies past the end is cut off."""
    united: list[tuple[float, float]] = []
    for onset_s, offset_s in sorted(gaps):
        offset_s = min(offset_s, duration_s)  # noqa: PLW2901
        if united and onset_s <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], offset_s))
        elif onset_s < offset_s:
            united.append((onset_s, offset_s))
    return tuple(united)

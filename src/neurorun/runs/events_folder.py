"""``events/``: the detected events of every scored recording, one HED-SCORE table each.

Time without EEG is not written; scorers take it from the reference.
"""

from dataclasses import replace
from pathlib import Path

from neurorun.core import Timeline
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.names import file_stem, identity_of

EVENTS = "events"
SUFFIX = "_events.tsv"


def events_path(recording_id: str) -> str:
    """Path of a recording's events, relative to the run folder."""
    return f"{EVENTS}/{file_stem(recording_id)}{SUFFIX}"


def write_run_events(folder: Path, timeline: Timeline) -> None:
    """Write the events of one recording, whole or not at all."""
    from neurorun.formats import write_events

    write_events(folder / events_path(timeline.recording_id), timeline)


def events_of(folder: Path) -> ByRecording[Timeline]:
    """Timelines of a run by recording_id, each read when it is asked for."""
    return ByRecording(folder / EVENTS, SUFFIX, _read)


def _read(path: Path) -> Timeline:
    from neurorun.formats import read_events

    return replace(read_events(path), recording_id=identity_of(path.name.removesuffix(SUFFIX)))

"""Event files of every kind, recognised by what they hold and not by their names.

What may be malformed is refused where it is read, with the line, because no later stage can tell a
wrong row from a seizure.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from neurorun.core import FormatError, Timeline
from neurorun.formats.csv_bi import (
    CsvTable,
    read_csv_table,
    timeline_of_terms,
    write_csv_bi,
)
from neurorun.formats.edf_annotations import read_edf_events, write_edf_events
from neurorun.formats.event_rows import (
    Labels,
    Overlaps,
    agreed_duration,
    missing_file,
    translate,
)
from neurorun.formats.hed_tsv import read_hed_tsv, write_hed_tsv
from neurorun.formats.tusz_csv import timeline_of_channels

EventFormat = Literal["tsv", "csv_bi", "edf"]

SUFFIXES: Mapping[EventFormat, str] = {"tsv": "_events.tsv", "csv_bi": ".csv_bi", "edf": ".edf"}
"""How the name of an event file ends, after the ``recording_id``."""

_EDF_STARTS = (b"0       ", b"\xffBIOSEMI")
_HEAD_BYTES = 4096


def read_events(
    path: Path | str,
    *,
    duration_s: float | None = None,
    labels: Labels | None = None,
    overlaps: Overlaps = "refuse",
) -> Timeline:
    """Read the events of one recording from a file of any known format.

    Known are ``csv_bi`` of NEDC, the per-channel ``csv`` of TUSZ, ``_events.tsv`` of BIDS/SzCORE,
    and EDF+ annotations. The format is recognised by the content.

    Parameters
    ----------
    path : the event file
    duration_s : seconds, > 0
        Length of the recording, where the file states none; where it does, they are compared and
        the file's own is kept.
    labels : own names of seizures, ``{"Anfall": "seiz"}``; None for rows that are no events
    overlaps : ``refuse`` or ``merge``
        Whether a table in which seizures share time is refused or each group made one event.

    Raises
    ------
    DataError : there is no such file
    FormatError : the format is unknown, or a row is malformed; the message names its line
    """
    path = Path(path)
    kind = recognise(path)
    if kind == "tsv":
        return read_hed_tsv(path, duration_s=duration_s, labels=labels, overlaps=overlaps)
    if kind == "edf":
        return _read_edf(path, duration_s=duration_s, labels=labels or {})
    table = read_csv_table(path, labels=labels)
    if _is_per_channel(table):
        return timeline_of_channels(table, duration_s=duration_s, overlaps=overlaps)
    return timeline_of_terms(table, duration_s=duration_s, overlaps=overlaps)


def write_events(
    path: Path | str,
    timeline: Timeline,
    *,
    format: EventFormat = "tsv",  # noqa: A002 - the word that users of every writer know
    start: datetime | None = None,
    gaps: bool = False,
) -> None:
    """Write the events of one recording.

    Parameters
    ----------
    path : where to write
    timeline : events that do not share time
    format : ``tsv`` (BIDS/SzCORE), ``csv_bi`` (NEDC) or ``edf`` (EDF+ with annotations only)
    start : wall clock of the start of the recording, for ``tsv``
    gaps : write the time without EEG as ``impd`` rows, for ``tsv``; few other scorers read them

    Raises
    ------
    DataError : an event cannot be written so that it is read again, or the path cannot be written
    """
    path = Path(path)
    if format == "csv_bi":
        write_csv_bi(path, timeline)
    elif format == "edf":
        write_edf_events(path, timeline)
    else:
        write_hed_tsv(path, timeline, start=start, gaps=gaps)


def recognise(path: Path) -> Literal["tsv", "csv", "edf"]:
    """Format of an event file by its first lines.

    Raises
    ------
    DataError : there is no such file
    FormatError : it is of no known format
    """
    head = _head(path)
    if head.startswith(_EDF_STARTS):
        return "edf"
    lines = head.decode("utf-8-sig", errors="replace").lower().splitlines()
    if lines and {"onset", "duration"} <= {cell.strip() for cell in lines[0].split("\t")}:
        return "tsv"
    if any(_speaks_csv(line) for line in lines):
        return "csv"
    begin = lines[0][:60] if lines else ""
    raise FormatError(
        f"'{path}' begins with '{begin}' and is of no known format; known are csv_bi and csv of "
        "NEDC ('# version = csv_v1.0.0'), _events.tsv of BIDS (columns onset, duration, eventType) "
        "and EDF+. Convert it to one of them."
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise missing_file(path) from error
    except IsADirectoryError as error:
        raise FormatError(f"'{path}' is a folder; give one event file.") from error


def _speaks_csv(line: str) -> bool:
    words = line.lstrip("# ")
    return words.startswith("version") or words.replace(" ", "").startswith("channel,start_time")


def _is_per_channel(table: CsvTable) -> bool:
    """Rows of single channels only; one row of all channels makes it a file of events."""
    return bool(table.rows) and all(row.event.channels for row in table.rows)


def _read_edf(path: Path, *, duration_s: float | None, labels: Labels) -> Timeline:
    timeline = read_edf_events(path, duration_s=duration_s)
    agreed_duration(timeline.duration_s, duration_s, path=path)
    places = ((f"at {event.onset_s:g} s", event.label) for event in timeline.events)
    ours = translate(places, path=path, labels=labels)
    events = tuple(
        replace(event, label=ours[event.label]) for event in timeline.events if event.label in ours
    )
    return replace(timeline, events=events)

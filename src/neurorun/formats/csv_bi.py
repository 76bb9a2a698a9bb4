"""The event files of NEDC: ``csv_bi``, one row per event, and the table behind its sibling ``csv``.

Comment lines begin with ``#``; of these, ``version`` and ``duration`` carry meaning. Rows hold
``channel,start_time,stop_time,label,confidence``; the channel ``TERM`` stands for all of them.
Real files differ in letter case, blanks, line ends, number of decimals, order of rows, and in
whether background is written; all of that is read. Faults are refused by the number of their line.

References
----------
.. [1] NEDC EEG Eval 6.0.0, Neural Engineering Data Consortium, Temple University.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurorun.core import BACKGROUND, SEIZURE, DataError, Event, FormatError, Timeline, write_text
from neurorun.formats.event_labels import hed_label, is_seizure_label
from neurorun.formats.event_rows import (
    EventRow,
    Labels,
    Overlaps,
    agreed_duration,
    check_bounds,
    check_lasts,
    confidence,
    number,
    read_lines,
    settle_overlaps,
    translate,
)

VERSION = "csv_v1.0.0"
COLUMNS = "channel,start_time,stop_time,label,confidence"
ALL_CHANNELS = "TERM"
MONTAGE_FILE = "nedc_eas_default_montage.txt"

_VERSION_LINE = re.compile(r"(?:#\s*)?version\s*[=:]?\s*(.*)", re.IGNORECASE)
_DURATION_LINE = re.compile(r"#\s*duration\s*[=:]\s*([^\s]*?)\s*(?:secs?\.?)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A file of either kind, parsed and with known labels: rows by channel, duration if stated."""

    path: Path
    duration_s: float | None
    duration_line: int | None
    rows: tuple[EventRow, ...]


def read_csv_bi(
    path: Path,
    *,
    duration_s: float | None = None,
    labels: Labels | None = None,
    overlaps: Overlaps = "refuse",
) -> Timeline:
    """Read a ``csv_bi`` file.

    Parameters
    ----------
    path : the file; its name without suffix becomes the ``recording_id``, as in NEDC
    duration_s : seconds, > 0; used where the file states none, else compared
    labels : our label for labels that are in no table, or None for rows to leave out
    overlaps : whether seizures that share time are refused or made one event

    Returns
    -------
    The events as written, background rows included; what no row covers is background, too. Rows of
    single channels are ignored here, as NEDC does; `read_tusz_csv` reads those.

    Raises
    ------
    DataError : there is no such file
    FormatError : the version is another, or a row is malformed; the message names its line
    """
    return timeline_of_terms(
        read_csv_table(path, labels=labels), duration_s=duration_s, overlaps=overlaps
    )


def timeline_of_terms(table: CsvTable, *, duration_s: float | None, overlaps: Overlaps) -> Timeline:
    """Timeline of the rows that concern all channels."""
    rows = [row for row in table.rows if not row.event.channels]
    length_s = agreed_duration(
        table.duration_s, duration_s, path=table.path, line=table.duration_line
    )
    check_bounds(rows, path=table.path, duration_s=length_s)
    events = settle_overlaps(rows, path=table.path, overlaps=overlaps)
    return Timeline(recording_id=table.path.stem, duration_s=length_s, events=events)


def read_csv_table(path: Path, *, labels: Labels | None = None) -> CsvTable:
    """Parse a file of either kind; rows of one channel carry its name, rows of all carry none."""
    lines = read_lines(path)
    _check_version(lines, path)
    cells = [(line, _cells(text, path=path, line=line)) for line, text in _table_lines(lines)]
    ours = translate(
        ((f"line {line}", row[3]) for line, row in cells), path=path, labels=labels or {}
    )
    duration_s, duration_line = _stated_duration(lines, path) or (None, None)
    return CsvTable(
        path=path,
        duration_s=duration_s,
        duration_line=duration_line,
        rows=tuple(
            EventRow(line, _event(row, ours[row[3]], path=path, line=line))
            for line, row in cells
            if row[3] in ours
        ),
    )


def _check_version(lines: Sequence[str], path: Path) -> None:
    found = next((match[1] for text in lines if (match := _VERSION_LINE.match(text))), None)
    if found is None or found.strip().lower() != VERSION:
        stated = "states no version" if found is None else f"has version '{found.strip()}'"
        raise FormatError(
            f"'{path}' {stated}; '# version = {VERSION}' is the one that is read here. Export the "
            "file again with NEDC's tools, or with neurorun."
        )


def _stated_duration(lines: Sequence[str], path: Path) -> tuple[float, int] | None:
    """Seconds, and the line that states them."""
    stated: dict[float, int] = {}
    for line, text in enumerate(lines, start=1):
        if text.lstrip().startswith("#") and (match := _DURATION_LINE.fullmatch(text.strip())):
            stated.setdefault(number(match[1], path=path, line=line, column="duration"), line)
    if len(stated) > 1:
        (first_s, first), (second_s, second) = list(stated.items())[:2]
        raise FormatError(
            f"'{path}', line {second}: the duration is {second_s:g} s, on line {first} it is "
            f"{first_s:g} s; a recording has one length. Delete the wrong line."
        )
    return next(iter(stated.items()), None)


def _table_lines(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Numbered lines that hold rows, without any blank: neither comments nor the column line."""
    packed = ((line, "".join(text.split())) for line, text in enumerate(lines, start=1))
    return [
        (line, text)
        for line, text in packed
        if text and not text.startswith("#") and text.lower() != COLUMNS and not _version(text)
    ]


def _version(text: str) -> bool:
    return text.lower().startswith("version")


def _cells(text: str, *, path: Path, line: int) -> list[str]:
    cells = text.split(",")
    if len(cells) != 5:
        raise FormatError(
            f"'{path}', line {line}: {len(cells)} columns in '{text}'; there must be five: "
            f"{COLUMNS}. Correct the row."
        )
    return cells


def _event(cells: Sequence[str], label: str, *, path: Path, line: int) -> Event:
    channel, start, stop, _, certainty = cells
    onset_s = number(start, path=path, line=line, column="start_time")
    offset_s = number(stop, path=path, line=line, column="stop_time")
    check_lasts(onset_s, offset_s, label, path=path, line=line)
    return Event(
        onset_s,
        offset_s,
        label,
        confidence(certainty, path=path, line=line),
        () if channel.upper() == ALL_CHANNELS else (channel,),
    )


def write_csv_bi(path: Path, timeline: Timeline, *, montage_file: str = MONTAGE_FILE) -> None:
    """Write a ``csv_bi`` file as NEDC does: four decimals, labels ``seiz`` and ``bckg``.

    The format has two labels, so every kind of seizure becomes ``seiz``; an event without
    confidence gets 1. A timeline without events gets one row of background, which some readers
    need. Gaps cannot be written.

    Parameters
    ----------
    path : where to write
    timeline : events that do not share time
    montage_file : name that the header states; no scorer reads it

    Raises
    ------
    DataError : an event cannot be written so that it is read again: its label is no seizure's, it
        vanishes when rounded, or it shares time with its neighbour
    """
    events = timeline.events or (Event(0.0, timeline.duration_s, BACKGROUND),)
    header = [
        f"# version = {VERSION}",
        f"# bname = {timeline.recording_id}",
        f"# duration = {timeline.duration_s:.4f} secs",
        f"# montage_file = {montage_file}",
        "#",
        COLUMNS,
    ]
    check_writable(events, path=path, duration_s=timeline.duration_s)
    write_text(path, "".join(f"{line}\n" for line in [*header, *map(_row, events)]))


def _row(event: Event) -> str:
    label = SEIZURE if is_seizure_label(event.label) else BACKGROUND
    certainty = 1.0 if event.confidence is None else event.confidence
    return f"{ALL_CHANNELS},{event.onset_s:.4f},{event.offset_s:.4f},{label},{certainty:.4f}"


def check_writable(events: Sequence[Event], *, path: Path, duration_s: float) -> None:
    """Refuse events that a reader would refuse: four decimals, one after the other, known labels.

    Raises
    ------
    DataError : naming the event
    """
    clock_s, end_s = 0.0, round(duration_s, 4)
    for event in events:
        onset_s, offset_s = round(event.onset_s, 4), round(event.offset_s, 4)
        if not clock_s <= onset_s < offset_s <= end_s:
            raise DataError(
                f"Cannot write '{path}': '{event.label}' from {event.onset_s:g} s to "
                f"{event.offset_s:g} s does not lie between {clock_s:g} s, where the last event "
                f"ends, and the end of the recording at {end_s:g} s, to four decimals. Merge "
                "events that share time and drop those outside the recording first."
            )
        if hed_label(event.label) is None:
            raise DataError(
                f"Cannot write '{path}': '{event.label}' at {event.onset_s:g} s is neither bckg "
                "nor a seizure. Give it a known label, or leave it out."
            )
        clock_s = offset_s

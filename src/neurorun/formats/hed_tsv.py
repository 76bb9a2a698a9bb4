"""The event files of BIDS and SzCORE: ``_events.tsv`` with the labels of HED-SCORE.

One tab-separated row per event: ``onset``, ``duration`` and ``eventType`` are needed,
``confidence``, ``channels``, ``dateTime`` and ``recordingDuration`` usual, others ignored; ``n/a``
stands for unknown. A recording without events has one row ``bckg`` over its whole length. Rows
``impd`` are impedance checks: time without EEG, kept as gaps of the timeline.

References
----------
.. [1] Dan, Pale, Amirshahi et al., "SzCORE: seizure community open-source research evaluation
   framework", Epilepsia 66(S3), 2025.
.. [2] Brain Imaging Data Structure 1.9, "Task events".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from neurorun.core import BACKGROUND, Event, FormatError, Timeline, write_text
from neurorun.formats.csv_bi import check_writable
from neurorun.formats.event_labels import IMPEDANCE_CHECK, hed_label
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

COLUMNS = (
    "onset",
    "duration",
    "eventType",
    "confidence",
    "channels",
    "dateTime",
    "recordingDuration",
)
NEEDED = COLUMNS[:3]
UNKNOWN = "n/a"
EVENTS_SUFFIX = "_events"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table, its cells by the names of their columns."""

    line: int
    cells: Mapping[str, str]

    @property
    def label(self) -> str:
        return self.cells["eventType"]


def read_hed_tsv(
    path: Path,
    *,
    duration_s: float | None = None,
    labels: Labels | None = None,
    overlaps: Overlaps = "refuse",
) -> Timeline:
    """Read an ``_events.tsv`` file.

    Parameters
    ----------
    path : the file; its name without ``_events.tsv`` becomes the ``recording_id``
    duration_s : seconds, > 0; used where the file states none, else compared
    labels : our label for labels that are in no table, or None for rows to leave out
    overlaps : whether seizures that share time are refused or made one event

    Returns
    -------
    The events with their labels, ``sz`` as ``seiz``; impedance checks as gaps, unless they last 0 s

    Raises
    ------
    DataError : there is no such file
    FormatError : a column is missing or a row is malformed; the message names its line
    """
    rows = _read_rows(path)
    checks = [row for row in rows if row.label == IMPEDANCE_CHECK]
    others = [row for row in rows if row.label != IMPEDANCE_CHECK]
    stated_s, line = _stated_duration(rows, path) or (None, None)
    length_s = agreed_duration(stated_s, duration_s, path=path, line=line)
    found = _events(others, path=path, labels=labels or {})
    check_bounds(found, path=path, duration_s=length_s)
    return Timeline(
        recording_id=path.name.removesuffix(path.suffix).removesuffix(EVENTS_SUFFIX),
        duration_s=length_s,
        events=settle_overlaps(found, path=path, overlaps=overlaps),
        gaps=_gaps(checks, path=path, duration_s=length_s),
    )


def _read_rows(path: Path) -> list[_Row]:
    lines = [(line, text.split("\t")) for line, text in enumerate(read_lines(path), start=1)]
    table = [(line, [cell.strip() for cell in cells]) for line, cells in lines if any(cells)]
    if not table or not set(NEEDED) <= set(table[0][1]):
        found = ", ".join(table[0][1]) if table else "nothing"
        raise FormatError(
            f"'{path}' begins with the columns {found}; {', '.join(NEEDED)} are needed, separated "
            "by tabs. Export the file as BIDS events."
        )
    columns = table[0][1]
    return [_row(line, cells, columns, path) for line, cells in table[1:]]


def _row(line: int, cells: Sequence[str], columns: Sequence[str], path: Path) -> _Row:
    if len(cells) != len(columns):
        raise FormatError(
            f"'{path}', line {line}: {len(cells)} cells; the header names {len(columns)} columns. "
            "Correct the row; n/a stands for unknown."
        )
    return _Row(line, dict(zip(columns, cells, strict=True)))


def _stated_duration(rows: Sequence[_Row], path: Path) -> tuple[float, int] | None:
    """Seconds, and the first line that states them."""
    first: tuple[float, int] | None = None
    for row in rows:
        text = row.cells.get("recordingDuration", UNKNOWN)
        if text.lower() in (UNKNOWN, ""):
            continue
        value = number(text, path=path, line=row.line, column="recordingDuration")
        first = first or (value, row.line)
        if value != first[0]:
            raise FormatError(
                f"'{path}', line {row.line}: recordingDuration is {value:g} s, on line {first[1]} "
                f"it is {first[0]:g} s; a recording has one length. Correct the wrong row."
            )
    return first


def _events(rows: Sequence[_Row], *, path: Path, labels: Labels) -> list[EventRow]:
    ours = translate(((f"line {row.line}", row.label) for row in rows), path=path, labels=labels)
    return [
        EventRow(row.line, _event(row, ours[row.label], path)) for row in rows if row.label in ours
    ]


def _event(row: _Row, label: str, path: Path) -> Event:
    onset_s, offset_s = _bounds(row, path)
    check_lasts(onset_s, offset_s, label, path=path, line=row.line)
    return Event(
        onset_s,
        offset_s,
        label,
        confidence(row.cells.get("confidence", UNKNOWN), path=path, line=row.line),
        _channels(row.cells.get("channels", UNKNOWN)),
    )


def _bounds(row: _Row, path: Path) -> tuple[float, float]:
    """Onset and offset; the sum is rounded, or 0.1 + 0.2 would pass a neighbour at 0.3."""
    onset_s = number(row.cells["onset"], path=path, line=row.line, column="onset")
    length_s = number(row.cells["duration"], path=path, line=row.line, column="duration")
    return onset_s, round(onset_s + length_s, 9)


def _channels(text: str) -> tuple[str, ...]:
    if text.lower() in (UNKNOWN, "", "all"):
        return ()
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _gaps(
    checks: Sequence[_Row], *, path: Path, duration_s: float
) -> tuple[tuple[float, float], ...]:
    """Impedance checks in order of time, those that touch made one; some are logged with 0 s."""
    rows = []
    for row in checks:
        onset_s, offset_s = _bounds(row, path)
        if onset_s == offset_s:
            continue
        check_lasts(onset_s, offset_s, row.label, path=path, line=row.line)
        rows.append(EventRow(row.line, Event(onset_s, offset_s, row.label)))
    check_bounds(rows, path=path, duration_s=duration_s)
    gaps: list[tuple[float, float]] = []
    for onset_s, offset_s in sorted((row.event.onset_s, row.event.offset_s) for row in rows):
        if gaps and onset_s <= gaps[-1][1]:
            gaps[-1] = (gaps[-1][0], max(gaps[-1][1], offset_s))
        else:
            gaps.append((onset_s, offset_s))
    return tuple((max(0.0, onset_s), min(offset_s, duration_s)) for onset_s, offset_s in gaps)


def write_hed_tsv(
    path: Path, timeline: Timeline, *, start: datetime | None = None, gaps: bool = False
) -> None:
    """Write an ``_events.tsv`` file: seven columns, four decimals.

    Labels of TUSZ become the nearest of HED-SCORE. A timeline without events gets one row ``bckg``
    over the whole recording, for silence could also mean that nobody looked.

    Parameters
    ----------
    path : where to write
    timeline : events that do not share time
    start : wall clock of the start of the recording, for the column ``dateTime``
    gaps : also write a row ``impd`` for each gap; scorers built on epilepsy2bids 0.0.7 stop at it

    Raises
    ------
    DataError : an event cannot be written so that it is read again: its label is no seizure's, it
        vanishes when rounded, or it shares time with its neighbour
    """
    events = timeline.events or (Event(0.0, timeline.duration_s, BACKGROUND),)
    check_writable(events, path=path, duration_s=timeline.duration_s)
    checks = [Event(*gap, IMPEDANCE_CHECK) for gap in timeline.gaps] if gaps else []
    rows = sorted([*events, *checks], key=lambda event: (event.onset_s, event.offset_s))
    clock = UNKNOWN if start is None else f"{start:%Y-%m-%d %H:%M:%S}"
    lines = ["\t".join(COLUMNS)]
    lines += [_line(event, clock=clock, duration_s=timeline.duration_s) for event in rows]
    write_text(path, "".join(f"{line}\n" for line in lines))


def _line(event: Event, *, clock: str, duration_s: float) -> str:
    onset_s, offset_s = round(event.onset_s, 4), round(event.offset_s, 4)
    certainty = UNKNOWN if event.confidence is None else f"{event.confidence:.4f}"
    cells = (
        f"{onset_s:.4f}",
        f"{offset_s - onset_s:.4f}",
        hed_label(event.label) or event.label,
        certainty,
        ",".join(event.channels) or UNKNOWN,
        clock,
        f"{duration_s:.4f}",
    )
    return "\t".join(cells)

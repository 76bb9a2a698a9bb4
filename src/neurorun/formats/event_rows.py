"""Rows of event tables, checked: what every format of events has in common.

A row keeps the number of its line, so that a fault in a file of ten thousand rows is named by the
line to correct. Times may come in any order; nothing is guessed, cut or left out.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neurorun.core import (
    BACKGROUND,
    NON_EPILEPTIC,
    SEIZURE,
    DataError,
    Event,
    FormatError,
    merge_touching,
)
from neurorun.formats.event_labels import HED_SEIZURE, TUSZ_TO_HED, is_seizure_label

Overlaps = Literal["refuse", "merge"]
"""What to do with seizures that share time: refuse the file, or make one event of them."""

Labels = Mapping[str, str | None]
"""Labels of a file that are in no table: our label for each, or None for rows to leave out."""

TIME_TOLERANCE_S = 5e-5
"""Half a unit of the last of the four decimals that event files carry."""

DURATION_TOLERANCE_S = 1.0
"""Two statements of one recording's length may differ by this: the padding of a data record."""


class DurationError(FormatError):
    """An event file is of a recording of another length, or does not say how long it is."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row of an event table: where it stands in the file, and its event."""

    line: int
    event: Event


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, without line ends and byte order mark.

    Raises
    ------
    DataError : there is no such file
    FormatError : it is not text
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise missing_file(path) from error
    except IsADirectoryError as error:
        raise DataError(f"'{path}' is a folder; give one event file.") from error
    except UnicodeDecodeError as error:
        raise FormatError(
            f"'{path}' is not text ({error.reason} at byte {error.start}); event tables are UTF-8. "
            "Export the file again."
        ) from error


def missing_file(path: Path) -> DataError:
    """Error of an event file that is not there, which is not the same as no events."""
    return DataError(
        f"'{path}' does not exist; a recording without events still has an event file, which says "
        "that it was looked at. Check the path, or write the file."
    )


def number(text: str, *, path: Path, line: int, column: str) -> float:
    """Finite number of one cell.

    Raises
    ------
    FormatError : the cell holds something else; the message names its line
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FormatError(
            f"'{path}', line {line}: {column} is '{text}'; a number is needed. Correct the row."
        )
    return value


def confidence(text: str, *, path: Path, line: int) -> float | None:
    """Confidence of one row, or None where the file gives none.

    Raises
    ------
    FormatError : it is not a number in [0, 1]
    """
    if text.lower() in ("n/a", ""):
        return None
    value = number(text, path=path, line=line, column="confidence")
    if not 0 <= value <= 1:
        raise FormatError(
            f"'{path}', line {line}: confidence is {value:g}; it must lie in [0, 1], or be n/a. "
            "Correct the row."
        )
    return value


def check_lasts(onset_s: float, offset_s: float, label: str, *, path: Path, line: int) -> None:
    """Refuse a row that ends before it begins, or at once.

    Raises
    ------
    FormatError : naming the line
    """
    if not onset_s < offset_s:
        raise FormatError(
            f"'{path}', line {line}: '{label}' starts at {onset_s:g} s and stops at {offset_s:g} s;"
            " an event must stop after it starts. Correct or delete the row."
        )


def translate(names: Iterable[tuple[str, str]], *, path: Path, labels: Labels) -> dict[str, str]:
    """Our label for each label of a file; those to leave out are absent.

    Parameters
    ----------
    names : place (``line 7``) and label of every row
    path : the file, for the message
    labels : the user's own translations, which come first

    Raises
    ------
    FormatError : labels of no table; all of them are listed
    """
    ours: dict[str, str | None] = {}
    unknown: dict[str, str] = {}
    for place, name in names:
        if name in ours or name in unknown:
            continue
        if name in labels:
            ours[name] = labels[name]
        elif (known := _known(name)) is not None:
            ours[name] = known
        else:
            unknown[name] = place
    if unknown:
        raise FormatError(_unknown_labels(unknown, path))
    return {name: label for name, label in ours.items() if label is not None}


def _known(name: str) -> str | None:
    if name.lower() in TUSZ_TO_HED:
        return name.lower()
    if name.lower() == HED_SEIZURE:
        return SEIZURE
    return name if is_seizure_label(name) else None


def _unknown_labels(unknown: Mapping[str, str], path: Path) -> str:
    listed = ", ".join(f"'{name}' ({place})" for name, place in unknown.items())
    return (
        f"'{path}' has unknown labels: {listed}. Known are "
        f"{', '.join(sorted(TUSZ_TO_HED))} and sz or sz_*. Correct them, or say what they mean: "
        "labels={'theirs': 'seiz'} (--label theirs=seiz), or None (--label theirs=) for rows to "
        "leave out."
    )


def check_bounds(rows: Iterable[EventRow], *, path: Path, duration_s: float) -> None:
    """Refuse rows outside the recording.

    Raises
    ------
    FormatError : naming the line
    """
    for row in rows:
        event = row.event
        if event.onset_s < -TIME_TOLERANCE_S or event.offset_s > duration_s + TIME_TOLERANCE_S:
            raise FormatError(
                f"'{path}', line {row.line}: '{event.label}' from {event.onset_s:g} s to "
                f"{event.offset_s:g} s lies outside the recording of {duration_s:g} s. Correct the "
                "row, or the duration."
            )


def settle_overlaps(
    rows: Sequence[EventRow], *, path: Path, overlaps: Overlaps
) -> tuple[Event, ...]:
    """Events of the rows in order of time, none of which shares time with another.

    With ``merge``, seizures that share time become one event with the label of the first;
    background that shares time with a seizure is refused all the same, for it contradicts it.

    Raises
    ------
    FormatError : two rows share time; the message names both lines
    """
    ordered = sorted(rows, key=lambda row: (row.event.onset_s, row.event.offset_s))
    settled: list[EventRow] = []
    for row in ordered:
        if not settled or row.event.onset_s >= settled[-1].event.offset_s - TIME_TOLERANCE_S:
            settled.append(row)
        elif overlaps == "merge" and _same_kind(settled[-1].event, row.event):
            (fused,) = merge_touching([settled[-1].event, row.event])
            settled[-1] = EventRow(settled[-1].line, fused)
        else:
            raise _overlap(settled[-1], row, path)
    return tuple(row.event for row in settled)


def _same_kind(first: Event, second: Event) -> bool:
    background = (BACKGROUND, NON_EPILEPTIC)
    return (first.label in background) == (second.label in background)


def _overlap(first: EventRow, second: EventRow, path: Path) -> FormatError:
    return FormatError(
        f"'{path}', line {second.line}: '{second.event.label}' from {second.event.onset_s:g} s "
        f"shares time with line {first.line}, '{first.event.label}' to {first.event.offset_s:g} s; "
        "events of one table must follow each other. Correct the rows, or make one event of "
        "seizures that share time with overlaps='merge'."
    )


def agreed_duration(
    stated_s: float | None, given_s: float | None, *, path: Path, line: int | None = None
) -> float:
    """Length of the recording: what the file states, else what the caller gives.

    Parameters
    ----------
    line : where the file states it, if it has lines

    Raises
    ------
    DurationError : neither is known, or they belong to different recordings
    """
    if stated_s is None:
        if given_s is None:
            raise DurationError(
                f"'{path}' does not state how long the recording is; without it false alarms have "
                "no rate. Add the duration to the file, or give duration_s."
            )
        return given_s
    if given_s is not None and abs(stated_s - given_s) > DURATION_TOLERANCE_S:
        where = f"'{path}'" if line is None else f"'{path}', line {line},"
        raise DurationError(
            f"{where} is of a recording of {stated_s:g} s, but {given_s:g} s were expected; they "
            f"may differ by {DURATION_TOLERANCE_S:g} s at most. Pair it with its own recording."
        )
    return stated_s

"""Events that people marked in recordings of NMT: tables of wall-clock times beside the corpus."""

import csv
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from neurorun.core import Event, FormatError

FOLDER = "annotations"
_COLUMNS = ("File Start", "Start time", "End time", "Channel names", "Comment")


def annotations_of(data_dir: Path, recording_id: str) -> tuple[Event, ...]:
    """Events of a recording, from ``annotations/RECORDING.csv``; none where nobody annotated.

    Raises
    ------
    FormatError : the table is not readable
    """
    path = data_dir / FOLDER / f"{recording_id}.csv"
    return read_annotations(path) if path.is_file() else ()


@lru_cache(maxsize=256)
def read_annotations(path: Path) -> tuple[Event, ...]:
    """Read a table of NMT; times become seconds from the start of the file.

    ``File Start`` stands in the first row. Recordings may run past midnight. Instants last 1 ms.

    Raises
    ------
    FormatError : a column or a time is missing
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    missing = [name for name in _COLUMNS if rows and name not in rows[0]]
    if missing:
        raise FormatError(
            f"'{path}' lacks the columns {', '.join(missing)}; {', '.join(_COLUMNS)} are needed."
        )
    if not rows:
        return ()
    start = _clock(rows[0]["File Start"], path)
    return tuple(_event(row, start, path) for row in rows)


def _event(row: dict[str, str], start: datetime, path: Path) -> Event:
    onset, offset = (_since(row[name], start, path) for name in ("Start time", "End time"))
    return Event(
        onset,
        max(offset, onset + 1e-3),
        label=row["Comment"].strip(),
        channels=tuple(row["Channel names"].split()),
    )


def _since(text: str, start: datetime, path: Path) -> float:
    passed = _clock(text, path) - start
    if passed < timedelta(0):
        passed += timedelta(days=1)
    return passed.total_seconds()


def _clock(text: str, path: Path) -> datetime:
    """Read ``HH:MM:SS`` or ``HH:MM:SS:mmm``."""
    try:
        hours, minutes, seconds, *rest = (int(part) for part in text.strip().split(":"))
        day = datetime(2000, 1, 1)
        return day + timedelta(
            hours=hours, minutes=minutes, seconds=seconds, milliseconds=rest[0] if rest else 0
        )
    except ValueError as error:
        raise FormatError(
            f"'{path}' holds the time '{text}'; HH:MM:SS:mmm is needed. Correct the row."
        ) from error

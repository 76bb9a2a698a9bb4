"""``metrics/metrics.jsonl``: one line per epoch, appended as the epoch ends.

Every row has the same keys in the same order: ``epoch`` (from 1), the numbers, ``timestamp`` (UTC,
when the row was written). What was not measured is ``null``. Everything else that is told about the
epochs of a run is derived from these rows.
"""

import errno
import json
import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from neurorun.core import FormatError, Metric, RunError, atomic_write
from neurorun.runs.document import as_line, parse

METRICS_LOG = "metrics/metrics.jsonl"
RESERVED = ("epoch", "timestamp")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EpochRow:
    """What was measured in one epoch.

    Parameters
    ----------
    epoch : counted from 1
    values : NaN where a number is undefined or was not measured
    timestamp : UTC, ISO 8601, when the row was written
    """

    epoch: int
    values: dict[str, float]
    timestamp: str


def best_row(rows: Iterable[EpochRow], metric: Metric) -> EpochRow | None:
    """Row with the best value of a metric: the earliest of equals, never an undefined one.

    >>> loss = Metric("loss", "lower", "1", "")
    >>> rows = [EpochRow(n, {"loss": x}, "") for n, x in enumerate([3.0, 1.0, 1.0], 1)]
    >>> best_row(rows, loss).epoch
    2
    """
    best: EpochRow | None = None
    for row in rows:
        value = row.values.get(metric.name, math.nan)
        if math.isfinite(value) and metric.improves(
            value, best.values[metric.name] if best else None
        ):
            best = row
    return best


def read_rows(path: Path) -> tuple[EpochRow, ...]:
    """Read all rows; a torn last line, left by a crash while it was written, is dropped.

    Raises
    ------
    FormatError : any other line is not a row; the message holds its number
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise FormatError(
            f"'{path}' cannot be read ({error.strerror}); a file with read permission is needed."
        ) from error
    rows = []
    for number, line in enumerate(lines, 1):
        last = number == len(lines)
        if last and not _is_json(line):
            if line:
                logger.warning("'%s' ends in a torn line, which is dropped.", path)
            break
        rows.append(_row(line, source=f"'{path}', line {number}"))
    return tuple(rows)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _row(line: bytes, *, source: str) -> EpochRow:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise FormatError(
            f"{source} is not JSON ({error}); restore the file, or cut it before that line."
        ) from error
    if not isinstance(found, dict) or not set(RESERVED) <= set(found):
        raise FormatError(
            f"{source} is not a row of an epoch; an object with the keys epoch and timestamp is "
            "needed. Restore the file."
        )
    values = {key: math.nan if v is None else v for key, v in found.items() if key not in RESERVED}
    row: dict[str, Any] = {key: found[key] for key in RESERVED}
    checked = parse(row | {"values": {}}, TypeAdapter(EpochRow).validate_json, source=source)
    wrong = [key for key, value in values.items() if type(value) not in (int, float)]
    if wrong:
        raise FormatError(
            f"{source} has {values[wrong[0]]!r} under '{wrong[0]}'; numbers and null are allowed. "
            "Restore the file."
        )
    numbers = {key: float(value) for key, value in values.items()}
    return EpochRow(checked.epoch, numbers, checked.timestamp)


def write_rows(path: Path, rows: Sequence[EpochRow], columns: Sequence[str]) -> None:
    """Write all rows anew, whole or not at all, each with the same columns."""
    with atomic_write(path) as stream:
        stream.writelines(_line(row, columns) for row in rows)


def _line(row: EpochRow, columns: Sequence[str]) -> bytes:
    values = {name: row.values.get(name, math.nan) for name in columns}
    return as_line({"epoch": row.epoch, **values, "timestamp": row.timestamp})


def check_names(names: Iterable[str]) -> None:
    """Refuse names that the row, or `epoch_statistics.csv`, uses otherwise.

    Raises
    ------
    RunError : a reserved name, an empty one, ``lr``, or one that starts with ``eval_``
    """
    for name in names:
        if name in (*RESERVED, "lr", "") or name.startswith("eval_"):
            raise RunError(
                f"A number is called '{name}'; any name is allowed but {', '.join(RESERVED)}, lr "
                "(learning_rate) and eval_... (val_...). Rename it."
            )


class MetricsLog:
    """The rows of one run while it runs: appended, flushed to the disk, and cut on resume.

    Parameters
    ----------
    path : of the file, which may exist already
    columns : numbers that every row has, measured or not; further ones may follow later, the
        rows before them then get ``null``
    """

    def __init__(self, path: Path, columns: Sequence[str] = ()) -> None:
        self._path = path
        self._rows = list(read_rows(path)) if path.exists() else []
        self._columns = list(dict.fromkeys([*columns, *_columns_of(self._rows)]))
        self._size = 0
        self._appendable = not self._rows  # what others left is written anew before it grows

    @property
    def rows(self) -> tuple[EpochRow, ...]:
        """All rows so far, with the same columns in each."""
        return tuple(self._filled(row) for row in self._rows)

    def _filled(self, row: EpochRow) -> EpochRow:
        values = {name: row.values.get(name, math.nan) for name in self._columns}
        return EpochRow(row.epoch, values, row.timestamp)

    def append(self, epoch: int, values: Mapping[str, float], *, timestamp: str) -> EpochRow:
        """Add the row of an epoch; when this returns, it is on the disk.

        Raises
        ------
        RunError : the epoch does not follow those before it, a reserved name, or a full disk
        """
        self._check(epoch, values)
        row = EpochRow(epoch, dict(values), timestamp)
        new = [name for name in values if name not in self._columns]
        self._columns += new
        self._rows.append(row)
        try:
            if self._appendable and not (new and len(self._rows) > 1):
                self._append_line(_line(row, self._columns))
            else:
                self._rewrite()
        except BaseException:
            self._rows.pop()
            self._columns = self._columns[: len(self._columns) - len(new)]
            raise
        return self._filled(row)

    def extend(self, values: Mapping[str, float]) -> EpochRow:
        """Add numbers to the last row; those that it has already are replaced.

        Raises
        ------
        RunError : there is no row, a reserved name, or a full disk
        """
        if not self._rows:
            raise RunError(
                f"{', '.join(values)} belong to no epoch: none was logged yet. Log it first."
            )
        check_names(values)
        last, columns = self._rows[-1], self._columns
        self._rows[-1] = EpochRow(last.epoch, {**last.values, **values}, last.timestamp)
        self._columns = list(dict.fromkeys([*columns, *values]))
        try:
            self._rewrite()
        except BaseException:
            self._rows[-1], self._columns = last, columns
            raise
        return self._filled(self._rows[-1])

    def tidy(self) -> None:
        """Write the rows anew if somebody else wrote them, without the torn line of a crash."""
        if not self._appendable:
            self._rewrite()

    def cut(self, after_epoch: int) -> int:
        """Remove the rows of later epochs and return how many there were."""
        kept = [row for row in self._rows if row.epoch <= after_epoch]
        n_cut = len(self._rows) - len(kept)
        if n_cut:
            self._rows = kept
            self._rewrite()
        return n_cut

    def _check(self, epoch: int, values: Mapping[str, float]) -> None:
        last = self._rows[-1].epoch if self._rows else 0
        if epoch <= last:
            raise RunError(
                f"Epoch {epoch} was logged after epoch {last}; epochs count up from 1. Call "
                f"rewind({epoch - 1}) first to repeat it."
            )
        check_names(values)

    def _rewrite(self) -> None:
        write_rows(self._path, self._rows, self._columns)
        self._size = self._path.stat().st_size
        self._appendable = True

    def _append_line(self, line: bytes) -> None:
        """Write after the last whole row; what a failed attempt leaves there is taken back."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as stream:
                stream.truncate(self._size)
                _write_whole(stream, line)
                os.fsync(stream.fileno())
        except OSError as error:
            with suppress(OSError):
                os.truncate(self._path, self._size)
            raise RunError(
                f"Cannot append to '{self._path}': {error.strerror or error}. A folder with room "
                "and write permission is needed; free some space, then resume the run."
            ) from error
        self._size += len(line)


def _write_whole(stream: RawIOBase, line: bytes) -> None:
    """Write all of a line; the system writes less where the disk ends."""
    if stream.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _columns_of(rows: Iterable[EpochRow]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.values))

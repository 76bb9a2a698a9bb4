"""``epoch_statistics.csv``: the rows of all epochs as a table, named as earlier readers expect.

What the rows call ``val_...`` and ``learning_rate``, this table calls ``eval_...`` and ``lr``: its
readers expect these names.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from neurorun.core import FormatError
from neurorun.runs.metrics_log import EpochRow
from neurorun.runs.table import Cell, Kind, read_table, table_columns, write_table

EPOCH_TABLE = "epoch_statistics.csv"


def write_epoch_table(folder: Path, rows: Sequence[EpochRow]) -> None:
    """Write one line per epoch, undefined numbers empty; every row has the same values."""
    write_table(
        folder / EPOCH_TABLE,
        [
            {
                "epoch": row.epoch,
                **{_to_table(name): value for name, value in row.values.items()},
                "timestamp": row.timestamp,
            }
            for row in rows
        ],
    )


def read_epoch_table(folder: Path) -> tuple[EpochRow, ...]:
    """Read the table back into rows.

    Raises
    ------
    FormatError : the header or a cell is not as written
    """
    path = folder / EPOCH_TABLE
    header = table_columns(path)
    if len(header) < 2 or (header[0], header[-1]) != ("epoch", "timestamp"):
        raise FormatError(
            f"'{path}' has the columns {', '.join(header)}; epoch, numbers and timestamp were "
            "written. Restore the file."
        )
    kinds: dict[str, Kind] = dict.fromkeys(header, "number")
    kinds |= {"epoch": "integer", "timestamp": "text"}
    return tuple(_row(cells) for cells in read_table(path, kinds))


def _row(cells: dict[str, Cell]) -> EpochRow:
    epoch, *values, timestamp = cells.items()
    return EpochRow(
        epoch=int(epoch[1] or 0),
        values={_from_table(name): _number(cell) for name, cell in values},
        timestamp=str(timestamp[1] or ""),
    )


def _number(cell: Cell) -> float:
    return cell if isinstance(cell, float) else math.nan


def _to_table(name: str) -> str:
    if name == "learning_rate":
        return "lr"
    return f"eval_{name.removeprefix('val_')}" if name.startswith("val_") else name


def _from_table(name: str) -> str:
    if name == "lr":
        return "learning_rate"
    return f"val_{name.removeprefix('eval_')}" if name.startswith("eval_") else name

"""CSV tables whose columns keep their kind: one header, the same columns in every row.

Undefined numbers and missing text are empty cells. A recording called ``007`` stays text, because
the kinds of the columns are recorded beside the table (in ``run.json``), never guessed.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurorun.core import FormatError, RunError, write_text

Cell = str | int | float | bool | None
Kind = Literal["text", "integer", "number", "yes_no"]


def column_kinds(rows: Sequence[Mapping[str, Any]], *, source: str) -> dict[str, Kind]:
    """Find the kind of each column; all rows have the columns of the first, in any order.

    A column of whole numbers and undefined values counts as ``number``: NaN is not an integer.

    Raises
    ------
    RunError : no rows, rows with other columns, or a column that mixes text and numbers

    Examples
    --------
    >>> column_kinds([{"recording_id": "007", "n_found": 2}], source="x.csv")
    {'recording_id': 'text', 'n_found': 'integer'}
    """
    if not rows:
        raise RunError(f"{source} was given no rows; leave the file out instead of writing it.")
    columns = list(rows[0])
    for row in rows:
        if row.keys() != rows[0].keys():
            raise RunError(
                f"{source} was given a row with the columns {', '.join(row)}; all rows need "
                f"{', '.join(columns)}. Use None where nothing was measured."
            )
    return {
        name: _kind([row[name] for row in rows], source=f"{source}, column '{name}'")
        for name in columns
    }


def _kind(cells: Sequence[Any], *, source: str) -> Kind:
    kinds = {_kind_of(cell, source=source) for cell in cells if not _undefined(cell)}
    if kinds <= {"integer", "number"} and kinds:
        return "integer" if kinds == {"integer"} and len(cells) == _defined(cells) else "number"
    if len(kinds) > 1:
        raise RunError(
            f"{source} mixes {' and '.join(sorted(kinds))}; one kind per column is allowed. "
            "Convert its values."
        )
    if kinds:
        return kinds.pop()
    return "number" if any(isinstance(cell, float) for cell in cells) else "text"


def _defined(cells: Sequence[Any]) -> int:
    return sum(not _undefined(cell) for cell in cells)


def _kind_of(cell: Any, *, source: str) -> Kind:
    if isinstance(cell, bool | np.bool_):
        return "yes_no"
    if isinstance(cell, int | np.integer):
        return "integer"
    if isinstance(cell, float | np.floating):
        return "number"
    if isinstance(cell, str):
        return "text"
    raise RunError(
        f"{source} holds {cell!r}; text, numbers, booleans and None are allowed. Convert it."
    )


def _undefined(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float | np.floating) and not math.isfinite(cell))


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Kind]:
    """Write rows as CSV, whole or not at all, and return the kinds of the columns.

    Raises
    ------
    RunError : the rows do not make one table (see `column_kinds`)
    """
    kinds = column_kinds(rows, source=path.name)
    lines = [list(kinds), *([_text(row[name]) for name in kinds] for row in rows)]
    write_text(path, "".join(f"{_line(cells)}\n" for cells in lines))
    return kinds


def _line(cells: Sequence[str]) -> str:
    """Quote where needed; Python's writer leaves a bare carriage return, which ends a row."""
    line = ",".join(
        '"{}"'.format(cell.replace('"', '""')) if set(cell) & set(',"\r\n') else cell
        for cell in cells
    )
    return line or '""'


def _text(cell: Any) -> str:
    if _undefined(cell):
        return ""
    if isinstance(cell, float | np.floating):
        return repr(float(cell))
    return str(cell)


def table_columns(path: Path) -> list[str]:
    """Header of a CSV file; empty if the file is.

    Raises
    ------
    FormatError : the file is no text in UTF-8
    """
    return next(iter(_lines(path)), [])


def _lines(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(
            f"'{path}' is not readable as a table in UTF-8 ({error}). Restore the file."
        ) from error


def read_table(path: Path, kinds: Mapping[str, Kind]) -> list[dict[str, Cell]]:
    """Read what `write_table` wrote, given the kinds that it returned.

    Undefined numbers come back as NaN, missing text and booleans as None.

    Raises
    ------
    FormatError : no table, another header, or a cell that is not of its column's kind
    """
    lines = _lines(path)
    if not lines or lines[0] != list(kinds):
        raise FormatError(
            f"'{path}' has the columns {', '.join(lines[0]) if lines else '(none)'}; "
            f"{', '.join(kinds)} were written. Restore the file."
        )
    return [_row(line, kinds, source=f"'{path}', row {n}") for n, line in enumerate(lines[1:], 1)]


def _row(line: Sequence[str], kinds: Mapping[str, Kind], *, source: str) -> dict[str, Cell]:
    if len(line) != len(kinds):
        raise FormatError(
            f"{source} has {len(line)} cells; {len(kinds)} were written. Restore the file."
        )
    return {
        name: _cell(text, kind, source=f"{source}, column '{name}'")
        for text, (name, kind) in zip(line, kinds.items(), strict=True)
    }


def _cell(text: str, kind: Kind, *, source: str) -> Cell:
    if text == "":
        return math.nan if kind == "number" else None
    try:
        match kind:
            case "text":
                return text
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "yes_no":
                return {"True": True, "False": False}[text]
    except (ValueError, KeyError) as error:
        raise FormatError(
            f"{source} is '{text}', not of the kind {kind}. Restore the file."
        ) from error

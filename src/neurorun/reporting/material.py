"""Pictures and tables that a task keeps beside its own files, as a page shows them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neurorun.reporting.facts import Facts
from neurorun.reporting.words import number_in_words
from neurorun.runs import Cell

PICTURES_LIMIT_BYTES = 700_000
"""Room for pictures in a page that stays below a megabyte."""


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture inside the page; no address if there was no room for it."""

    name: str
    caption: str
    address: str | None


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table as text; numbers are those columns that hold nothing else."""

    name: str
    caption: str
    columns: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


def material(facts: Facts) -> dict[str, Any]:
    """Every picture and every table of a run, in the order in which they were written.

    What cannot be read is told among what is damaged.
    """
    return {"pictures": _pictures(facts), "tables": _tables(facts)}


def _pictures(facts: Facts) -> list[ShownPicture]:
    left, shown = PICTURES_LIMIT_BYTES, []
    for name, picture in facts.pictures.items():
        address = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
        fits = len(address) <= left
        left -= len(address) if fits else 0
        shown.append(ShownPicture(name, picture.caption, address if fits else None))
    return shown


def _tables(facts: Facts) -> list[ShownTable]:
    return [
        _shown(name, table.caption, table.rows)
        for name, table in facts.tables.items()
        if table.rows
    ]


def _shown(name: str, caption: str, rows: Sequence[Mapping[str, Cell]]) -> ShownTable:
    columns = tuple(rows[0])
    numbers = tuple(all(_is_number(row[column]) for row in rows) for column in columns)
    cells = tuple(tuple(_cell_in_words(row[column]) for column in columns) for row in rows)
    return ShownTable(name, caption, columns, numbers, cells)


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _cell_in_words(cell: Cell) -> str:
    """A value for reading; counts keep all their digits."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return number_in_words(cell) if isinstance(cell, float) else cell

"""Pictures and tables that a task keeps beside its own files, as a page shows them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neurorun.reporting.facts import Facts, SplitFacts
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


@dataclass(frozen=True, slots=True)
class Material:
    """Pictures and tables of one split, in the order in which they were written."""

    split: str
    folder: str
    pictures: tuple[ShownPicture, ...]
    tables: tuple[ShownTable, ...]


def material(facts: Facts) -> list[Material]:
    """Pictures and tables of every split that is shown and has any, the first in front.

    What cannot be read is told among what is damaged. The first takes of the room what it needs.
    """
    left, shown = PICTURES_LIMIT_BYTES, []
    for one in facts.shown:
        pictures = _pictures(one, left)
        left -= sum(len(picture.address or "") for picture in pictures)
        shown.append(Material(one.split, one.folder, pictures, _tables(one)))
    return [one for one in shown if one.pictures or one.tables]


def _pictures(split: SplitFacts, left: int) -> tuple[ShownPicture, ...]:
    shown = []
    for name, picture in split.pictures.items():
        address = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
        fits = len(address) <= left
        left -= len(address) if fits else 0
        shown.append(ShownPicture(name, picture.caption, address if fits else None))
    return tuple(shown)


def _tables(split: SplitFacts) -> tuple[ShownTable, ...]:
    return tuple(
        _shown(name, table.caption, table.rows)
        for name, table in split.tables.items()
        if table.rows
    )


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

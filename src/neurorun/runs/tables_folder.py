"""``tables/``: named tables of a task, one CSV file each, with a caption.

They hold what has no file of its own: a comparison of methods, agreement with a gaze map, metrics
by noise level. ``tables/manifest.json`` holds, by name, the caption and the kind of each column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from neurorun.core import FormatError
from neurorun.runs.by_name import ByName, required_caption, write_listed
from neurorun.runs.document import read_document
from neurorun.runs.names import file_stem
from neurorun.runs.table import Cell, Kind, read_table, write_table

TABLES = "tables"
TABLES_MANIFEST = f"{TABLES}/manifest.json"


class CaptionedTable(NamedTuple):
    """A table and the sentence that says what it shows.

    Parameters
    ----------
    rows : the same columns in each; undefined numbers are NaN, missing text is None
    """

    caption: str
    rows: list[dict[str, Cell]]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """What the manifest holds about one table.

    Parameters
    ----------
    columns : the kind of each, in the order of the file
    """

    caption: str
    columns: dict[str, Kind]


def table_path(name: str) -> str:
    """Path of a table, relative to the run folder.

    >>> table_path("methods")
    'tables/methods.csv'
    """
    return f"{TABLES}/{file_stem(name)}.csv"


def write_named_table(
    folder: Path, name: str, rows: Sequence[Mapping[str, Any]], *, caption: str
) -> None:
    """Write a table, or replace one; a crash leaves all listed tables whole.

    Raises
    ------
    RunError : the rows do not make one table (see `column_kinds`), or there is no caption
    DataError : the folder cannot be written
    """
    path = folder / table_path(name)
    required_caption(caption, of=f"Table '{name}'")

    def write() -> TableEntry:
        return TableEntry(caption, write_table(path, rows))

    write_listed(folder / TABLES_MANIFEST, read_tables_manifest(folder), name, write=write)


def read_tables_manifest(folder: Path) -> dict[str, TableEntry]:
    """Read captions and columns by name; empty if the run has no tables.

    Raises
    ------
    FormatError : damaged
    """
    path = folder / TABLES_MANIFEST
    if not path.exists():
        return {}
    return read_document(path, TypeAdapter(dict[str, TableEntry]).validate_json)


def read_named_table(folder: Path, name: str, entry: TableEntry) -> CaptionedTable:
    """Read one table.

    Raises
    ------
    FormatError : it is absent, or not as written
    """
    path = folder / table_path(name)
    if not path.is_file():
        raise FormatError(f"'{path}' is listed but missing; restore it or write it again.")
    return CaptionedTable(entry.caption, read_table(path, entry.columns))


def tables_of(folder: Path) -> ByName[CaptionedTable]:
    """Tables of a run by name, each read when it is asked for."""
    listed = read_tables_manifest(folder).items()
    readers = {name: partial(read_named_table, folder, name, entry) for name, entry in listed}
    return ByName(folder / TABLES, readers)

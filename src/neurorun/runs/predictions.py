"""``predictions_eval.csv``: one row per recording or image that validation scored.

The columns are the task's. Seizure detection writes ``recording_id, patient, duration_s,
n_reference`` and counts; abnormality writes its own (``file, true_label, predicted_label,
probability, dataset, correct, timestamp``) and more. The first column names the item. Rows of
other splits, and of other data, lie in ``metrics/<split>_items.csv``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurorun.core import FormatError
from neurorun.runs.names import file_stem
from neurorun.runs.table import Cell, Kind, read_table, write_table

PREDICTIONS = "predictions_eval.csv"


def predictions_path(split: str) -> str:
    """Path of the rows of a split, relative to the run folder.

    >>> predictions_path("validation"), predictions_path("test")
    ('predictions_eval.csv', 'metrics/test_items.csv')
    """
    return PREDICTIONS if split == "validation" else f"metrics/{file_stem(split)}_items.csv"


def write_predictions(
    folder: Path, rows: Sequence[Mapping[str, Any]], *, split: str = "validation"
) -> dict[str, Kind]:
    """Write the table and return the kinds of its columns.

    Raises
    ------
    RunError : the rows do not make one table (see `column_kinds`)
    """
    return write_table(folder / predictions_path(split), rows)


def read_predictions(
    folder: Path, kinds: Mapping[str, Kind], *, split: str = "validation"
) -> list[dict[str, Cell]]:
    """Read the table, given the kinds that ``run.json`` holds.

    Raises
    ------
    FormatError : it is missing, or the header or a cell is not as written
    """
    path = folder / predictions_path(split)
    if not path.is_file():
        raise FormatError(f"'{path}' was written but is missing; restore it or score again.")
    return read_table(path, kinds)

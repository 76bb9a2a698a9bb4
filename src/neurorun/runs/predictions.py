"""``predictions_eval.csv``: one row per scored recording or image.

The columns are the task's. Seizure detection writes ``recording_id, patient, duration_s,
n_reference, n_found, n_false_alarms`` and more; abnormality writes its own (``file,
true_label, predicted_label, probability, dataset, correct, timestamp``) and more.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurorun.runs.table import Cell, Kind, read_table, write_table

PREDICTIONS = "predictions_eval.csv"


def write_predictions(folder: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Kind]:
    """Write the table and return the kinds of its columns.

    Raises
    ------
    RunError : the rows do not make one table (see `column_kinds`)
    """
    return write_table(folder / PREDICTIONS, rows)


def read_predictions(folder: Path, kinds: Mapping[str, Kind]) -> list[dict[str, Cell]]:
    """Read the table, given the kinds that ``run.json`` holds.

    Raises
    ------
    FormatError : the header or a cell is not as written
    """
    return read_table(folder / PREDICTIONS, kinds)

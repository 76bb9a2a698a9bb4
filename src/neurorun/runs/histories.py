"""Histories as training scripts keep them, ``{epoch: number}`` by name, made into rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from neurorun.core import Metric, RunError
from neurorun.runs.metrics_log import EpochRow, best_row, check_names
from neurorun.runs.plain import measured_number

History = Any
"""``{epoch: number}``, or None if never measured: checked when it is read, whatever it is."""

_NO_PLURALS = ("ss", "is", "ias")


def column_name(argument: str) -> str:
    """Name of the column for an argument: the same without its plural.

    >>> [column_name(name) for name in ("val_losses", "val_accuracies", "val_maes", "val_loss")]
    ['val_loss', 'val_accuracy', 'val_mae', 'val_loss']
    """
    if argument.endswith("ies"):
        return f"{argument.removesuffix('ies')}y"
    if argument.endswith("sses"):
        return argument.removesuffix("es")
    if argument.endswith("s") and not argument.endswith(_NO_PLURALS):
        return argument.removesuffix("s")
    return argument


def rows_of(histories: Mapping[str, History], *, timestamp: str) -> tuple[EpochRow, ...]:
    """Make one row for each epoch that has a number in any history.

    Every row has a value for every history, NaN where it has none.

    Parameters
    ----------
    histories : by the name of the argument, see `column_name`; None if never measured
    timestamp : UTC, for every row: when the rows are written

    Raises
    ------
    RunError : a history is not a mapping, an epoch not a whole number of at least 0, a value not
        a number, two histories have one name, or there is no epoch at all
    """
    columns = {name: _numbers(name, history) for name, history in histories.items()}
    names = {argument: column_name(argument) for argument in columns}
    doubled = sorted(n for n in names.values() if list(names.values()).count(n) > 1)
    if doubled:
        raise RunError(
            f"Two histories both become the column '{doubled[0]}'; one history per column is "
            "allowed. Rename one."
        )
    check_names(names.values())
    epochs = sorted({epoch for column in columns.values() for epoch in column})
    if not epochs:
        raise RunError(
            "The histories hold no epoch; at least one number in one of them is needed. Fill them "
            "while training: train_losses[epoch] = loss."
        )
    return tuple(
        EpochRow(
            epoch,
            {names[key]: column.get(epoch, float("nan")) for key, column in columns.items()},
            timestamp,
        )
        for epoch in epochs
    )


def _numbers(name: str, history: History) -> dict[int, float]:
    if history is None:
        return {}
    if not isinstance(history, Mapping):
        raise RunError(
            f"{name} is a {type(history).__name__}; a dict from epoch to number is allowed. Write "
            f"dict(enumerate({name}, start=1)) for a list."
        )
    return {
        _epoch(epoch, name): measured_number(value, name=f"{name}[{epoch!r}]")
        for epoch, value in history.items()
    }


def _epoch(epoch: Any, name: str) -> int:
    """Whole numbers, also as the text that JSON makes of them."""
    text = str(epoch)
    if isinstance(epoch, bool) or not (text.isascii() and text.isdigit()):
        raise RunError(
            f"{name} has the epoch {epoch!r}; whole numbers from 1 are allowed. Use the number of "
            "the epoch as key."
        )
    return int(text)


_DIRECTIONS = {
    "val_iou": "higher",
    "val_dice": "higher",
    "val_f1": "higher",
    "val_precision": "higher",
    "val_recall": "higher",
    "val_accuracy": "higher",
    "val_loss": "lower",
    "train_loss": "lower",
}


def known_metrics() -> tuple[Metric, ...]:
    """Declarations of the eight numbers that every such record has."""
    told = "As the training script measured it."
    return tuple(
        Metric(name, "higher" if better == "higher" else "lower", "1", told)
        for name, better in _DIRECTIONS.items()
    )


def metric_behind(best_epoch: int, rows: Sequence[EpochRow]) -> Metric:
    """Find by which validation metric an epoch is the best.

    If by none, the first of `known_metrics` that was measured; if there is none, the first of all.
    """
    best = {metric: best_row(rows, metric) for metric in known_metrics()}
    measured = {metric: row.epoch for metric, row in best.items() if row}
    for metric, epoch in measured.items():
        if epoch == best_epoch and metric.name.startswith("val_"):
            return metric
    return next(iter(measured or best))

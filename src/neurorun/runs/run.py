"""The reading side of a run folder: everything in it, opened when it is asked for.

Nothing is executed on reading; a folder may be moved or copied anywhere.
"""

import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from neurorun.core import MissingExtraError, RunError, require
from neurorun.runs.checkpoints import checkpoint_path
from neurorun.runs.confusion import ConfusionMatrix, read_confusion_matrices
from neurorun.runs.distributions import ClassDistribution, read_class_distributions
from neurorun.runs.kept import Kept, kept_path, kept_splits
from neurorun.runs.lock import is_locked
from neurorun.runs.log import LOG
from neurorun.runs.metadata import Metadata, read_metadata
from neurorun.runs.metrics_log import METRICS_LOG, EpochRow, best_row, read_rows
from neurorun.runs.operating_points import (
    ChosenPoint,
    FaCurve,
    read_fa_curves,
    read_operating_points,
)
from neurorun.runs.predictions import predictions_path, read_predictions
from neurorun.runs.record import RunRecord, Status, read_record
from neurorun.runs.scores import SplitScores, read_split_scores, scored_splits
from neurorun.runs.settings import read_config
from neurorun.runs.splits import Splits, read_splits
from neurorun.runs.summary import validation_values
from neurorun.runs.table import Cell


@dataclass(frozen=True)
class Run(Kept):
    """One run, read from its folder; what it keeps without naming a split is of validation.

    A file that a run does not have raises `DataError` when it is asked for; damaged ones
    `FormatError`. What was undefined is NaN.
    """

    record: RunRecord

    @property
    def name(self) -> str:
        """Name of the run, as its folder was made."""
        return self.record.name

    @property
    def status(self) -> Status:
        """How the run stands: ``running`` only while its process lives."""
        if self.record.status == "running" and not is_locked(self.path):
            return "interrupted"
        return self.record.status

    @cached_property
    def config(self) -> dict[str, Any]:
        """Every setting, resolved."""
        return read_config(self.path)

    @cached_property
    def metadata(self) -> Metadata:
        """When, where, from which source and on which data it was made."""
        return read_metadata(self.path)

    @cached_property
    def epoch_rows(self) -> tuple[EpochRow, ...]:
        """What was measured, one row per finished epoch; empty before the first."""
        path = self.path / METRICS_LOG
        return read_rows(path) if path.exists() else ()

    @property
    def epochs(self) -> Any:
        """The epochs as a ``pandas.DataFrame``, or as a list of dicts without pandas."""
        rows = [
            {"epoch": row.epoch, **row.values, "timestamp": row.timestamp}
            for row in self.epoch_rows
        ]
        return _frame(rows)

    @property
    def best_epoch(self) -> int | None:
        """Earliest epoch with the best monitored value; None if it was never defined."""
        best = best_row(self.epoch_rows, self.record.monitored)
        return best.epoch if best else None

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Metrics by split: ``validation`` at the best epoch, others as they were scored."""
        scored = {split: self.scores(split).metrics for split in self.scored_splits}
        best = best_row(self.epoch_rows, self.record.monitored)
        if best:
            scored["validation"] = validation_values(best, self.record.metrics)
        return scored

    @property
    def scored_splits(self) -> tuple[str, ...]:
        """Splits, and other data, that were scored with a checkpoint."""
        return scored_splits(self.path)

    def scores(self, split: str) -> SplitScores:
        """Metrics of one split with the checkpoint and the methods behind them."""
        return read_split_scores(self.path, split)

    @property
    def prediction_rows(self) -> list[dict[str, Cell]]:
        """One row per recording that validation scored; empty where nothing was scored."""
        return self.scored_items("validation")

    def scored_items(self, split: str) -> list[dict[str, Cell]]:
        """One row per scored recording or image of a split; empty where none were kept."""
        kinds = self.record.tables.get(predictions_path(split))
        return read_predictions(self.path, kinds, split=split) if kinds else []

    @property
    def predictions(self) -> Any:
        """The scored recordings as a ``pandas.DataFrame``, or as a list of dicts without pandas."""
        return _frame(self.prediction_rows)

    @property
    def splits(self) -> Splits:
        """Which recordings were trained on, validated on and tested on."""
        return read_splits(self.path)

    @property
    def operating_points(self) -> tuple[ChosenPoint, ...]:
        """Thresholds chosen on validation."""
        return read_operating_points(self.path)

    @property
    def fa_curves(self) -> tuple[FaCurve, ...]:
        """Sensitivity against false alarms, per split and method."""
        return read_fa_curves(self.path)

    @property
    def confusion_matrices(self) -> tuple[ConfusionMatrix, ...]:
        """How often which class was taken for which, per split."""
        return read_confusion_matrices(self.path)

    @property
    def class_distributions(self) -> tuple[ClassDistribution, ...]:
        """Items of each class, per split."""
        return read_class_distributions(self.path)

    @property
    def kept_splits(self) -> tuple[str, ...]:
        """Splits besides validation, and other data, of which anything is kept."""
        return kept_splits(self.path)

    def of(self, split: str) -> Kept:
        """Tables, pictures, events and more that are kept of a split; empty where nothing is."""
        return Kept(self.path / kept_path(split))

    @property
    def log(self) -> str:
        """Everything that was logged while the run was written."""
        try:
            return (self.path / LOG).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise RunError(
                f"Run '{self.name}' has no readable log at '{self.path / LOG}' "
                f"({error.strerror}); restore it."
            ) from error

    def checkpoint_path(self, name: str = "best") -> Path:
        """Where a checkpoint lies: ``best``, ``last`` or ``epoch_NNN``.

        Raises
        ------
        RunError : the run has none of this name
        """
        path = checkpoint_path(self.path, name)
        if not path.is_file():
            raise RunError(
                f"Run '{self.name}' ({self.status}, {len(self.epoch_rows)} epochs) has no "
                f"checkpoint '{name}' at '{path}'. Choose another, or train on with --resume."
            )
        return path

    def checkpoint(self, name: str = "best", *, map_location: Any = "cpu") -> dict[str, Any]:
        """Load a checkpoint; nothing in it can run code (``weights_only=True``).

        Raises
        ------
        RunError : the run has none of this name, or it is damaged
        MissingExtraError : PyTorch is not installed
        """
        path = self.checkpoint_path(name)
        torch = require("torch", extra="train")
        try:
            loaded: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
        except _NO_CHECKPOINT as error:
            reason = str(error).partition("\n")[0]
            raise RunError(
                f"Checkpoint '{path}' cannot be loaded ({reason}); restore it, or choose another."
            ) from error
        return loaded


_NO_CHECKPOINT = (
    OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError,
    pickle.UnpicklingError,
)  # fmt: skip
"""What reading damaged bytes as a checkpoint raises."""


def open_run(path: Path | str) -> Run:
    """Open a run folder, wherever it was moved and however its process ended.

    Raises
    ------
    RunError : not a run folder
    FormatError : written by a newer neurorun, or ``run.json`` is damaged
    """
    folder = Path(path)
    return Run(folder, read_record(folder))


def _frame(rows: list[dict[str, Any]]) -> Any:
    try:
        pandas = require("pandas", extra="report")
    except MissingExtraError:
        return rows
    return pandas.DataFrame(rows)

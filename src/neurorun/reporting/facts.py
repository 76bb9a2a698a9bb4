"""Everything that a report tells of a run, read once: absent is no error, damaged is told."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from neurorun.core import DataError, Event, Metric, RunError
from neurorun.runs import (
    ByName,
    ByRecording,
    CaptionedTable,
    Cell,
    ChosenPoint,
    ClassDistribution,
    ConfusionMatrix,
    EpochRow,
    FaCurve,
    Metadata,
    Picture,
    Run,
    RunRecord,
    Splits,
    SplitScores,
    Status,
    Strip,
    best_row,
)

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """What one run folder holds; None or empty where it does not.

    Parameters
    ----------
    run : the open run, from which a page of a task reads what only that task keeps
    record, status : which run it is, and how it stands
    config : every setting; empty if it cannot be read
    epochs : one row per finished epoch
    predictions : one row per scored recording
    scores : metrics of splits besides validation
    strips : pieces of recordings, sorted by recording_id
    detected : per strip all detected events of its recording, where they were kept
    tables, pictures : what the task keeps beside its own files, by name
    damaged : by the name of every part that could not be read, why not
    """

    run: Run
    record: RunRecord
    status: Status
    config: Mapping[str, Any]
    metadata: Metadata | None
    epochs: tuple[EpochRow, ...]
    predictions: tuple[Mapping[str, Cell], ...]
    scores: Mapping[str, SplitScores]
    splits: Splits | None
    examples: tuple[ClassDistribution, ...]
    points: tuple[ChosenPoint, ...]
    curves: tuple[FaCurve, ...]
    confusions: tuple[ConfusionMatrix, ...]
    strips: tuple[Strip, ...]
    detected: Mapping[str, tuple[Event, ...]]
    tables: Mapping[str, CaptionedTable]
    pictures: Mapping[str, Picture]
    damaged: Mapping[str, str]

    @property
    def best(self) -> EpochRow | None:
        """Row of the best epoch; None while the monitored metric was never defined."""
        return best_row(self.epochs, self.record.monitored)

    @property
    def validation(self) -> dict[Metric, float]:
        """Declared metrics that were measured on validation, at the best epoch."""
        best = self.best
        if best is None:
            return {}
        return {
            one: best.values[one.name] for one in self.record.metrics if one.name in best.values
        }

    def setting(self, key: str) -> Any:
        """Value of a dotted setting; None if the run has no such setting.

        Tasks, and the loops of other people, differ in their settings; no default stands in.
        """
        value: Any = self.config
        for part in key.split("."):
            value = value[part] if isinstance(value, Mapping) and part in value else None
        return value

    def number(self, key: str) -> float | None:
        """Value of a dotted setting, if it is a number."""
        value = self.setting(key)
        return float(value) if isinstance(value, int | float) else None

    @property
    def task(self) -> str | None:
        """The clinical question; None for the loops of other people."""
        task = self.setting("task")
        return task if isinstance(task, str) else None

    @property
    def threshold(self) -> float | None:
        """Probability at which a detected event may start."""
        return self.number("postprocessing.hysteresis.tau_on")


def read_facts(run: Run) -> Facts:
    """Read a run, however far it came and whatever became of its files."""
    reader = _Reader(run)
    optional, needed = reader.optional, reader.needed
    events = optional("events", lambda: _events_of_strips(run))
    return Facts(
        run=run,
        record=run.record,
        status=run.status,
        config=needed("settings", lambda: run.config) or {},
        metadata=needed("metadata", lambda: run.metadata),
        epochs=needed("epochs", lambda: run.epoch_rows) or (),
        predictions=tuple(needed("scored recordings", lambda: run.prediction_rows) or ()),
        scores=reader.scores(),
        splits=optional("splits", lambda: run.splits),
        examples=optional("counts of examples", lambda: run.class_distributions) or (),
        points=optional("operating points", lambda: run.operating_points) or (),
        curves=optional("curve of false alarms", lambda: run.fa_curves) or (),
        confusions=optional("confusion matrices", lambda: run.confusion_matrices) or (),
        strips=tuple(reader.each("strip of", run.strips).values()),
        detected=events or {},
        tables=reader.each("table", needed("tables", lambda: run.tables) or {}),
        pictures=reader.each("picture", needed("pictures", lambda: run.pictures) or {}),
        damaged=reader.damaged,
    )


def _events_of_strips(run: Run) -> dict[str, tuple[Event, ...]]:
    """All detected events of the recordings that have a strip."""
    return {one: run.events[one].seizures for one in run.strips if one in run.events}


class _Reader:
    """Reads part after part and notes which of them are damaged."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.damaged: dict[str, str] = {}

    def optional(self, what: str, read: Callable[[], T]) -> T | None:
        """Read a part that a run may lack."""
        try:
            return read()
        except (DataError, RunError) as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                self._note(what, error)
            return None

    def needed(self, what: str, read: Callable[[], T]) -> T | None:
        """Read a part whose absence is damage, too."""
        try:
            return read()
        except (DataError, RunError) as error:
            self._note(what, error)
            return None

    def _note(self, what: str, error: Exception) -> None:
        logger.warning("The report goes without the %s: %s", what, error)
        self.damaged[what] = str(error).replace(f"{self._run.path}/", "")

    def scores(self) -> dict[str, SplitScores]:
        """Scores of all splits but validation, whose best epoch is told by the epochs."""
        read = {
            split: self.needed(f"scores on {split}", partial(self._run.scores, split))
            for split in self._run.scored_splits
            if split != "validation"
        }
        return {split: scores for split, scores in read.items() if scores is not None}

    def each(self, what: str, items: Mapping[str, T] | ByName[T] | ByRecording[T]) -> dict[str, T]:
        """Read every item of a folder, those that are damaged left out."""
        read = {one: self.needed(f"{what} {one}", partial(items.__getitem__, one)) for one in items}
        return {one: item for one, item in read.items() if item is not None}

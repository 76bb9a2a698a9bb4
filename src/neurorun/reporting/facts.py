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
    Kept,
    Metadata,
    Picture,
    Run,
    RunRecord,
    Splits,
    SplitScores,
    Status,
    Strip,
    best_row,
    kept_path,
    predictions_path,
)

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitFacts:
    """What a run keeps of one scored split; empty where it keeps nothing.

    Parameters
    ----------
    predictions : one row per scored recording
    strips : pieces of recordings, sorted by recording_id
    detected : per strip all detected events of its recording, where they were kept
    tables, pictures : what the task keeps beside its own files, by name
    """

    split: str
    predictions: tuple[Mapping[str, Cell], ...]
    strips: tuple[Strip, ...]
    detected: Mapping[str, tuple[Event, ...]]
    tables: Mapping[str, CaptionedTable]
    pictures: Mapping[str, Picture]

    @property
    def rows_file(self) -> str:
        """Path of the rows, relative to the run folder."""
        return predictions_path(self.split)

    @property
    def folder(self) -> str:
        """Folder of everything else, relative to the run folder."""
        return kept_path(self.split)

    def __bool__(self) -> bool:
        """Whether anything is kept."""
        return bool(self.predictions or self.strips or self.tables or self.pictures)


@dataclass(frozen=True)
class Facts:
    """What one run folder holds; None or empty where it does not.

    What is told without naming a split is of validation.

    Parameters
    ----------
    run : the open run, from which a page of a task reads what only that task keeps
    record, status : which run it is, and how it stands
    config : every setting; empty if it cannot be read
    epochs : one row per finished epoch
    scores : metrics of splits besides validation
    kept : what is kept of validation, and of the test split
    damaged : by the name of every part that could not be read, why not
    """

    run: Run
    record: RunRecord
    status: Status
    config: Mapping[str, Any]
    metadata: Metadata | None
    epochs: tuple[EpochRow, ...]
    scores: Mapping[str, SplitScores]
    splits: Splits | None
    examples: tuple[ClassDistribution, ...]
    points: tuple[ChosenPoint, ...]
    curves: tuple[FaCurve, ...]
    confusions: tuple[ConfusionMatrix, ...]
    kept: Mapping[str, SplitFacts]
    damaged: Mapping[str, str]

    @property
    def shown(self) -> tuple[SplitFacts, ...]:
        """Splits of which a page shows more than scores, the one that it shows first in front.

        That is the test split: nothing was chosen on it. There is always one, be it empty.
        """
        test, validation = self.kept["test"], self.kept["validation"]
        there = tuple(one for one in (test, validation) if one)
        return there or (validation,)

    @property
    def predictions(self) -> tuple[Mapping[str, Cell], ...]:
        """One row per recording that validation scored."""
        return self.kept["validation"].predictions

    @property
    def tables(self) -> Mapping[str, CaptionedTable]:
        """Tables of validation, by name."""
        return self.kept["validation"].tables

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
    return Facts(
        run=run,
        record=run.record,
        status=run.status,
        config=needed("settings", lambda: run.config) or {},
        metadata=needed("metadata", lambda: run.metadata),
        epochs=needed("epochs", lambda: run.epoch_rows) or (),
        scores=reader.scores(),
        splits=optional("splits", lambda: run.splits),
        examples=optional("counts of examples", lambda: run.class_distributions) or (),
        points=optional("operating points", lambda: run.operating_points) or (),
        curves=optional("curve of false alarms", lambda: run.fa_curves) or (),
        confusions=optional("confusion matrices", lambda: run.confusion_matrices) or (),
        kept={split: reader.kept(split) for split in ("validation", "test")},
        damaged=reader.damaged,
    )


def _events_of_strips(kept: Kept) -> dict[str, tuple[Event, ...]]:
    """All detected events of the recordings that have a strip."""
    return {one: kept.events[one].seizures for one in kept.strips if one in kept.events}


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

    def kept(self, split: str) -> SplitFacts:
        """What is kept of a split."""
        of = "" if split == "validation" else f" of {split}"
        kept, needed = self._run.of(split), self.needed
        rows = needed(f"scored recordings{of}", partial(self._run.scored_items, split))
        return SplitFacts(
            split=split,
            predictions=tuple(rows or ()),
            strips=tuple(self.each("strip of {}" + of, kept.strips).values()),
            detected=self.optional(f"events{of}", lambda: _events_of_strips(kept)) or {},
            tables=self.each("table {}" + of, needed(f"tables{of}", lambda: kept.tables) or {}),
            pictures=self.each(
                "picture {}" + of, needed(f"pictures{of}", lambda: kept.pictures) or {}
            ),
        )

    def each(self, what: str, items: Mapping[str, T] | ByName[T] | ByRecording[T]) -> dict[str, T]:
        """Read every item of a folder, those that are damaged left out; {} becomes the name."""
        reads = {one: partial(items.__getitem__, one) for one in items}
        found = {one: self.needed(what.replace("{}", one), read) for one, read in reads.items()}
        return {one: item for one, item in found.items() if item is not None}

"""Which runs lie below a folder: found by looking, because a registry would go stale."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neurorun.core import NeurorunError, RunError
from neurorun.runs.metrics_log import best_row
from neurorun.runs.record import RECORD
from neurorun.runs.run import open_run

SortKey = Literal["name", "started", "status", "epochs", "best"]
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a table of runs.

    Parameters
    ----------
    status : ``damaged`` if the run cannot be read; ``problem`` says why, the rest is empty
    best_value : of the monitored metric, NaN if it was never defined
    """

    path: Path
    name: str
    status: str
    experiment: str = ""
    started_at: str = ""
    epochs_run: int = 0
    epochs_planned: int | None = None
    monitor: str = ""
    best_epoch: int | None = None
    best_value: float = math.nan
    problem: str = ""


def list_runs(root: Path | str, *, sort: SortKey = "started") -> tuple[RunLine, ...]:
    """Find the runs in a folder and up to two levels below.

    Parameters
    ----------
    sort : ``started`` puts the newest first, ``best`` the best by its own direction, undefined
        values last; the others go up

    Raises
    ------
    RunError : there is no such folder
    """
    folder = Path(root)
    if not folder.is_dir():
        raise RunError(f"'{folder}' is not a folder; give one that holds run folders.")
    found = [_line(path) for path in _run_folders(folder, _DEPTH)]
    return tuple(line for line, _ in sorted(found, key=_SORT_KEYS[sort]))


_Found = tuple[RunLine, bool]
"""A line, and whether higher values of its monitored metric are better."""


def _later_first(found: _Found) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in found[0].started_at)


def _better_first(found: _Found) -> tuple[bool, str, float]:
    line, higher = found
    value = -line.best_value if higher else line.best_value
    return (math.isnan(value), line.monitor, 0.0 if math.isnan(value) else value)


_SORT_KEYS: Mapping[SortKey, Callable[[_Found], Any]] = {
    "name": lambda found: (found[0].name,),
    "started": _later_first,
    "status": lambda found: (found[0].status, found[0].name),
    "epochs": lambda found: (found[0].epochs_run, found[0].name),
    "best": _better_first,
}


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / RECORD).is_file():
        yield folder
    elif depth > 0:
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.name.startswith("."):
                yield from _run_folders(child, depth - 1)


def _line(path: Path) -> _Found:
    try:
        run = open_run(path)
        record = run.record
        best = best_row(run.epoch_rows, record.monitored)
    except NeurorunError as error:
        return RunLine(path, path.name, "damaged", problem=str(error)), True
    line = RunLine(
        path=path,
        name=record.name,
        status=run.status,
        experiment=record.experiment,
        started_at=record.started_at,
        epochs_run=len(run.epoch_rows),
        epochs_planned=record.epochs_planned,
        monitor=record.monitor,
        best_epoch=best.epoch if best else None,
        best_value=best.values[record.monitor] if best else math.nan,
    )
    return line, record.monitored.better == "higher"

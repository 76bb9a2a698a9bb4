"""In what two runs differ: settings, data, source, packages, metrics."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorun.runs.document import as_plain
from neurorun.runs.run import Run, open_run
from neurorun.runs.splits import SPLITS

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that differs; what only one run has is `ABSENT` in the other."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class RunDifferences:
    """Everything in which two runs differ, in the order of likely causes; metrics come last."""

    settings: tuple[Difference, ...]
    data: tuple[Difference, ...]
    source: tuple[Difference, ...]
    packages: tuple[Difference, ...]
    metrics: tuple[Difference, ...]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return any(self.sections.values())

    @property
    def sections(self) -> dict[str, tuple[Difference, ...]]:
        """The parts under their names."""
        return {name: getattr(self, name) for name in self.__slots__}


def diff_runs(first: Path | str, second: Path | str) -> RunDifferences:
    """Compare two runs; what cannot matter to the numbers (names, times, machine) is left out.

    Raises
    ------
    RunError : one of them is not a run folder
    """
    runs = (open_run(first), open_run(second))
    return RunDifferences(
        settings=_compare(*_settings(runs)),
        data=_compare(*(_data(run) for run in runs)),
        source=_compare(*(_source(run) for run in runs)),
        packages=_compare(*(run.metadata.environment.packages for run in runs)),
        metrics=_compare(*(flat(run.metrics) for run in runs)),
    )


def flat(value: Any, key: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys; lists stay whole.

    >>> flat({"training": {"epochs": 3}})
    {'training.epochs': 3}
    """
    if not isinstance(value, Mapping):
        return {key: value}
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= flat(item, f"{key}.{name}" if key else str(name))
    return found


def _settings(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Every setting of each run, and the seed unless it is a setting of all of them."""
    settings = [flat(run.config) for run in runs]
    if all("experiment.seed" in some for some in settings):
        return settings
    return [{**some, "seed": run.record.seed} for some, run in zip(settings, runs, strict=True)]


def _data(run: Run) -> dict[str, Any]:
    splits = run.splits.fingerprints if (run.path / SPLITS).exists() else {}
    return flat({**run.metadata.data, "splits": splits})


def _source(run: Run) -> dict[str, Any]:
    source = as_plain(run.metadata.source)
    files = run.record.files or {}
    patch = files.get(source["patch"]) if source["patch"] else None
    return {
        "state": source["state"],
        "commit": source["commit"],
        "patch": patch.sha256 if patch else source["patch"],
        "neurorun": run.record.neurorun_version,
    }


def _compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Difference, ...]:
    keys = list(dict.fromkeys([*first, *second]))
    found = (Difference(key, first.get(key, ABSENT), second.get(key, ABSENT)) for key in keys)
    return tuple(item for item in found if not _same(item.first, item.second))


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, float) and isinstance(second, float) and math.isnan(first):
        return math.isnan(second)
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)

"""Metrics of one split.

``metrics/validation_metrics.json``, ``metrics/<split>_scores.json``, ``final_results.yaml``.
Validation is measured every epoch; splits are scored with a checkpoint whose epoch is named.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from neurorun.core import FormatError, Metric, read_json, write_json, write_text
from neurorun.runs.document import Measured, parse, read_document, write_document
from neurorun.runs.metrics_log import EpochRow, best_row
from neurorun.runs.names import file_stem, identity_of
from neurorun.runs.settings import read_yaml, to_yaml
from neurorun.runs.summary import validation_values

VALIDATION = "metrics/validation_metrics.json"
FINAL_RESULTS = "final_results.yaml"

_SUFFIX = "_scores.json"


_decode_numbers = TypeAdapter(dict[str, Measured]).validate_json


@dataclass(frozen=True, slots=True)
class _Best:
    best_epoch: int | None


@dataclass(frozen=True, slots=True)
class ValidationScores:
    """The content of ``metrics/validation_metrics.json``.

    Parameters
    ----------
    final : last epoch, names as in the rows
    best_epoch : None while the monitored metric was never defined; ``best`` is empty then
    best : best epoch, names without ``val_``
    """

    final: Mapping[str, float]
    best_epoch: int | None
    best: Mapping[str, float]


def validation_scores(
    rows: Sequence[EpochRow], *, metrics: Sequence[Metric], monitored: Metric
) -> ValidationScores:
    """Take last and best epoch from the rows; there must be at least one."""
    best = best_row(rows, monitored)
    found = validation_values(best, metrics) if best else {}
    return ValidationScores(
        final=validation_values(rows[-1], metrics),
        best_epoch=best.epoch if best else None,
        best={name.removeprefix("val_"): value for name, value in found.items()},
    )


def write_validation_scores(folder: Path, scores: ValidationScores) -> None:
    """Write the file with its two keys, last and best epoch."""
    value = {
        "final_validation": dict(scores.final),
        "best_validation": {"epoch": scores.best_epoch, **scores.best},
    }
    write_json(folder / VALIDATION, value)


def read_validation_scores(folder: Path) -> ValidationScores:
    """Read the file.

    Raises
    ------
    DataError : absent or damaged
    """
    path = folder / VALIDATION
    found: Any = read_json(path)
    try:
        best = dict(found["best_validation"])
        parts = {
            "final": found["final_validation"],
            "best_epoch": best.pop("epoch"),
            "best": best,
        }
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"'{path}' lacks {error}; final_validation, and best_validation with an epoch, are "
            "needed. Restore the file."
        ) from error
    return ValidationScores(
        final=parse(parts["final"], _decode_numbers, source=f"'{path}'"),
        best_epoch=parse(parts, TypeAdapter(_Best).validate_json, source=f"'{path}'").best_epoch,
        best=parse(parts["best"], _decode_numbers, source=f"'{path}'"),
    )


@dataclass(frozen=True, slots=True)
class SplitScores:
    """The content of ``metrics/<split>_scores.json``.

    Parameters
    ----------
    split : ``test``, ``validation``, or the name of other data
    checkpoint_epoch : epoch of the weights that were scored
    metrics : by the declared names
    methods : name and version of the scoring method behind each group of metrics
    data : folder or file of other data; None for splits, and where it was not recorded yet
    """

    split: str
    checkpoint_epoch: int
    metrics: dict[str, Measured]
    methods: dict[str, str]
    data: str | None = None


def write_split_scores(folder: Path, scores: SplitScores) -> None:
    """Write the file of one split."""
    write_document(folder / split_scores_path(scores.split), scores)


def read_split_scores(folder: Path, split: str) -> SplitScores:
    """Read the file of one split.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(folder / split_scores_path(split), TypeAdapter(SplitScores).validate_json)


def split_scores_path(split: str) -> str:
    """Path, relative to the run folder, of the scores of a split."""
    return f"metrics/{file_stem(split)}{_SUFFIX}"


def scored_splits(folder: Path) -> tuple[str, ...]:
    """Splits whose scores lie in the folder, sorted."""
    names = (path.name for path in (folder / "metrics").glob(f"[!.]*{_SUFFIX}"))
    return tuple(sorted(identity_of(name.removesuffix(_SUFFIX)) for name in names))


def write_final_results(folder: Path, metrics: Mapping[str, float]) -> None:
    """Write ``final_results.yaml``: the last epoch's validation metrics, keys sorted."""
    plain = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
    write_text(folder / FINAL_RESULTS, to_yaml(plain, sort_keys=True))


def read_final_results(folder: Path) -> dict[str, float]:
    """Read ``final_results.yaml``; what was undefined is NaN.

    Raises
    ------
    FormatError : absent or damaged
    """
    path = folder / FINAL_RESULTS
    return parse(read_yaml(path), _decode_numbers, source=f"'{path}'")

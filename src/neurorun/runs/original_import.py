"""Folders of the earlier crack experiments' saver, made into run folders that open like any other.

That saver writes 0.0 where nothing was measured, and rows for epochs that never ran; a number that
cannot have been measured is taken as missing, and every such decision is told.
"""

import json
import logging
import math
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from neurorun import __version__
from neurorun.core import (
    DataError,
    Metric,
    NeurorunError,
    RunError,
    atomic_write,
    parse_yaml,
    read_json,
)
from neurorun.runs.checkpoints import BEST, link_best
from neurorun.runs.checksums import checksums_of
from neurorun.runs.environment import Environment
from neurorun.runs.epoch_table import write_epoch_table
from neurorun.runs.histories import known_metrics, metric_behind
from neurorun.runs.log import LOG
from neurorun.runs.metadata import STORAGE_FORMAT, Metadata, write_metadata
from neurorun.runs.metrics_log import METRICS_LOG, EpochRow, best_row, write_rows
from neurorun.runs.plain import plain_settings
from neurorun.runs.record import RunRecord, utc_now, write_record
from neurorun.runs.scores import (
    FINAL_RESULTS,
    VALIDATION,
    validation_scores,
    write_final_results,
    write_validation_scores,
)
from neurorun.runs.settings import CONFIG, Headline, write_config
from neurorun.runs.source import Source
from neurorun.runs.summary import SUMMARY, HardwareInfo, summarize, write_summary
from neurorun.runs.summary_text import write_summary_text

logger = logging.getLogger(__name__)

_UNKNOWN = "not recorded"


@dataclass(frozen=True)
class Imported:
    """A folder that was made into a run.

    Parameters
    ----------
    folder : the new run folder
    missing : what the original does not tell, or tells in a way that cannot be, in sentences
    """

    folder: Path
    missing: tuple[str, ...]


@dataclass
class _Found:
    """What could be read of the original, and what could not."""

    rows: tuple[EpochRow, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def lacks(self, sentence: str) -> None:
        """Note something missing, and log it."""
        logger.warning("%s", sentence)
        self.missing.append(sentence)


def import_original(source: Path | str, target: Path | str) -> Imported:
    """Make a run folder of one that the earlier saver wrote; the original stays as it is.

    Rows whose numbers are all 0.0, and columns that are 0.0 in every row, were never measured
    and are told as missing. What that saver does not know (environment, source, seed, when the
    run began) stays unknown.

    Parameters
    ----------
    source : holds ``metrics/metrics.jsonl``, and as many of the other files as there are
    target : the run folder to make; must be absent or empty

    Raises
    ------
    RunError : there is no epoch to import, or the target holds something
    DataError : the target cannot be written
    """
    original, folder = Path(source), Path(target)
    if folder.is_dir() and any(folder.iterdir()):
        raise RunError(f"'{folder}' is not empty; nothing is replaced. Choose a new folder.")
    found = _Found()
    found.rows = _rows(original, found)
    found.summary = _summary_of(original, found)
    found.settings = _settings(original, found)
    _told_disagreements(original, found)
    _write(original, folder, found)
    return Imported(folder, tuple(found.missing))


def _rows(original: Path, found: _Found) -> tuple[EpochRow, ...]:
    path = original / METRICS_LOG
    if not path.is_file():
        raise RunError(
            f"'{original}' holds no {METRICS_LOG}; only folders of the earlier crack experiments "
            "can be imported. Give the folder of one experiment."
        )
    lines = [_line(text, number, found) for number, text in enumerate(_lines(path), 1)]
    measured = [line for line in lines if line is not None]
    empty = [epoch for epoch, values, _ in measured if not any(values.values())]
    if empty:
        found.lacks(
            f"{METRICS_LOG}: {len(empty)} epochs ({empty[0]} to {empty[-1]}) hold only zeros; they "
            "were planned and not run, and are left out."
        )
    kept = [line for line in measured if line[0] not in empty]
    if not kept:
        raise RunError(
            f"'{path}' holds no epoch with a number that was measured; at least one is needed."
        )
    return _without_zero_columns(kept, found)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


_Line = tuple[int, dict[str, float], str]


def _line(text: str, number: int, found: _Found) -> _Line | None:
    """Read a line as far as it is one; bare NaN and Infinity are undefined."""
    try:
        value = json.loads(text)
        epoch = value["epoch"]
    except (ValueError, KeyError, TypeError):
        epoch = None
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        found.lacks(f"{METRICS_LOG}: line {number} is no row of an epoch and is left out.")
        return None
    numbers = {
        str(name): _number(one)
        for name, one in value.items()
        if name not in ("epoch", "timestamp") and (one is None or isinstance(one, int | float))
    }
    return epoch, numbers, str(value.get("timestamp", ""))


def _number(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else float(value)


def _without_zero_columns(lines: Sequence[_Line], found: _Found) -> tuple[EpochRow, ...]:
    names = list(dict.fromkeys(name for _, values, _ in lines for name in values))
    zero = [n for n in names if all(values.get(n, math.nan) == 0 for _, values, _ in lines)]
    for name in zero:
        found.lacks(f"{METRICS_LOG}: {name} is 0.0 in every epoch and is taken as not measured.")
    rows = {
        epoch: EpochRow(
            epoch, {n: math.nan if n in zero else values.get(n, math.nan) for n in names}, time
        )
        for epoch, values, time in lines
    }
    return tuple(rows[epoch] for epoch in sorted(rows))


def _summary_of(original: Path, found: _Found) -> Mapping[str, Any]:
    try:
        summary = read_json(original / SUMMARY)
    except DataError as error:
        found.lacks(f"{SUMMARY} cannot be used: {error}")
        return {}
    if not isinstance(summary, Mapping):
        found.lacks(f"{SUMMARY} holds no object and is left out.")
        return {}
    return summary


def _settings(original: Path, found: _Found) -> dict[str, Any]:
    """The settings, or the few of them that the summary tells."""
    if (original / CONFIG).is_file():
        try:
            return _usable_settings(original / CONFIG)
        except NeurorunError as error:
            found.lacks(f"{CONFIG} cannot be used: {error}")
    else:
        found.lacks(
            f"{CONFIG} was not written; only the settings that the summary tells are known."
        )
    told = found.summary
    known = {
        "experiment": {"name": _text(told.get("experiment_name"))},
        "project_name": _text(told.get("project_name")),
        "model": {"_target_": _text(told.get("model_type"))},
        "data": {"dataset_path": _dataset(told.get("dataset"))},
        "training": {
            name: told.get(key)
            for name, key in (
                ("epochs", "training_epochs"), ("batch_size", "batch_size"),
                ("learning_rate", "learning_rate"),
            )
            if isinstance(told.get(key), int | float)
        },
    }  # fmt: skip
    return {key: value for key, value in known.items() if value is not None}


def _usable_settings(path: Path) -> dict[str, Any]:
    """Settings in which ``1e-4`` is a number, and whose headline can be told."""
    settings = parse_yaml(path.read_text(encoding="utf-8", errors="replace"))
    plain = plain_settings(settings)
    Headline.of(plain)
    return plain


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _dataset(value: Any) -> str | None:
    return None if value == "unknown" else _text(value)


def _told_disagreements(original: Path, found: _Found) -> None:
    best = found.summary.get("best_epoch")
    if isinstance(best, int) and best not in {row.epoch for row in found.rows}:
        found.lacks(f"{SUMMARY} tells epoch {best} as the best, which has no row.")
    for name in (VALIDATION, FINAL_RESULTS, LOG, BEST):
        if not (original / name).is_file():
            found.lacks(f"{name} was not written.")
    found.lacks("The seed, the environment, the source code and the data were not recorded.")
    found.lacks("Times have no zone and are those of saving, not of the epochs.")


def _write(original: Path, folder: Path, found: _Found) -> None:
    """Write file after file, ``run.json`` last: without it the folder is not a run."""
    rows, headline = found.rows, Headline.of(found.settings)
    record = _record(folder, found, headline)
    monitored = record.monitored
    write_config(folder, found.settings)
    write_rows(folder / METRICS_LOG, rows, list(rows[0].values))
    write_epoch_table(folder, rows)
    write_metadata(folder, _metadata(original, folder, found))
    summary = summarize(
        rows, headline=headline, metrics=record.metrics, monitored=monitored,
        hardware=_hardware(found.summary), timestamp=utc_now(),
    )  # fmt: skip
    took_s = found.summary.get("total_training_time")
    if isinstance(took_s, int | float):
        summary = replace(summary, total_training_time=float(took_s))
    write_summary(folder, summary)
    scores = validation_scores(rows, metrics=record.metrics, monitored=monitored)
    write_validation_scores(folder, scores)
    write_final_results(folder, scores.final)
    write_summary_text(folder, record, rows=rows, headline=headline)
    _copy_files(original, folder)
    write_record(folder, replace(record, files=checksums_of(folder)))


def _record(folder: Path, found: _Found, headline: Headline) -> RunRecord:
    rows, told = found.rows, found.summary
    best = told.get("best_epoch")
    monitored = metric_behind(best if isinstance(best, int) else -1, rows)
    if best_row(rows, monitored) is None:
        monitored = Metric("train_loss", "lower", "1", "As the training script measured it.")
    known = {metric.name: metric for metric in known_metrics()} | {monitored.name: monitored}
    saved = str(told.get("timestamp") or rows[-1].timestamp or "unknown")
    return RunRecord(
        run_id=uuid.uuid4().hex,
        name=folder.resolve().name,
        experiment=headline.experiment_name or folder.resolve().name,
        status="completed",
        exit_reason="imported from a folder of the earlier saver",
        started_at=saved,
        finished_at=saved,
        command=(),
        metrics=tuple(known[name] for name in rows[0].values if name in known),
        monitor=monitored.name,
        seed=None,
        epochs_planned=headline.training_epochs,
        neurorun_version=__version__,
    )


def _metadata(original: Path, folder: Path, found: _Found) -> Metadata:
    return Metadata(
        timestamp=str(found.summary.get("timestamp") or _UNKNOWN),
        total_epochs=len(found.rows),
        run_directory=folder.resolve().name,
        storage_format=STORAGE_FORMAT,
        note=f"Imported from '{original.resolve().name}'; data.missing says what it lacked.",
        environment=Environment(
            python=_UNKNOWN, implementation=_UNKNOWN, os=_UNKNOWN, machine=_UNKNOWN,
            cpu=_UNKNOWN, cpus=None, cpus_usable=None, memory_bytes=None, torch=None,
            packages={}, variables={},
        ),
        source=Source(_UNKNOWN),
        data={"imported_from": original.resolve().name, "missing": list(found.missing)},
    )  # fmt: skip


def _hardware(told: Mapping[str, Any]) -> HardwareInfo:
    found = told.get("hardware_info")
    hardware = found if isinstance(found, Mapping) else {}
    cuda = hardware.get("cuda_available")
    return HardwareInfo(
        device=_text(hardware.get("device")),
        cuda_available=cuda if isinstance(cuda, bool) else None,
        gpu_name=_text(hardware.get("gpu_name")),
    )


_BEST_NAMES = (BEST, "checkpoints/best_model.pth", "checkpoints/model_best.pth")


def _copy_files(original: Path, folder: Path) -> None:
    """Copy the log and the weights, under our names."""
    logs = sorted((original / "logs").glob("*.log"))
    named = [path for path in logs if path.name == "training.log"] or logs
    best = [original / name for name in _BEST_NAMES if (original / name).is_file()]
    for sources, name in ((named, LOG), (best, BEST)):
        if sources:
            with sources[0].open("rb") as reading, atomic_write(folder / name) as writing:
                shutil.copyfileobj(reading, writing)
    for path in sorted((original / "checkpoints").glob("epoch_*.pth")):
        number = path.stem.removeprefix("epoch_")
        if number.isdigit():
            target = folder / "checkpoints" / f"epoch_{int(number):03d}.pth"
            with path.open("rb") as reading, atomic_write(target) as writing:
                shutil.copyfileobj(reading, writing)
    if best:
        link_best(folder)

"""A run as the readers of the earlier crack experiments need it, written into a folder of its own.

These readers want several names for one number, and a finite ``loss`` and ``iou`` in every row; a
run folder has one name for each, and ``null`` for what was not measured. So the names that they
look for are written here, and only here.
"""

import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurorun.core import DataError, RunError, atomic_write, to_json, write_json, write_text
from neurorun.runs.checkpoints import BEST
from neurorun.runs.log import LOG
from neurorun.runs.metrics_log import METRICS_LOG, EpochRow, best_row
from neurorun.runs.plain import look_up
from neurorun.runs.run import Run, open_run
from neurorun.runs.scores import FINAL_RESULTS, VALIDATION
from neurorun.runs.settings import CONFIG, Headline, to_yaml
from neurorun.runs.summary import SUMMARY, HardwareInfo, Summary, read_summary

MODEL_BEST = "checkpoints/model_best.pth"

_MEASURED = ("iou", "f1", "precision", "recall", "dice", "accuracy")
_COLUMNS = ("train_loss", "val_loss", *(f"val_{name}" for name in _MEASURED))

logger = logging.getLogger(__name__)


def export_for_crackseg(run_folder: Path | str, target: Path | str) -> Path:
    """Write a run for the readers of the earlier crack experiments, and return where.

    Epochs without a finite validation loss or IoU are left out and logged: those readers fail on
    them. Other numbers that were not measured have no key.

    Parameters
    ----------
    run_folder : of a run that measured ``val_loss`` and ``val_iou``
    target : made; must be absent or empty

    Raises
    ------
    RunError : the run has no such epoch, or the target holds something
    DataError : the target cannot be written
    """
    run, folder = open_run(run_folder), Path(target)
    _check_empty(folder)
    rows = _usable_rows(run)
    monitored = run.record.monitored
    best = best_row(rows, monitored) or best_row(rows, _as_loss(run)) or rows[-1]
    headline = Headline.of(run.config)
    write_text(folder / CONFIG, to_yaml(_config(run, headline)))
    write_json(folder / SUMMARY, _summary(run, rows, best, headline))
    lines = [to_json(_line(row)) + "\n" for row in rows]
    write_text(folder / METRICS_LOG, "".join(lines))
    write_json(folder / VALIDATION, _validation(rows[-1], best))
    write_text(folder / FINAL_RESULTS, to_yaml(_values(rows[-1]), sort_keys=True))
    _copy(run.path / LOG, folder / LOG)
    for name in (MODEL_BEST, BEST):
        _copy(run.path / BEST, folder / name)
    write_json(folder / "experiment_info.json", _info(run, len(rows)))
    if "test" in run.scored_splits:
        write_json(folder / "metrics/test_metrics.json", run.metrics["test"])
    return folder


def _check_empty(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise RunError(f"'{folder}' is not empty; nothing is replaced. Choose a new folder.")


def _as_loss(run: Run) -> Any:
    return next((m for m in run.record.metrics if m.name == "val_loss"), run.record.monitored)


def _usable_rows(run: Run) -> Sequence[EpochRow]:
    rows, usable = run.epoch_rows, []
    for row in rows:
        if all(math.isfinite(row.values.get(f"val_{name}", math.nan)) for name in ("loss", "iou")):
            usable.append(row)
        else:
            logger.warning("Epoch %d has no finite val_loss and val_iou; left out.", row.epoch)
    if not usable:
        raise RunError(
            f"Run '{run.name}' has {len(rows)} epochs, none of them with a finite val_loss and "
            "val_iou; readers of crack experiments need both. Export a run of crack segmentation."
        )
    return usable


def _values(row: EpochRow) -> dict[str, float]:
    """Finite numbers of validation, as the earlier saver named them."""
    names = ("val_loss", *(f"val_{name}" for name in _MEASURED))
    return {n: row.values[n] for n in names if math.isfinite(row.values.get(n, math.nan))}


def _line(row: EpochRow) -> dict[str, Any]:
    measured = {n: row.values[n] for n in _COLUMNS if math.isfinite(row.values.get(n, math.nan))}
    short = {"loss": row.values["val_loss"], "iou": row.values["val_iou"]}
    return {"epoch": row.epoch, **measured, **short, "timestamp": row.timestamp}


def _summary(
    run: Run, rows: Sequence[EpochRow], best: EpochRow, headline: Headline
) -> dict[str, Any]:
    values = _values(best)
    bare = {name.removeprefix("val_"): value for name, value in values.items()}
    known = _known_summary(run)
    took_s = known.total_training_time if known else rows[-1].values.get("elapsed_s", math.nan)
    hardware = known.hardware_info if known else HardwareInfo(None, None, None)
    took = {"total_training_time": took_s, "training_time": took_s} if took_s >= 0 else {}
    return {
        "experiment_name": headline.experiment_name or run.record.experiment,
        "project_name": headline.project_name or "unknown",
        "model_type": headline.model_type or "unknown",
        "dataset": headline.dataset or "unknown",
        "training_epochs": headline.training_epochs or len(rows),
        "batch_size": headline.batch_size,
        "learning_rate": headline.learning_rate,
        "final_metrics": _values(rows[-1]),
        "best_epoch": best.epoch,
        **took,
        "timestamp": rows[-1].timestamp,
        "hardware_info": {
            "device": hardware.device or "unknown",
            "cuda_available": bool(hardware.cuda_available),
            "gpu_name": hardware.gpu_name or "unknown",
        },
        **{f"best_{name}": bare[name] for name in _MEASURED[:4] if name in bare},
        "final_loss": rows[-1].values["val_loss"],
        "best_metrics": {
            name: {"value": value, "epoch": best.epoch} for name, value in bare.items()
        },
        "experiment_info": {"total_epochs": len(rows), "best_epoch": best.epoch},
    }


def _known_summary(run: Run) -> Summary | None:
    try:
        return read_summary(run.path)
    except DataError as error:
        logger.warning("Training time and hardware are left out: %s", error)
        return None


def _validation(last: EpochRow, best: EpochRow) -> dict[str, Any]:
    bare = {name.removeprefix("val_"): value for name, value in _values(best).items()}
    return {
        "final_validation": _values(last),
        "best_validation": {"epoch": best.epoch, **bare},
    }


def _config(run: Run, headline: Headline) -> dict[str, Any]:
    """All settings, and the four that these readers look for under their names."""
    settings = dict(run.config)
    optimizer = look_up(settings, "training.optimizer", "training.optimizer.name")
    for section, key, value in (
        ("model", "name", headline.model_type),
        ("data", "dataset", headline.dataset),
        ("training", "optimizer", optimizer),
        ("training", "epochs", headline.training_epochs),
    ):
        inner = settings.get(section)
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        if inner.get(key) is None:
            inner[key] = "unknown" if value is None else value
        settings[section] = inner
    return settings


def _info(run: Run, n_epochs: int) -> dict[str, Any]:
    return {
        "experiment_id": run.record.run_id,
        "name": run.name,
        "status": run.status,
        "total_epochs": n_epochs,
        "exported_from": "neurorun run folder",
        "neurorun_version": run.record.neurorun_version,
    }


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        logger.warning("'%s' does not exist; readers that need '%s' lack it.", source, target.name)
        return
    with source.open("rb") as reading, atomic_write(target) as writing:
        shutil.copyfileobj(reading, writing)

"""``training_summary.txt``: the run told in words, for people."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from neurorun.core import write_text
from neurorun.runs.metrics_log import EpochRow, best_row
from neurorun.runs.record import RunRecord
from neurorun.runs.settings import Headline

SUMMARY_TEXT = "training_summary.txt"


def write_summary_text(
    folder: Path, record: RunRecord, *, rows: Sequence[EpochRow], headline: Headline
) -> None:
    """Write the text anew; it holds nothing that other files do not hold."""
    sections = [
        (f"Run {record.name}", _about(record)),
        ("Epochs", _epochs(record, rows)),
        ("Settings", _settings(headline)),
        (f"Metrics, best epoch by {record.monitor}", _metrics(record, rows)),
        ("Reopen", {"Python": f'neurorun.runs.open_run("{record.name}")'}),
    ]
    blocks = [_block(title, lines) for title, lines in sections]
    write_text(folder / SUMMARY_TEXT, "\n".join(blocks))


def read_summary_text(folder: Path) -> str:
    """Read the text."""
    return (folder / SUMMARY_TEXT).read_text(encoding="utf-8")


def _about(record: RunRecord) -> dict[str, str]:
    lines = {
        "experiment": record.experiment,
        "status": record.status,
        "reason": record.exit_reason or "",
        "started": record.started_at,
        "finished": record.finished_at or "",
        "seed": "" if record.seed is None else str(record.seed),
        "command": " ".join(record.command),
        "neurorun": record.neurorun_version,
    }
    if record.error:
        lines["error"] = f"{record.error.type}: {record.error.message}"
    return lines


def _epochs(record: RunRecord, rows: Sequence[EpochRow]) -> dict[str, str]:
    best = best_row(rows, record.monitored)
    return {
        "planned": "" if record.epochs_planned is None else str(record.epochs_planned),
        "run": str(len(rows)),
        "best": str(best.epoch) if best else f"none; {record.monitor} was never defined",
    }


def _settings(headline: Headline) -> dict[str, str]:
    lines = {
        "model": headline.model_type,
        "data": headline.dataset,
        "batch size": headline.batch_size,
        "learning rate": headline.learning_rate,
    }
    return {name: "" if value is None else str(value) for name, value in lines.items()}


def _metrics(record: RunRecord, rows: Sequence[EpochRow]) -> dict[str, str]:
    best = best_row(rows, record.monitored)
    if best is None:
        return {}
    units = {metric.name: metric.unit for metric in record.metrics}
    return {
        name: _measured(value, units.get(name, "1"))
        for name, value in best.values.items()
        if name in units or name.startswith("val_")
    }


def _measured(value: float, unit: str) -> str:
    if math.isnan(value):
        return "undefined"
    return f"{value:.4f}" if unit == "1" else f"{value:.4f} {unit}"


def _block(title: str, lines: Mapping[str, str]) -> str:
    width = max((len(name) for name in lines), default=0) + 2
    told = [f"  {name:<{width}}{value}\n" for name, value in lines.items() if value]
    return f"{title}\n{''.join(told)}"

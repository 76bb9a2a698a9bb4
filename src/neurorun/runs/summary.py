"""``metrics/complete_summary.json``: one object about the whole run."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from neurorun.core import Metric
from neurorun.runs.document import Measured, read_document, write_document
from neurorun.runs.metrics_log import EpochRow, best_row
from neurorun.runs.settings import Headline

SUMMARY = "metrics/complete_summary.json"


@dataclass(frozen=True, slots=True)
class HardwareInfo:
    """Where the computing was done; None where this process cannot know.

    Parameters
    ----------
    device : ``cpu``, ``cuda`` ...
    gpu_name : ``CPU`` where the machine has no usable GPU
    """

    device: str | None
    cuda_available: bool | None
    gpu_name: str | None


def hardware_seen(device: str | None = None) -> HardwareInfo:
    """Ask PyTorch, if this process has imported it; it is not imported for the question.

    Parameters
    ----------
    device : the one in use, if known; otherwise the one that PyTorch would offer
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return HardwareInfo(device, None, None)
    cuda = bool(torch.cuda.is_available())
    name = str(torch.cuda.get_device_name(0)) if cuda else "CPU"
    return HardwareInfo(device or ("cuda" if cuda else "cpu"), cuda, name)


@dataclass(frozen=True, slots=True)
class Summary:
    """The content of the file.

    Parameters
    ----------
    training_epochs : planned
    final_metrics : of the last epoch, measured on validation
    best_epoch : None while the monitored metric was never defined
    total_training_time : seconds, NaN if not measured
    timestamp : UTC, when the file was written
    epochs_run : finished
    """

    experiment_name: str | None
    project_name: str | None
    model_type: str | None
    dataset: str | None
    training_epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    final_metrics: dict[str, Measured]
    best_epoch: int | None
    total_training_time: Measured
    timestamp: str
    hardware_info: HardwareInfo
    epochs_run: int


def summarize(
    rows: Sequence[EpochRow],
    *,
    headline: Headline,
    metrics: Sequence[Metric],
    monitored: Metric,
    hardware: HardwareInfo,
    timestamp: str,
) -> Summary:
    """Sum up the rows of a run; there must be at least one."""
    best = best_row(rows, monitored)
    return Summary(
        **asdict(headline),
        final_metrics=validation_values(rows[-1], metrics),
        best_epoch=best.epoch if best else None,
        total_training_time=rows[-1].values.get("elapsed_s", float("nan")),
        timestamp=timestamp,
        hardware_info=hardware,
        epochs_run=len(rows),
    )


def validation_values(row: EpochRow, metrics: Sequence[Metric]) -> dict[str, float]:
    """Numbers of a row that were measured on validation: declared metrics and all ``val_...``."""
    declared = {metric.name for metric in metrics}
    return {
        name: value
        for name, value in row.values.items()
        if name in declared or name.startswith("val_")
    }


def write_summary(folder: Path, summary: Summary) -> None:
    """Write the file, whole or not at all."""
    write_document(folder / SUMMARY, summary)


def read_summary(folder: Path) -> Summary:
    """Read the file.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(folder / SUMMARY, TypeAdapter(Summary).validate_json)

"""TensorBoard, Weights & Biases and MLflow, each behind the same three methods."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from neurorun.core import require
from neurorun.training.tracking_config import MlflowConfig, WandbConfig

MLFLOW_BATCH = 100
MLFLOW_LONGEST_VALUE = 6000


class TensorBoardTracker:
    """Event files in a folder.

    Parameters
    ----------
    folder : made if absent
    first_step : what an earlier process logged from this step on is not shown any more
    tags : further names of scalars
    """

    def __init__(
        self, folder: Path, first_step: int, tags: Mapping[str, str] | None = None
    ) -> None:
        self._tags = dict(tags or {})
        require("tensorboard", extra="train")
        from torch.utils.tensorboard.writer import SummaryWriter

        purge = first_step if any(folder.glob("events.*")) else None
        self._writer = SummaryWriter(str(folder), purge_step=purge)

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Write scalars, under their names and under those that the user gave them."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
            if name in self._tags:
                self._writer.add_scalar(self._tags[name], value, step)

    def log_histogram(self, name: str, values: Tensor, *, step: int) -> None:
        """Write a histogram."""
        self._writer.add_histogram(name, values, step)

    def close(self) -> None:
        """Write to the disk."""
        self._writer.close()


class WandbTracker:
    """A run of Weights & Biases, known by the name of the run folder.

    A resumed run goes on under the same identity; the service itself ignores figures of steps
    that it has seen before.
    """

    def __init__(self, folder: Path, config: WandbConfig, settings: Mapping[str, Any]) -> None:
        self._wandb = require("wandb", extra="wandb")
        self._run = self._wandb.init(
            project=config.project,
            entity=config.entity,
            tags=list(config.tags),
            name=folder.name,
            id=re.sub(r"[^A-Za-z0-9_-]", "-", folder.name),
            resume="allow",
            dir=str(folder / "logs"),
            config=dict(settings),
        )

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Send scalars."""
        self._run.log(dict(values), step=step)

    def log_histogram(self, name: str, values: Tensor, *, step: int) -> None:
        """Send a histogram."""
        self._run.log({name: self._wandb.Histogram(values.numpy())}, step=step)

    def close(self) -> None:
        """Send what is left."""
        self._run.finish()


class MlflowTracker:
    """A run of MLflow, found again by the name of the run folder."""

    def __init__(self, folder: Path, config: MlflowConfig, settings: Mapping[str, Any]) -> None:
        mlflow = require("mlflow", extra="mlflow")
        self._entities = require("mlflow.entities", extra="mlflow")
        self._client = mlflow.MlflowClient(tracking_uri=config.tracking_uri)
        experiment = self._client.get_experiment_by_name(config.experiment)
        experiment_id = (
            self._client.create_experiment(config.experiment)
            if experiment is None
            else experiment.experiment_id
        )
        name = folder.name.replace("'", "")
        known = self._client.search_runs(
            [experiment_id], f"attributes.run_name = '{name}'", max_results=1
        )
        if known:
            self._id = known[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
            return
        self._id = self._client.create_run(experiment_id, run_name=name).info.run_id
        self._log_settings(settings)

    def _log_settings(self, settings: Mapping[str, Any]) -> None:
        params = [
            self._entities.Param(key, str(value)[:MLFLOW_LONGEST_VALUE])
            for key, value in _flat(settings)
        ]
        for first in range(0, len(params), MLFLOW_BATCH):
            self._client.log_batch(self._id, params=params[first : first + MLFLOW_BATCH])

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Send scalars."""
        now_ms = int(time.time() * 1000)
        metrics = [
            self._entities.Metric(name, value, now_ms, step) for name, value in values.items()
        ]
        self._client.log_batch(self._id, metrics=metrics)

    def log_histogram(self, name: str, values: Tensor, *, step: int) -> None:
        """Leave it: MLflow has no histograms."""

    def close(self) -> None:
        """Tell that the run has ended."""
        self._client.set_terminated(self._id)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value

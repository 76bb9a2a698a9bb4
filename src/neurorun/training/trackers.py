"""TensorBoard, Weights & Biases and MLflow, each behind the same three methods."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from neurorun.core import TrainingError, require
from neurorun.training.tracking_config import MlflowConfig, WandbConfig

MLFLOW_MOST_PARAMS = 100
MLFLOW_MOST_FIGURES = 1000
MLFLOW_LONGEST_VALUE = 6000
MLFLOW_PATIENCE_S = 300.0
"""How long a server that took no figures is left alone."""
_MLFLOW_WAIT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Training waits while figures are sent; MLflow by itself would try for four minutes each time."""
RUN_ID_TAG = "neurorun.run_id"

Outcome = Literal["completed", "failed", "interrupted"]
"""How a training ended."""

_log = logging.getLogger(__name__)
_MLFLOW_STATUS = {"completed": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_EXIT_CODES = {"completed": 0, "failed": 1, "interrupted": 130}


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

    def close(self, _outcome: Outcome) -> None:
        """Write to the disk."""
        self._writer.close()


class WandbTracker:
    """A run of Weights & Biases under the identity of ours.

    The service itself ignores figures of steps that it has seen before.

    Raises
    ------
    TrainingError : the service refuses us, or cannot be reached
    """

    def __init__(
        self, folder: Path, config: WandbConfig, settings: Mapping[str, Any], *, run_id: str
    ) -> None:
        self._wandb = require("wandb", extra="wandb")
        try:
            self._run = self._wandb.init(
                project=config.project,
                entity=config.entity,
                tags=list(config.tags),
                name=folder.name,
                id=run_id,
                resume="allow",
                dir=str(folder / "logs"),
                config=dict(settings),
            )
        except self._wandb.Error as error:
            raise TrainingError(
                f"Weights & Biases cannot be used: {_first_line(error)}. Log in with 'wandb "
                "login', keep the figures here with WANDB_MODE=offline in the environment, or set "
                "experiment.wandb.enabled to false."
            ) from error

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Send scalars."""
        self._run.log(dict(values), step=step)

    def log_histogram(self, name: str, values: Tensor, *, step: int) -> None:
        """Send a histogram."""
        self._run.log({name: self._wandb.Histogram(values.numpy())}, step=step)

    def close(self, outcome: Outcome) -> None:
        """Send what is left."""
        self._run.finish(exit_code=_EXIT_CODES[outcome])


class MlflowTracker:
    """A run of MLflow with the identity of ours as a tag, by which a resumed run is found again.

    Figures of steps that an earlier process sent are not sent twice. A server that is away for a
    while stops no training: figures are kept and sent later.

    Raises
    ------
    TrainingError : the server refuses us, or cannot be reached
    """

    def __init__(
        self, folder: Path, config: MlflowConfig, settings: Mapping[str, Any], *, run_id: str
    ) -> None:
        for name, value in _MLFLOW_WAIT.items():
            os.environ.setdefault(name, value)
        mlflow = require("mlflow", extra="mlflow")
        self._entities = require("mlflow.entities", extra="mlflow")
        self._client = mlflow.MlflowClient(tracking_uri=config.tracking_uri)
        self._refusal = mlflow.MlflowException
        self._last_steps: dict[str, int] = {}
        self._held: list[Any] = []
        self._next_attempt_s = 0.0
        try:
            self._open(folder.name, config.experiment, settings, run_id)
        except self._refusal as error:
            raise TrainingError(
                f"MLflow cannot be used: {_first_line(error)}. Look at "
                f"experiment.mlflow.tracking_uri ({config.tracking_uri or 'the default'}), or set "
                "experiment.mlflow.enabled to false."
            ) from error

    def _open(self, name: str, experiment: str, settings: Mapping[str, Any], run_id: str) -> None:
        there = self._client.get_experiment_by_name(experiment)
        experiment_id = (
            self._client.create_experiment(experiment) if there is None else there.experiment_id
        )
        known = self._client.search_runs(
            [experiment_id], f"tags.`{RUN_ID_TAG}` = '{run_id}'", max_results=1
        )
        if known:
            self._id = known[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
            for metric in known[0].data.metrics:
                history = self._client.get_metric_history(self._id, metric)
                self._last_steps[metric] = max(point.step for point in history)
            return
        made = self._client.create_run(experiment_id, run_name=name, tags={RUN_ID_TAG: run_id})
        self._id = made.info.run_id
        self._log_settings(settings)

    def _log_settings(self, settings: Mapping[str, Any]) -> None:
        params = [
            self._entities.Param(key, str(value)[:MLFLOW_LONGEST_VALUE])
            for key, value in _flat(settings)
        ]
        for first in range(0, len(params), MLFLOW_MOST_PARAMS):
            self._client.log_batch(self._id, params=params[first : first + MLFLOW_MOST_PARAMS])

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Send scalars."""
        now_ms = int(time.time() * 1000)
        self._held += [
            self._entities.Metric(name, value, now_ms, step)
            for name, value in values.items()
            if step > self._last_steps.get(name, 0)
        ]
        if time.monotonic() >= self._next_attempt_s:
            self._send()

    def _send(self) -> None:
        """Send what is held; keep it for later where the server does not take it."""
        try:
            while self._held:
                self._client.log_batch(self._id, metrics=self._held[:MLFLOW_MOST_FIGURES])
                del self._held[:MLFLOW_MOST_FIGURES]
        except self._refusal as error:
            _log.warning(
                "MLflow does not take figures (%s); %d kept, to be sent later.",
                _first_line(error),
                len(self._held),
            )
            self._next_attempt_s = time.monotonic() + MLFLOW_PATIENCE_S

    def log_histogram(self, name: str, values: Tensor, *, step: int) -> None:
        """Leave it: MLflow has no histograms."""

    def close(self, outcome: Outcome) -> None:
        """Tell that the run has ended, and how."""
        self._send()
        try:
            self._client.set_terminated(self._id, status=_MLFLOW_STATUS[outcome])
        except self._refusal as error:
            _log.warning("MLflow was not told that the run is %s: %s.", outcome, _first_line(error))
        if self._held:
            _log.warning(
                "%d figure(s) never reached MLflow; delete the run there and use 'neurorun export "
                "--to mlflow'.",
                len(self._held),
            )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value

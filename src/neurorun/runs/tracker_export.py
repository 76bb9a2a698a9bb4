"""A finished run as Weights & Biases or MLflow would have seen it live: same keys, same axis.

Live, figures lie over the number of optimizer steps. The event files of the run tell which step an
epoch ended with; without them the epochs themselves are the axis.
"""

import logging
import math
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from neurorun.core import MissingExtraError, RunError, require
from neurorun.runs.difference import flat
from neurorun.runs.log import TENSORBOARD
from neurorun.runs.plain import look_up
from neurorun.runs.run import Run, open_run

MLFLOW_BATCH = 100
MLFLOW_LONGEST_VALUE = 6000

RUN_ID_TAG = "neurorun.run_id"
_REFUSED_IN_NAMES = re.compile(r"[^\w\-. :/]")
"""Characters that MLflow does not take in the name of a metric, such as those of ``siena (2)``."""
_STATUS = {"completed": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}

logger = logging.getLogger(__name__)


def export_to_wandb(
    run_folder: Path | str, *, project: str | None = None, entity: str | None = None
) -> str:
    """Send the figures of a run to Weights & Biases, and return the run's identity there.

    ``WANDB_MODE=offline`` in the environment keeps it off the network; the files then lie in the
    working directory. What the service has seen before it ignores.

    Parameters
    ----------
    project, entity : by default those of the run's settings, else ``neurorun`` and the account's

    Raises
    ------
    RunError : the run is still going on, or has no epoch
    MissingExtraError : wandb is not installed
    """
    run = _ended(run_folder)
    steps = _steps(run)
    wandb = require("wandb", extra="wandb")
    sent = wandb.init(
        project=project or look_up(run.config, "experiment.wandb.project") or "neurorun",
        entity=entity or look_up(run.config, "experiment.wandb.entity"),
        tags=list(look_up(run.config, "experiment.wandb.tags") or ()),
        name=run.name,
        id=run.record.run_id,
        resume="allow",
        config=run.config,
    )
    for row in run.epoch_rows:
        sent.log(_defined(row.values) | {"epoch": float(row.epoch)}, step=steps[row.epoch])
    for name, value in _scores(run).items():
        sent.summary[name] = value
    identity = str(sent.id)
    sent.finish()
    return identity


def export_to_mlflow(
    run_folder: Path | str, *, tracking_uri: str | None = None, experiment: str | None = None
) -> str:
    """Write the figures of a run into MLflow, and return the run's identity there.

    Parameters
    ----------
    tracking_uri : a server or ``sqlite:///FILE``; by default that of the run's settings, else
        ``MLFLOW_TRACKING_URI`` or MLflow's own default
    experiment : made if absent; by default that of the run's settings, else ``neurorun``

    Raises
    ------
    RunError : the run is still going on, has no epoch, or is there already
    MissingExtraError : mlflow is not installed
    """
    run = _ended(run_folder)
    steps = _steps(run)
    mlflow = require("mlflow", extra="mlflow")
    entities = require("mlflow.entities", extra="mlflow")
    uri = tracking_uri or look_up(run.config, "experiment.mlflow.tracking_uri")
    name = experiment or look_up(run.config, "experiment.mlflow.experiment") or "neurorun"
    client = mlflow.MlflowClient(tracking_uri=uri)
    known = client.get_experiment_by_name(name)
    experiment_id = client.create_experiment(name) if known is None else known.experiment_id
    _check_new(client, experiment_id, run)
    made = client.create_run(
        experiment_id,
        run_name=run.name,
        start_time=_milliseconds(run.record.started_at),
        tags={RUN_ID_TAG: run.record.run_id, "neurorun.status": run.status},
    )
    identity = str(made.info.run_id)
    _log_params(client, entities, identity, run.config)
    for row in run.epoch_rows:
        values = _defined(row.values) | {"epoch": float(row.epoch)}
        when = _milliseconds(row.timestamp)
        metrics = [entities.Metric(k, v, when, steps[row.epoch]) for k, v in values.items()]
        client.log_batch(identity, metrics=metrics)
    last = _milliseconds(run.record.finished_at or run.epoch_rows[-1].timestamp)
    final = [
        entities.Metric(_REFUSED_IN_NAMES.sub("_", name), value, last, max(steps.values()))
        for name, value in _scores(run).items()
    ]
    if final:
        client.log_batch(identity, metrics=final)
    client.set_terminated(identity, status=_STATUS[run.status], end_time=last)
    return identity


def _ended(folder: Path | str) -> Run:
    run = open_run(folder)
    if run.status == "running" or not run.epoch_rows:
        raise RunError(
            f"Run '{run.name}' is {run.status} and has {len(run.epoch_rows)} epochs; only a run "
            "that has ended, with at least one, can be exported. Wait for it, or choose another."
        )
    return run


def _defined(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _scores(run: Run) -> dict[str, float]:
    """Metrics of further splits, under ``<split>/<metric>``."""
    return {
        f"{split}/{name}": value
        for split in run.scored_splits
        for name, value in _defined(run.scores(split).metrics).items()
    }


def _steps(run: Run) -> dict[int, int]:
    """Optimizer step with which each epoch ended; the epoch itself where that is not known."""
    told = _steps_in_event_files(run.path / TENSORBOARD)
    epochs = [row.epoch for row in run.epoch_rows]
    if all(epoch in told for epoch in epochs):
        return {epoch: told[epoch] for epoch in epochs}
    return {epoch: epoch for epoch in epochs}


def _steps_in_event_files(folder: Path) -> dict[int, int]:
    if not any(folder.glob("events.*")):
        return {}
    try:
        reader = require(
            "tensorboard.backend.event_processing.event_accumulator", extra="train"
        ).EventAccumulator(str(folder))
    except MissingExtraError:
        logger.warning("TensorBoard is not installed; epochs, not steps, are the axis.")
        return {}
    reader.Reload()
    if "epoch" not in reader.Tags()["scalars"]:
        return {}
    return {round(event.value): event.step for event in reader.Scalars("epoch")}


def _check_new(client: Any, experiment_id: str, run: Run) -> None:
    same = f"tags.`{RUN_ID_TAG}` = '{run.record.run_id}'"
    known = client.search_runs([experiment_id], same, max_results=1)
    if known:
        raise RunError(
            f"MLflow has the run '{run.name}' already ({known[0].info.run_id}); figures "
            "would stand twice. Delete it there, or choose another experiment."
        )


def _log_params(client: Any, entities: Any, identity: str, config: Mapping[str, Any]) -> None:
    params = [
        entities.Param(key, str(value)[:MLFLOW_LONGEST_VALUE])
        for key, value in flat(config).items()
    ]
    for first in range(0, len(params), MLFLOW_BATCH):
        client.log_batch(identity, params=params[first : first + MLFLOW_BATCH])


def _milliseconds(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)

"""The front door of training: bind task, model, configuration and record, then loop."""

import logging as python_logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from torch import nn

from neurorun.core import SILENT, Progress
from neurorun.training.config import TrainingConfig
from neurorun.training.early_stopping import monitored_metric
from neurorun.training.loop import Loop
from neurorun.training.plan import check_plan, count_steps
from neurorun.training.record import TrainingRecord
from neurorun.training.stepper import Stepper
from neurorun.training.task import TrainingTask
from neurorun.training.tracking import open_trackers
from neurorun.training.tracking_config import LoggingConfig, MlflowConfig, WandbConfig

_log = python_logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FitResult:
    """How a training ended.

    Parameters
    ----------
    best_epoch, best_value : by the configured metric; None where it was never defined
    epochs_run : finished epochs
    stop_reason : half a sentence
    """

    best_epoch: int | None
    best_value: float | None
    epochs_run: int
    stop_reason: str


def fit(
    task: TrainingTask,
    model: nn.Module,
    config: TrainingConfig,
    *,
    fabric: Fabric,
    seed: int,
    record: TrainingRecord | None = None,
    resume_from: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    logging: LoggingConfig | None = None,
    wandb: WandbConfig | None = None,
    mlflow: MlflowConfig | None = None,
    progress: Progress = SILENT,
) -> FitResult:
    """Train a model, or go on where a killed training stopped.

    Parameters
    ----------
    task : gives batches, loss and validation
    model : as made from the seed; it holds the weights of the last step afterwards
    config : the section ``training``
    fabric : started by `launch`
    seed : >= 0; all randomness is a function of it and of the position
    record : the run folder; None writes nothing. Processes but the first ignore theirs
    resume_from : ``last.pt`` of the run to go on with, which every process reads; a run that was
        killed before it had one begins again
    settings : the whole configuration as plain values; checkpoints hold it under ``config``
    logging, wandb, mlflow : what is drawn, and where besides TensorBoard; None is their default
    progress : shows epochs and validations

    Returns
    -------
    How it ended; at once, if the training to resume had ended already.

    Raises
    ------
    ConfigError : the configuration asks for what the task cannot give
    RunError : the checkpoint to resume does not fit
    TrainingError : the loss stays non-finite, or the task does not keep its word
    """
    n_processes = fabric.world_size
    check_plan(task, config, n_processes=n_processes)
    n_steps = count_steps(task, config, n_processes=n_processes)
    loop = Loop(
        task=task,
        config=config,
        seed=seed,
        stepper=Stepper(task, model, config, fabric=fabric, seed=seed, n_steps=n_steps),
        metric=monitored_metric(task.metrics, config.early_stopping),
        record=record if fabric.is_global_zero else None,
        settings=settings or {"training": config.model_dump(mode="json")},
        logging=logging or LoggingConfig(),
        progress=progress,
    )
    if resume_from is not None:
        loop.resume(resume_from)
    with ExitStack() as stack:
        if loop.record is not None and loop.state.stop_reason is None:
            loop.trackers = stack.enter_context(
                open_trackers(
                    loop.record.folder,
                    run_id=loop.record.run_id,
                    first_step=loop.state.step + 1,
                    wandb=wandb,
                    mlflow=mlflow,
                    settings=loop.settings,
                    tensorboard_tags=loop.logging.tensorboard_tags,
                )
            )
        loop.run()
    return _result(loop)


def _result(loop: Loop) -> FitResult:
    state = loop.state
    assert state.stop_reason is not None
    _log.info("Training ended after epoch %d: %s.", state.finished_epochs, state.stop_reason)
    if state.selection.epoch is None:
        _log.warning(
            "%s was undefined in every epoch, so no epoch is the best and there is no best "
            "checkpoint; choose another training.early_stopping.metric.",
            loop.metric.name,
        )
    return FitResult(
        best_epoch=state.selection.epoch,
        best_value=state.selection.value,
        epochs_run=state.finished_epochs,
        stop_reason=state.stop_reason,
    )

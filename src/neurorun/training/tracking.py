"""The same figures, under the same keys, for every tool that draws curves.

TensorBoard always, Weights & Biases and MLflow where they are enabled. The horizontal axis is the
number of optimizer steps; figures of single steps have the prefix ``step/``.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from neurorun.core import require
from neurorun.training.devices import whole
from neurorun.training.trackers import (
    MlflowTracker,
    Outcome,
    TensorBoardTracker,
    WandbTracker,
)
from neurorun.training.tracking_config import MlflowConfig, WandbConfig

_log = logging.getLogger(__name__)


@runtime_checkable
class Tracker(Protocol):
    """One tool that takes figures."""

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Take finite figures that belong to an optimizer step."""
        ...

    def log_histogram(self, name: str, values: Tensor, *, step: int) -> None:
        """Take the distribution of a tensor; tools without histograms leave it."""
        ...

    def close(self, outcome: Outcome) -> None:
        """Hand on everything that is still held back, and tell how the training ended."""
        ...


class Trackers:
    """All trackers of a run, spoken to at once; undefined figures are left out."""

    def __init__(self, trackers: Sequence[Tracker] = ()) -> None:
        self._trackers = tuple(trackers)

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Take figures that belong to an optimizer step."""
        defined = {name: value for name, value in values.items() if math.isfinite(value)}
        for tracker in self._trackers:
            tracker.log(defined, step=step)

    def log_weights(self, model: nn.Module, *, step: int) -> None:
        """Take the distribution of every parameter."""
        for name, parameter in model.named_parameters():
            self._log_histogram(f"weights/{name}", parameter, step=step)

    def log_gradients(self, model: nn.Module, *, step: int) -> None:
        """Take the distribution of every gradient there is."""
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                self._log_histogram(f"gradients/{name}", parameter.grad, step=step)

    def _log_histogram(self, name: str, values: Tensor, *, step: int) -> None:
        gathered = whole(values.detach())  # by every process, also where there are no trackers
        for tracker in self._trackers:
            # A copy: sharding frees the memory of its weights, which NumPy would hold.
            tracker.log_histogram(name, gathered.float().cpu().clone(), step=step)


def check_trackers(wandb: WandbConfig, mlflow: MlflowConfig) -> None:
    """Refuse to begin without the packages that are asked for.

    Raises
    ------
    MissingExtraError : a tracker is enabled, but not installed
    """
    if wandb.enabled:
        require("wandb", extra="wandb")
    if mlflow.enabled:
        require("mlflow", extra="mlflow")


@contextmanager
def open_trackers(
    folder: Path,
    *,
    run_id: str,
    first_step: int = 1,
    wandb: WandbConfig | None = None,
    mlflow: MlflowConfig | None = None,
    settings: Mapping[str, Any] | None = None,
    tensorboard_tags: Mapping[str, str] | None = None,
) -> Iterator[Trackers]:
    """Open the trackers of a run, and close them whatever happens.

    Parameters
    ----------
    folder : of the run; its name is the run's name everywhere
    run_id : identity by which a resumed run is found again
    first_step : the first one that will be logged; what an earlier process logged from there on
        is dropped
    settings : the whole configuration, for the trackers that show it
    tensorboard_tags : further names of curves, for TensorBoard

    Raises
    ------
    MissingExtraError : a tracker is enabled, but not installed
    TrainingError : a tracker cannot be reached, or does not let us in
    """
    events = folder / "logs/tensorboard"
    trackers: list[Tracker] = [TensorBoardTracker(events, first_step, tensorboard_tags)]
    outcome: Outcome = "failed"
    try:
        if wandb is not None and wandb.enabled:
            trackers.append(WandbTracker(folder, wandb, settings or {}, run_id=run_id))
        if mlflow is not None and mlflow.enabled:
            trackers.append(MlflowTracker(folder, mlflow, settings or {}, run_id=run_id))
        yield Trackers(trackers)
        outcome = "completed"
    except (KeyboardInterrupt, SystemExit):
        outcome = "interrupted"
        raise
    finally:
        for tracker in trackers:
            _close(tracker, outcome)


def _close(tracker: Tracker, outcome: Outcome) -> None:
    """Close a tracker; what it cannot do hides neither a fault of training nor the next tracker."""
    try:
        tracker.close(outcome)
    except Exception as error:  # noqa: BLE001 - of any library, and told
        _log.warning(
            "%s was not closed: %s. Its figures may end early; those of the run folder are whole.",
            type(tracker).__name__.removesuffix("Tracker"),
            error,
        )

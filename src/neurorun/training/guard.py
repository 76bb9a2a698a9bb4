"""What happens when a loss or a gradient is not finite: skip, count, and stop before it is late.

A skipped step must leave no trace. Weights are safe because nothing was stepped; the running
statistics of normalization layers were already updated by the forward pass, and are put back.
"""

import logging
from collections import deque
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurorun.core import TrainingError, atomic_write, write_json
from neurorun.training.arrays import named_leaves
from neurorun.training.devices import whole
from neurorun.training.task import Arrays, TrainingTask

DUMP = "debug/bad_step"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BadStep:
    """Where a step was skipped, and what was found there.

    Parameters
    ----------
    epoch, step : counted from 1
    batch : of the epoch, counted from 0; the first whose loss was not finite
    figures : means over the step
    gradient_norm : before clipping
    """

    epoch: int
    batch: int
    step: int
    figures: dict[str, float]
    gradient_norm: float


class StepGuard:
    """Undoes what a skipped step left behind, and remembers it for the dump.

    Parameters
    ----------
    model : its buffers are put back when a step is skipped
    limit : so many skipped steps in a row end the training; no more are remembered
    """

    def __init__(self, model: nn.Module, limit: int) -> None:
        self._model = model
        self._buffers = list(model.buffers())
        self._kept = [buffer.detach().clone() for buffer in self._buffers]
        self._limit = limit
        self._history: deque[BadStep] = deque(maxlen=limit)

    @torch.no_grad()
    def before_step(self) -> None:
        """Remember the buffers as they are."""
        for kept, buffer in zip(self._kept, self._buffers, strict=True):
            kept.copy_(buffer)

    def step_was_good(self) -> None:
        """Forget the bad steps before this one."""
        self._history.clear()

    @torch.no_grad()
    def step_was_bad(self, bad: BadStep, *, in_a_row: int) -> None:
        """Put the buffers back and say so in the log."""
        for kept, buffer in zip(self._kept, self._buffers, strict=True):
            buffer.copy_(kept)
        self._history.append(bad)
        _log.warning(
            "Step %d skipped: epoch %d, batch %d, loss %g, gradient norm %g; %d in a row.",
            bad.step,
            bad.epoch,
            bad.batch,
            bad.figures["loss"],
            bad.gradient_norm,
            in_a_row,
        )

    def stop(
        self, task: TrainingTask, batches: range, *, in_a_row: int, folder: Path | None
    ) -> TrainingError:
        """Write what is needed to find the cause; return the error to raise.

        Call it in every process; where weights are shared among them, all take part.

        Parameters
        ----------
        task : makes the last bad batch again
        batches : of the last step, over all processes. One that holds what is not finite is kept
            before the one whose loss was not: losses of processes depend on each other where they
            normalize together
        in_a_row : skipped steps
        folder : of the run; None writes nothing
        """
        where, last = "", self._history[-1]
        broken = parameters_not_finite(self._model)
        if folder is not None:
            position, arrays = _guilty_batch(task, last, batches)
            last = self._history[-1] = replace(last, batch=position)
            write_json(folder / f"{DUMP}.json", self._report(broken))
            with atomic_write(folder / f"{DUMP}.npz") as stream:
                np.savez(stream, **arrays)
            where = (
                f" The last steps are told in '{folder / DUMP}.json', the last bad batch is in "
                ".npz."
            )
        return TrainingError(
            f"Loss or gradient were not finite in {in_a_row} steps in a row, up to batch "
            f"{last.batch} of epoch {last.epoch}; training.max_bad_steps allows fewer than "
            f"{self._limit}. Lower training.learning_rate, or look at the data.{where}"
        )

    def _report(self, broken: list[str]) -> dict[str, Any]:
        steps = [asdict(bad) for bad in self._history]
        return {
            "format": "neurorun-bad-steps",
            "format_version": 1,
            "steps": steps,
            "parameters_not_finite": broken,
        }


def parameters_not_finite(model: nn.Module) -> list[str]:
    """Names of the parameters that hold a value that is not finite; every process must ask."""
    return [
        name
        for name, parameter in model.named_parameters()
        if not bool(torch.isfinite(whole(parameter)).all())
    ]


def _guilty_batch(task: TrainingTask, last: BadStep, batches: range) -> tuple[int, dict[str, Any]]:
    """Position and arrays of the batch to look at."""
    for position in (*batches, last.batch):
        arrays = _as_arrays(next(task.batches(last.epoch, start=position)))
        if not all(np.isfinite(array).all() for array in arrays.values()):
            break
    return position, arrays


def _as_arrays(batch: tuple[Arrays, Arrays]) -> dict[str, Any]:
    inputs, targets = batch
    leaves = {**named_leaves("inputs", inputs), **named_leaves("targets", targets)}
    return {
        name: leaf.detach().cpu().numpy() if isinstance(leaf, Tensor) else leaf
        for name, leaf in leaves.items()
    }

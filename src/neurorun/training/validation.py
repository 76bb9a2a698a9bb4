"""One validation: the task scores the model, the result is checked against what it announced."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from neurorun.core import Progress, TrainingError
from neurorun.training.devices import is_sharded
from neurorun.training.guard import parameters_not_finite
from neurorun.training.stepper import Stepper
from neurorun.training.task import TrainingTask


class _WithoutWrapper(nn.Module):
    """The model itself in the configured precision: one process may call it alone."""

    def __init__(self, model: nn.Module, fabric: Fabric) -> None:
        super().__init__()
        self.model = model
        self._fabric = fabric

    def forward(self, *inputs: Any) -> Any:
        with self._fabric.autocast():
            outputs = self.model(*inputs)
        return outputs.float() if isinstance(outputs, Tensor) else outputs


def validate(task: TrainingTask, stepper: Stepper, *, progress: Progress) -> dict[str, float]:
    """Score the model as it is; every process gets the result.

    The moving average of the weights is scored where there is one. The first process works, the
    others wait; where the model is sharded all of them must work.

    Raises
    ------
    TrainingError : the network gives what is not finite, or a metric that the task announced is
        missing
    """
    fabric = stepper.fabric
    sharded = is_sharded(fabric)
    alone = fabric.world_size > 1 and not sharded
    model = _WithoutWrapper(stepper.bare_model, fabric) if alone else stepper.model
    values: dict[str, float] = {}
    if fabric.is_global_zero or sharded:
        model.eval()
        with torch.no_grad(), stepper.averaged_weights(), _finite_outputs_of(model, stepper):
            found = task.evaluate(model, stepper.criterion.for_validation(), progress=progress)
        values = _checked(found, task)
    if fabric.world_size > 1:
        values = fabric.broadcast(values)
    return values


def _tensors_in(outputs: Any) -> Iterator[Tensor]:
    """Tensors in what a network gives: one, several, or several by name."""
    if isinstance(outputs, Tensor):
        yield outputs
    elif isinstance(outputs, Mapping | tuple | list):
        for one in outputs.values() if isinstance(outputs, Mapping) else outputs:
            yield from _tensors_in(one)


@contextmanager
def _finite_outputs_of(model: nn.Module, stepper: Stepper) -> Iterator[None]:
    """Refuse outputs that are not finite inside the block: nothing can be measured of them.

    The loss of the last step was finite; then its update was too large.
    """

    def check(_model: nn.Module, _inputs: Any, outputs: Any) -> None:
        if not all(bool(torch.isfinite(one).all()) for one in _tensors_in(outputs)):
            broken = parameters_not_finite(stepper.bare_model)
            n_parameters = len(list(stepper.bare_model.parameters()))
            raise TrainingError(
                "On the validation split the network gives values that are not finite: training "
                f"has diverged ({len(broken)} of its {n_parameters} parameters are not finite "
                "either). Lower training.learning_rate or set training.gradient_clip, and start a "
                "new run; a resumed one would come here again."
            )

    handle = model.register_forward_hook(check)
    try:
        yield
    finally:
        handle.remove()


def _checked(found: Mapping[str, float], task: TrainingTask) -> dict[str, float]:
    expected = ["val_loss", *(metric.name for metric in task.metrics)]
    missing = [name for name in expected if name not in found]
    if missing:
        raise TrainingError(
            f"Validation returned {', '.join(found) or 'nothing'}, but not {', '.join(missing)}, "
            "which the task announces; return NaN for what is undefined."
        )
    values = {name: float(value) for name, value in found.items()}
    return {name: value if math.isfinite(value) else math.nan for name, value in values.items()}

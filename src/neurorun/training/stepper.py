"""One optimizer step: a group of batches forward and backward, then one update or none."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from neurorun.core import TrainingError
from neurorun.training.arrays import count_examples, to_tensors
from neurorun.training.config import TrainingConfig
from neurorun.training.devices import is_sharded, reduce_over_processes, scaler_of, whole
from neurorun.training.ema import WeightAverage
from neurorun.training.figures import StepFigures
from neurorun.training.guard import BadStep, StepGuard
from neurorun.training.joint_norm import normalize_jointly
from neurorun.training.losses import SampleLoss
from neurorun.training.optimizer import build_optimizer, set_learning_rate
from neurorun.training.schedule import learning_rate_factor
from neurorun.training.seeding import seed_position
from neurorun.training.state import TrainingState
from neurorun.training.task import Arrays, TrainingTask

Batches = Iterator[tuple[Arrays, Arrays]]


@dataclass
class _Group:
    """The batches of one step as this process saw them."""

    figures: list[tuple[int, dict[str, Tensor]]] = field(default_factory=list)
    waited_s: float = 0.0


class Stepper:
    """Owns the model, the optimizer and everything else that a step changes.

    Parameters
    ----------
    task, config : what is trained, and how
    model : as made; it is moved to the device and wrapped here
    fabric : started
    seed : of the run
    n_steps : optimizer steps of the whole training
    """

    def __init__(
        self,
        task: TrainingTask,
        model: nn.Module,
        config: TrainingConfig,
        *,
        fabric: Fabric,
        seed: int,
        n_steps: int,
    ) -> None:
        self._task, self._config, self.fabric = task, config, fabric
        self._seed, self._n_steps = seed, n_steps
        self.criterion = _criterion(task, config, fabric)
        self.bare_model = model
        if fabric.world_size > 1:
            normalize_jointly(model, on_gpu=fabric.device.type == "cuda")
        compiled = torch.compile(model, dynamic=False) if config.compile else model
        assert isinstance(compiled, nn.Module)
        self.model = fabric.setup_module(compiled)
        self.optimizer = build_optimizer(
            model.parameters(),
            config.optimizer,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=_can_fuse(fabric),
        )
        update = fabric.setup_optimizers(self.optimizer)
        assert not isinstance(update, tuple)
        self._update = update
        self.average = WeightAverage(model, config.ema_decay) if config.ema_decay else None
        self._guard = StepGuard(model, config.max_bad_steps)

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Give the model its averaged weights inside the block, where an average is kept."""
        return nullcontext() if self.average is None else self.average.in_place()

    def step(
        self,
        batches: Batches,
        state: TrainingState,
        *,
        n_batches: int,
        dump_to: Path | None = None,
        see_gradients: Callable[[nn.Module], None] | None = None,
    ) -> StepFigures:
        """Train on the next batches and move ``state`` past them.

        Parameters
        ----------
        batches : those of this process, from the place that ``state`` tells
        state : where training stands
        n_batches : how many of them this step takes
        dump_to : run folder for the last bad step, where training has to stop
        see_gradients : is shown the model before the update, if there is one

        Raises
        ------
        TrainingError : one bad step too many, or fewer batches than the task announced
        """
        started = time.perf_counter()
        rate = self._prepare(state)
        group = self._accumulate(batches, state, n_batches)
        norm = self._clip()
        n_seen, means = self._over_processes(group)
        finite = math.isfinite(means["loss"]) and math.isfinite(norm)
        if finite:
            if see_gradients is not None:
                see_gradients(self.bare_model)
            self._take(state)
        else:
            position = self._position_of_fault(group, state)
            bad = BadStep(state.epoch, position, state.step + 1, means, norm)
            self._skip(bad, state, n_batches * self.fabric.world_size, dump_to)
        self._update.zero_grad()
        state.batch += n_batches * self.fabric.world_size
        state.step += 1
        return StepFigures(
            means=means,
            n_examples=n_seen,
            learning_rate=rate,
            gradient_norm=norm,
            positive_weight=self._positive_weight(),
            waited_s=group.waited_s,
            took_s=time.perf_counter() - started,
            finite=finite,
        )

    def _prepare(self, state: TrainingState) -> float:
        """Make this step a function of its place alone; return its learning rate."""
        on_gpu = self.fabric.device.type == "cuda"
        rank = self.fabric.global_rank
        seed_position(self._seed, state.epoch, state.batch, rank, on_gpu=on_gpu)
        factor = learning_rate_factor(state.step, self._n_steps, self._config.scheduler)
        rate = self._config.learning_rate * factor * state.plateau.factor
        set_learning_rate(self.optimizer, rate)
        self._guard.before_step()
        return rate

    def _accumulate(self, batches: Batches, state: TrainingState, n_batches: int) -> _Group:
        group = _Group()
        for index in range(n_batches):
            asked = time.perf_counter()
            batch = next(batches, None)
            group.waited_s += time.perf_counter() - asked
            if batch is None:
                raise TrainingError(
                    f"Epoch {state.epoch} ended at batch {state.batch + index}, before the number "
                    "that the task announced. Make its n_batches() and batches() agree."
                )
            inputs, targets = (to_tensors(part, self.fabric.device) for part in batch)
            with self.fabric.no_backward_sync(self.model, enabled=index + 1 < n_batches):
                figures = self._task.loss(self.model, inputs, targets, self.criterion)
                self.fabric.backward(figures["loss"] / n_batches)
            detached = {name: figure.detach() for name, figure in figures.items()}
            group.figures.append((count_examples(inputs), detached))
        return group

    def _clip(self) -> float:
        """Shorten the gradient to the configured length; return the length that it had."""
        norm = self.fabric.clip_gradients(
            self.model,
            self._update,
            max_norm=self._config.gradient_clip or math.inf,
            error_if_nonfinite=False,
        )
        assert norm is not None
        return float(whole(norm))

    def _over_processes(self, group: _Group) -> tuple[float, dict[str, float]]:
        """Examples seen and mean figures over the batches of all processes."""
        names = list(group.figures[0][1])
        sums = [float(sum(n for n, _ in group.figures))]
        sums += [sum(n * float(figures[name]) for n, figures in group.figures) for name in names]
        if self.fabric.world_size > 1:
            own = torch.tensor(sums, dtype=torch.float64, device=self.fabric.device)
            sums = reduce_over_processes(self.fabric, own, "sum").tolist()
        return sums[0], {name: value / sums[0] for name, value in zip(names, sums[1:], strict=True)}

    def _positive_weight(self) -> float:
        return float(self.criterion.last_weight) if self._task.uses_criterion else math.nan

    def _take(self, state: TrainingState) -> None:
        self._update.step()
        if self.average is not None:
            self.average.update()
        self._guard.step_was_good()
        state.bad_in_a_row = 0

    def _position_of_fault(self, group: _Group, state: TrainingState) -> int:
        """Where in the epoch the step met what is not finite.

        That is the first batch, over all processes, whose loss is not; or the last batch of the
        step, if only the gradient is not.
        """
        n_processes = self.fabric.world_size
        own = [
            index
            for index, (_, figures) in enumerate(group.figures)
            if not math.isfinite(figures["loss"])
        ]
        last = len(group.figures) * n_processes - 1
        first = own[0] * n_processes + self.fabric.global_rank if own else last
        if n_processes > 1:
            firsts = self.fabric.all_gather(torch.tensor(first, device=self.fabric.device))
            assert isinstance(firsts, Tensor)
            first = int(firsts.min())
        return state.batch + first

    def _skip(
        self, bad: BadStep, state: TrainingState, n_batches: int, dump_to: Path | None
    ) -> None:
        scaler = scaler_of(self.fabric)
        if scaler is not None:
            scaler.update()
        state.bad_in_a_row += 1
        self._guard.step_was_bad(bad, in_a_row=state.bad_in_a_row)
        if state.bad_in_a_row >= self._config.max_bad_steps:
            batches = range(state.batch, state.batch + n_batches)
            error = self._guard.stop(
                self._task, batches, in_a_row=state.bad_in_a_row, folder=dump_to
            )
            self.fabric.barrier()  # none ends before the first has written
            raise error


def _can_fuse(fabric: Fabric) -> bool:
    """Whether fused optimizers run here: not with a scaled loss, nor on shares of parameters."""
    plain = scaler_of(fabric) is None and not is_sharded(fabric)
    return plain and fabric.device.type in ("cpu", "cuda")


def _criterion(task: TrainingTask, config: TrainingConfig, fabric: Fabric) -> SampleLoss:
    needs_share = config.positive_weight in ("dataset", "sqrt")
    return SampleLoss(
        config.loss,
        alpha=config.focal_alpha,
        gamma=config.focal_gamma,
        weighting=config.positive_weight,
        positive_fraction=task.positive_fraction() if needs_share else math.nan,
        mean_over_processes=_mean_over(fabric) if fabric.world_size > 1 else None,
    )


def _mean_over(fabric: Fabric) -> Callable[[Tensor], Tensor]:
    return lambda own: reduce_over_processes(fabric, own.detach().clone(), "mean")

"""The training loop: epochs of steps, a validation after each, and a record that survives.

A run can be killed at any instruction. What is told about an epoch is written in this order: its
row, then ``last.pt``, then the best checkpoint. ``last.pt`` is the commit: a resumed run drops
rows that came after it, writes again the checkpoints that it implies, and goes on from there.
Since batches, dropout and learning rate depend on the position alone, it ends with the same bits.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from neurorun.core import Metric, Progress
from neurorun.training.checkpoint import read_last, restore, save_finished_epoch, save_last
from neurorun.training.config import TrainingConfig
from neurorun.training.devices import is_sharded
from neurorun.training.figures import StepFigures
from neurorun.training.plan import usable_batches
from neurorun.training.record import TrainingRecord
from neurorun.training.state import TrainingState
from neurorun.training.stepper import Batches, Stepper
from neurorun.training.task import TrainingTask
from neurorun.training.tracking import Trackers
from neurorun.training.tracking_config import LoggingConfig
from neurorun.training.validation import validate

_log = logging.getLogger(__name__)


@dataclass
class Loop:
    """Trains until the configuration says that it is enough.

    Parameters
    ----------
    task, config, seed : what is trained, and how
    stepper : owns model and optimizer
    metric : chooses the best epoch
    record : None in all processes but the first
    settings : the whole configuration, for the checkpoints
    state : where training stands
    """

    task: TrainingTask
    config: TrainingConfig
    seed: int
    stepper: Stepper
    metric: Metric
    record: TrainingRecord | None
    settings: Mapping[str, Any]
    logging: LoggingConfig
    progress: Progress
    trackers: Trackers = field(default_factory=Trackers)
    state: TrainingState = field(default_factory=TrainingState)
    saved_at: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Train and validate epoch after epoch."""
        while self.state.stop_reason is None:
            self._train_epoch()
            began = time.perf_counter()
            validation = validate(self.task, self.stepper, progress=self.progress)
            self._finish_epoch(validation, validation_s=time.perf_counter() - began)

    def resume(self, path: Path) -> None:
        """Go back to where ``last.pt`` was written; to the beginning, if it never was."""
        if path.exists():
            content = read_last(path)
            self.state = restore(content, self.stepper, seed=self.seed, config=self.config)
        if self.record is not None:
            self.record.rewind(self.state.finished_epochs)
        if self.state.batch == 0:
            self._publish()
        state = self.state
        _log.info("Goes on at epoch %d, batch %d, step %d.", state.epoch, state.batch, state.step)

    def _train_epoch(self) -> None:
        state, world = self.state, self.stepper.fabric.world_size
        n_batches = usable_batches(self.task, state.epoch, n_processes=world)
        first = state.batch + self.stepper.fabric.global_rank
        batches = self.task.batches(state.epoch, start=first, stride=world)
        self.stepper.model.train()
        title = f"Epoch {state.epoch} of {self.config.epochs}"
        with self.progress.phase(title, n_batches) as advance:
            advance(state.batch)
            while state.batch < n_batches:
                done_before = state.batch
                figures = self._step(batches, left=(n_batches - state.batch) // world)
                advance(
                    state.batch - done_before,
                    loss=figures.means["loss"],
                    learning_rate=figures.learning_rate,
                    data_wait_share=state.figures.data_wait_share,
                )
                if self._checkpoint_is_due():
                    self._save_last()

    def _step(self, batches: Batches, *, left: int) -> StepFigures:
        figures = self.stepper.step(
            batches,
            self.state,
            n_batches=min(self.config.gradient_accumulation_steps, left),
            dump_to=None if self.record is None else self.record.folder,
            see_gradients=self._gradient_watcher(),
        )
        self.state.figures.add(figures)
        if self.state.step % self.logging.log_every_n_steps == 0:
            named = {f"step/{name}": value for name, value in figures.named().items()}
            self.trackers.log(named, step=self.state.step)
        return figures

    def _finish_epoch(self, validation: dict[str, float], *, validation_s: float) -> None:
        state = self.state
        row = state.figures.row(validation, validation_s=validation_s)
        state.selection.judge(state.epoch, row[self.metric.name], self.metric)
        state.plateau.judge(row["val_loss"], self.config.scheduler)
        state.finish_epoch(row)
        state.stop_reason = self._reason_to_stop()
        if self.record is not None:
            self.record.log_epoch(state.finished_epochs, state.row)
        self.trackers.log({**state.row, "epoch": float(state.finished_epochs)}, step=state.step)
        if self.logging.log_weights:
            self.trackers.log_weights(self.stepper.bare_model, step=state.step)
        self._save_last()
        self._publish()

    def _reason_to_stop(self) -> str | None:
        state, patience = self.state, self.config.early_stopping.patience
        if state.finished_epochs >= self.config.epochs:
            return f"all {self.config.epochs} epochs were trained"
        if state.selection.exhausted(patience):
            return f"{self.metric.name} did not improve for {patience} epochs"
        return None

    def _publish(self) -> None:
        """Write the checkpoints that the epoch just finished deserves."""
        epoch, interval = self.state.finished_epochs, self.config.checkpoint_interval
        save = partial(
            save_finished_epoch,
            self.record,
            stepper=self.stepper,
            state=self.state,
            metrics=tuple(metric.name for metric in self.task.metrics),
            monitored=self.metric.name,
            settings=self.settings,
        )
        if epoch > 0 and self.state.selection.epoch == epoch:
            save("best")
        if epoch > 0 and interval > 0 and epoch % interval == 0:
            save(f"epoch_{epoch:03d}")

    def _save_last(self) -> None:
        save_last(self.record, self.stepper, self.state, seed=self.seed, config=self.config)
        self.saved_at = time.monotonic()

    def _checkpoint_is_due(self) -> bool:
        due = time.monotonic() - self.saved_at >= 60 * self.config.checkpoint_minutes
        fabric = self.stepper.fabric
        return bool(fabric.broadcast(due)) if is_sharded(fabric) else due

    def _gradient_watcher(self) -> Callable[[nn.Module], None] | None:
        step = self.state.step + 1
        if not self.logging.log_gradients or step % self.logging.log_every_n_steps:
            return None
        return partial(self.trackers.log_gradients, step=step)

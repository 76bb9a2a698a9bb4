"""What the training loop knows of a task: batches by position, a loss, and a validation."""

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from torch import Tensor, nn

from neurorun.core import Metric, Progress
from neurorun.training.losses import SampleLoss

Arrays: TypeAlias = (
    np.ndarray | Tensor | Mapping[str, np.ndarray | Tensor] | tuple[np.ndarray | Tensor, ...]
)
"""One array, or several under names or in order; the first axis of all counts examples."""


@runtime_checkable
class TrainingTask(Protocol):
    """A clinical question, as far as training is concerned.

    Attributes
    ----------
    metrics : what `evaluate` returns besides ``val_loss``; the first chooses the best epoch where
        the configuration names none
    uses_criterion : whether `loss` is made with the criterion that it is given; if not, the
        settings ``loss``, ``focal_*`` and ``positive_weight`` are refused
    """

    metrics: tuple[Metric, ...]
    uses_criterion: bool

    def n_batches(self, epoch: int) -> int:
        """Batches of an epoch, > 0; epochs count from 1. Cheap: asked for all epochs at once."""
        ...

    def batches(
        self, epoch: int, *, start: int = 0, stride: int = 1
    ) -> Iterator[tuple[Arrays, Arrays]]:
        """Inputs and targets of the batches ``start``, ``start + stride``, ... of an epoch.

        What batch *i* holds depends on the seed, the epoch and *i* alone, so that a resumed run
        and a second process find the same. The arrays may be overwritten once the next batch is
        asked for.
        """
        ...

    def loss(
        self, model: nn.Module, inputs: Arrays, targets: Arrays, criterion: SampleLoss
    ) -> Mapping[str, Tensor]:
        """Figures of one batch, means over its examples: ``loss`` is minimized, all are recorded.

        A figure ``x`` appears as ``train_x`` in every record.
        """
        ...

    def evaluate(
        self, model: nn.Module, criterion: SampleLoss, *, progress: Progress
    ) -> Mapping[str, float]:
        """Score the model on the validation split; called in evaluation mode, without gradients.

        Returns ``val_loss`` and every metric that `metrics` declares; more may follow. What is
        undefined is NaN.
        """
        ...

    def positive_fraction(self) -> float:
        """Share of positive samples among all that training draws from, above 0 and below 1."""
        ...

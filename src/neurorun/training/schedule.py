"""The learning rate of every step, as a pure function of the step's number.

No state is kept: a resumed run asks for step 1000 and gets what the uninterrupted run got. The one
exception is ``plateau``, which follows the validation loss; its few numbers are kept with the
rest of what a checkpoint to resume from holds.
"""

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from neurorun.core import Config

_SMALLEST_GAIN = 1e-4

ScheduleType = Literal["cosine", "linear", "constant", "plateau"]


class SchedulerConfig(Config):
    """How the learning rate moves from the first to the last step."""

    type: ScheduleType = "cosine"
    """Shape after the warm-up: half a cosine or a line down to 0, no change, or ``plateau``: lower
    by ``plateau_factor`` when the validation loss stands still."""
    warmup_ratio: float = Field(default=0.1, ge=0, le=0.5)
    """Share of all steps in which the rate rises in a line to its full value."""
    plateau_patience: int = Field(default=2, ge=0)
    """Epochs without a lower validation loss that ``plateau`` bears; one more lowers the rate."""
    plateau_factor: float = Field(default=0.1, gt=0, lt=1)
    """What ``plateau`` multiplies the rate with."""


@dataclass
class Plateau:
    """Where the schedule ``plateau`` stands, judged once per epoch.

    The rule is that of PyTorch's ``ReduceLROnPlateau`` with its relative threshold of 1e-4.

    Parameters
    ----------
    best : lowest validation loss so far; None before the first
    bad_epochs : since then, or since the rate was lowered
    factor : of the full learning rate
    """

    best: float | None = None
    bad_epochs: int = 0
    factor: float = 1.0

    def judge(self, loss: float, config: SchedulerConfig) -> None:
        """Take note of an epoch; NaN is no improvement.

        >>> plateau = Plateau()
        >>> config = SchedulerConfig(type="plateau", plateau_patience=1)
        >>> for loss in (1.0, 1.0, 1.0):
        ...     plateau.judge(loss, config)
        >>> plateau.factor
        0.1
        """
        if config.type != "plateau":
            return
        if self.best is None or loss < self.best * (1 - _SMALLEST_GAIN):
            self.best, self.bad_epochs = (None if math.isnan(loss) else loss), 0
            return
        self.bad_epochs += 1
        if self.bad_epochs > config.plateau_patience:
            self.factor, self.bad_epochs = self.factor * config.plateau_factor, 0


def learning_rate_factor(step: int, n_steps: int, config: SchedulerConfig) -> float:
    """Share of the full learning rate that a step uses.

    Parameters
    ----------
    step : 0-based, below ``n_steps``
    n_steps : optimizer steps of the whole training, > 0
    config : shape and warm-up

    Returns
    -------
    Above 0, at most 1. The warm-up lasts ``int(warmup_ratio * n_steps)`` steps, its first
    step already moves, and its last has the full rate.

    Examples
    --------
    >>> config = SchedulerConfig(type="linear", warmup_ratio=0.5)
    >>> [learning_rate_factor(step, 8, config) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    n_warmup = int(config.warmup_ratio * n_steps)
    if step < n_warmup:
        return (step + 1) / n_warmup
    done = (step - n_warmup) / (n_steps - n_warmup)
    if config.type == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    return 1.0 - done if config.type == "linear" else 1.0

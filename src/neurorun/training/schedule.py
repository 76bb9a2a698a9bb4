"""The learning rate of every step, as a pure function of the step's number.

No state is kept: a resumed run asks for step 1000 and gets what the uninterrupted run got.
"""

import math
from typing import Literal

from pydantic import Field

from neurorun.core import Config

ScheduleType = Literal["cosine", "linear", "constant"]


class SchedulerConfig(Config):
    """How the learning rate moves from the first to the last step."""

    type: ScheduleType = "cosine"
    """Shape after the warm-up: half a cosine or a line down to 0, or no change."""
    warmup_ratio: float = Field(default=0.1, ge=0, le=0.5)
    """Share of all steps in which the rate rises in a line to its full value."""


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

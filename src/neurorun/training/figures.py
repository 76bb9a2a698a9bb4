"""What is measured while an epoch runs, kept as sums so that a resumed epoch ends with the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What one optimizer step measured, over the batches of all processes.

    Parameters
    ----------
    means : per figure of the task's loss, the mean over examples
    n_examples : how many
    learning_rate, gradient_norm : the rate used; the 2-norm before clipping
    positive_weight : weight of positive samples in the last batch; NaN for tasks without them
    waited_s : seconds in which this process waited for data
    took_s : seconds of the whole step, waiting included
    finite : whether loss and gradient were, so that the step was taken
    """

    means: dict[str, float]
    n_examples: float
    learning_rate: float
    gradient_norm: float
    positive_weight: float
    waited_s: float
    took_s: float
    finite: bool

    def named(self) -> dict[str, float]:
        """Return them under the names that every record uses."""
        return {
            **{f"train_{name}": value for name, value in self.means.items()},
            "learning_rate": self.learning_rate,
            "gradient_norm": self.gradient_norm,
            "positive_weight": self.positive_weight,
            "data_wait_share": _mean(self.waited_s, self.took_s),
        }


@dataclass
class EpochFigures:
    """Sums over the steps of one epoch so far; skipped steps are only counted."""

    sums: dict[str, float] = field(default_factory=dict)
    n_examples: float = 0.0
    n_steps: int = 0
    skipped_steps: int = 0
    gradient_norm: float = 0.0
    positive_weight: float = 0.0
    learning_rate: float = 0.0
    waited_s: float = 0.0
    took_s: float = 0.0

    @property
    def data_wait_share(self) -> float:
        """Share of the time so far that was spent waiting for data."""
        return _mean(self.waited_s, self.took_s)

    def add(self, step: StepFigures) -> None:
        """Take a step into account."""
        self.waited_s += step.waited_s
        self.took_s += step.took_s
        self.learning_rate = step.learning_rate
        if not step.finite:
            self.skipped_steps += 1
            return
        self.n_steps += 1
        self.n_examples += step.n_examples
        self.gradient_norm += step.gradient_norm
        self.positive_weight += step.positive_weight
        for name, mean in step.means.items():
            self.sums[name] = self.sums.get(name, 0.0) + mean * step.n_examples

    def row(self, validation: Mapping[str, float], *, validation_s: float) -> dict[str, float]:
        """Figures of the finished epoch under the names that every record uses.

        Means over examples, or over steps; NaN where every step was skipped.
        """
        weight = {"positive_weight": _mean(self.positive_weight, self.n_steps)}
        return {
            "train_loss": math.nan,
            **{f"train_{name}": value / self.n_examples for name, value in self.sums.items()},
            **validation,
            "learning_rate": self.learning_rate,
            "gradient_norm": _mean(self.gradient_norm, self.n_steps),
            **({} if math.isnan(self.positive_weight) else weight),
            "data_wait_share": self.data_wait_share,
            "skipped_steps": float(self.skipped_steps),
            "seconds": self.took_s + validation_s,
        }


def _mean(total: float, count: float) -> float:
    return total / count if count > 0 else math.nan

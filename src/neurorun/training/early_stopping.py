"""Which epoch is best, and when it is no use to go on."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from neurorun.core import Config, ConfigError, Metric


class EarlyStoppingConfig(Config):
    """By which metric the best epoch is chosen, and how long to wait for a better one."""

    patience: int | None = Field(default=5, ge=1)
    """Epochs without improvement after which training ends; null trains all epochs. Epochs before
    the metric was defined for the first time do not count."""
    metric: str | None = None
    """Name of the metric that chooses the best epoch; null takes the first that the task names."""
    mode: Literal["max", "min"] | None = None
    """Direction of the metric. It is known; a contradiction is refused."""


VAL_LOSS = Metric("val_loss", "lower", "1", "Loss on the validation split, as the task defines it.")


def monitored_metric(metrics: tuple[Metric, ...], config: EarlyStoppingConfig) -> Metric:
    """Find the metric that chooses the best epoch.

    Parameters
    ----------
    metrics : what the task can produce besides ``val_loss``
    config : its name and, optionally, its direction

    Raises
    ------
    ConfigError : the task cannot produce it, or it has the other direction

    Examples
    --------
    >>> monitored_metric((), EarlyStoppingConfig(metric="val_loss")).better
    'lower'
    """
    known = {metric.name: metric for metric in (*metrics, VAL_LOSS)}
    name = config.metric if config.metric is not None else next(iter(known))
    if name not in known:
        raise ConfigError(
            f"training.early_stopping.metric is '{name}', which this task does not produce as "
            f"it is configured; choose one of {', '.join(known)}."
        )
    metric = known[name]
    direction = "max" if metric.better == "higher" else "min"
    if config.mode not in (None, direction):
        raise ConfigError(
            f"training.early_stopping.mode is '{config.mode}', but {metric.better} values of "
            f"'{name}' are better; set it to '{direction}' or leave it out."
        )
    return metric


@dataclass
class Selection:
    """The best epoch so far: the earliest of those with the best value.

    Parameters
    ----------
    epoch : 1-based; None while the metric was never defined
    value : of the metric in that epoch
    epochs_without_improvement : since then; 0 while the metric was never defined
    """

    epoch: int | None = None
    value: float | None = None
    epochs_without_improvement: int = 0

    def judge(self, epoch: int, value: float, metric: Metric) -> bool:
        """Take note of an epoch; tell whether it is the best so far. NaN never is.

        >>> Selection(epoch=1, value=0.5).judge(2, 0.5, VAL_LOSS)
        False
        """
        if not metric.improves(value, on=self.value):
            self.epochs_without_improvement += self.epoch is not None
            return False
        self.epoch, self.value, self.epochs_without_improvement = epoch, value, 0
        return True

    def exhausted(self, patience: int | None) -> bool:
        """Whether the metric has not improved for ``patience`` epochs."""
        return patience is not None and self.epochs_without_improvement >= patience

"""What can be known before training: how many steps there will be, and whether all fits."""

from neurorun.core import ConfigError
from neurorun.training.config import TrainingConfig
from neurorun.training.early_stopping import monitored_metric
from neurorun.training.task import TrainingTask

CRITERION_SETTINGS = ("loss", "focal_alpha", "focal_gamma", "positive_weight")


def check_plan(task: TrainingTask, config: TrainingConfig, *, n_processes: int = 1) -> None:
    """Refuse what could only fail hours later.

    Raises
    ------
    ConfigError : an unknown metric, a loss that the task does not use, positives to weigh where
        there are none, or fewer batches than processes
    """
    monitored_metric(task.metrics, config.early_stopping)
    _check_criterion(task, config)
    n_batches = task.n_batches(1)
    if n_batches < n_processes:
        raise ConfigError(
            f"An epoch has {n_batches} batch(es) for {n_processes} process(es); each needs one at "
            "least. Lower data.batch_size or training.devices, or give more training examples."
        )


def _check_criterion(task: TrainingTask, config: TrainingConfig) -> None:
    defaults = TrainingConfig()
    changed = [
        f"{key} = {getattr(config, key)!r}"
        for key in CRITERION_SETTINGS
        if getattr(config, key) != getattr(defaults, key)
    ]
    if changed and not task.uses_criterion:
        raise ConfigError(
            f"training.{changed[0]} has no effect: this task has a loss of its own. Leave out "
            f"{', '.join(CRITERION_SETTINGS)}."
        )
    if config.positive_weight in ("dataset", "sqrt"):
        share = task.positive_fraction()
        if not 0 < share < 1:
            raise ConfigError(
                f"training.positive_weight is '{config.positive_weight}', but {share:.0%} of the "
                "training samples are positive; both kinds are needed. Set it to 'none', or check "
                "the annotations."
            )


def usable_batches(task: TrainingTask, epoch: int, *, n_processes: int) -> int:
    """Batches of an epoch that are trained on: as many for each process.

    With several processes up to ``n_processes - 1`` batches at the end are left out; which
    examples these are changes from epoch to epoch.
    """
    n_batches = task.n_batches(epoch)
    return n_batches - n_batches % n_processes


def count_steps(task: TrainingTask, config: TrainingConfig, *, n_processes: int = 1) -> int:
    """Optimizer steps of the whole training if it does not stop early."""
    per_step = n_processes * config.gradient_accumulation_steps
    return sum(
        -(-usable_batches(task, epoch, n_processes=n_processes) // per_step)
        for epoch in range(1, config.epochs + 1)
    )

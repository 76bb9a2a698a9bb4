"""Training: one readable loop over Lightning Fabric, for any task that keeps its protocol."""

from neurorun.training.checkpoint import MAY_CHANGE, check_resumable
from neurorun.training.config import TrainingConfig
from neurorun.training.devices import (
    Device,
    is_first_process,
    launch,
    noticing_lost_processes,
    resolve_device,
)
from neurorun.training.early_stopping import VAL_LOSS, EarlyStoppingConfig, monitored_metric
from neurorun.training.fit import FitResult, fit
from neurorun.training.losses import SampleLoss, binary_cross_entropy, focal_loss
from neurorun.training.optimizer import build_optimizer
from neurorun.training.plan import check_plan, count_steps
from neurorun.training.record import TrainingRecord
from neurorun.training.schedule import SchedulerConfig, learning_rate_factor
from neurorun.training.seeding import seed_everything, seed_position
from neurorun.training.task import Arrays, TrainingTask
from neurorun.training.tracking import Tracker, check_trackers
from neurorun.training.tracking_config import LoggingConfig, MlflowConfig, WandbConfig

__all__ = [
    "MAY_CHANGE",
    "VAL_LOSS",
    "Arrays",
    "Device",
    "EarlyStoppingConfig",
    "FitResult",
    "LoggingConfig",
    "MlflowConfig",
    "SampleLoss",
    "SchedulerConfig",
    "Tracker",
    "TrainingConfig",
    "TrainingRecord",
    "TrainingTask",
    "WandbConfig",
    "binary_cross_entropy",
    "build_optimizer",
    "check_plan",
    "check_resumable",
    "check_trackers",
    "count_steps",
    "fit",
    "focal_loss",
    "is_first_process",
    "launch",
    "learning_rate_factor",
    "monitored_metric",
    "noticing_lost_processes",
    "resolve_device",
    "seed_everything",
    "seed_position",
]

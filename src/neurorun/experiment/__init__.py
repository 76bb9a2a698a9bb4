"""Configuration to objects to one run: the only place where the rooms are wired together."""

from neurorun.experiment.config import (
    Experiment,
    ExperimentConfig,
    experiment_from,
    experiment_model,
    load_experiment,
    resolved_plan,
)
from neurorun.experiment.detect import Detection, Detector, detect, detect_files
from neurorun.experiment.evaluate import evaluate
from neurorun.experiment.train import train
from neurorun.training import is_first_process

__all__ = [
    "Detection",
    "Detector",
    "Experiment",
    "ExperimentConfig",
    "detect",
    "detect_files",
    "evaluate",
    "experiment_from",
    "experiment_model",
    "is_first_process",
    "load_experiment",
    "resolved_plan",
    "train",
]

"""Configuration to objects to one run: the only place where the rooms are wired together."""

from neurorun.experiment.attention import export_attention
from neurorun.experiment.config import (
    Experiment,
    ExperimentConfig,
    experiment_from,
    experiment_model,
    load_experiment,
    resolved_plan,
)
from neurorun.experiment.detect import Detection, Detector, detect, detect_file, detect_files
from neurorun.experiment.evaluate import evaluate
from neurorun.experiment.export import Export, ExportFormat, export_model, metadata_of
from neurorun.experiment.guidance import guidance_table, keep_guidance, train_pairs
from neurorun.experiment.inspection import inspect_data
from neurorun.experiment.live import LiveDetector, LiveOutput
from neurorun.experiment.review import Reviewer, ReviewMaterial
from neurorun.experiment.train import train
from neurorun.training import is_first_process

__all__ = [
    "Detection",
    "Detector",
    "Experiment",
    "ExperimentConfig",
    "Export",
    "ExportFormat",
    "LiveDetector",
    "LiveOutput",
    "ReviewMaterial",
    "Reviewer",
    "detect",
    "detect_file",
    "detect_files",
    "evaluate",
    "experiment_from",
    "experiment_model",
    "export_attention",
    "export_model",
    "guidance_table",
    "inspect_data",
    "is_first_process",
    "keep_guidance",
    "load_experiment",
    "metadata_of",
    "resolved_plan",
    "train",
    "train_pairs",
]

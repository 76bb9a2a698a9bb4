"""Every setting of the sections that all tasks have, seen on seizure detection."""

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("settings")]

BAD = {"training.epochs": 3, "training.max_bad_steps": 2}
TWICE = {"training.epochs": 2}
STEPWISE = {"logging.log_every_n_steps": 1}
STILL = {"training.learning_rate": 1e-9, "training.epochs": 3, "model.norm_momentum": 1e-6}
"""Nothing is learned, so nothing improves."""
IMPATIENT = {**STILL, "training.early_stopping.patience": 1}
PLATEAU = {**STILL, "training.scheduler.type": "plateau", "training.scheduler.plateau_patience": 0}
SGD = {"training.optimizer": "sgd"}
FOCAL = {"training.loss": "focal"}
ON_GPUS = {"experiment.device": "cuda"}
DDP = {**ON_GPUS, "training.strategy": "ddp"}
WANDB = {"experiment.wandb.enabled": True}
MLFLOW = {"experiment.mlflow.enabled": True}

CASES = [
    ("task", "crack_segmentation", "metrics_of_the_question", {"task": "seizure_detection"}),
    # experiment
    ("experiment.name", "another", "run_folder", {"experiment.run_name": "{experiment}"}),
    ("experiment.description", "Is it so?", "page"),
    ("experiment.seed", 7, "first_weights"),
    ("experiment.seed", 7, "batches"),
    ("experiment.seed", 7, "draws"),
    ("experiment.device", "cuda", "fabric"),
    ("experiment.output_dir", "elsewhere", "run_folder"),
    ("experiment.run_name", "{experiment}-2", "run_folder"),
    ("experiment.log_level", "ERROR", "log"),
    ("experiment.wandb.enabled", True, "trackers"),
    ("experiment.wandb.project", "sleep", "trackers", WANDB),
    ("experiment.wandb.entity", "team", "trackers", WANDB),
    ("experiment.wandb.tags", ["first"], "trackers", WANDB),
    ("experiment.mlflow.enabled", True, "trackers"),
    ("experiment.mlflow.tracking_uri", "sqlite:///runs.db", "trackers", MLFLOW),
    ("experiment.mlflow.experiment", "sleep", "trackers", MLFLOW),
    # training
    ("training.epochs", 2, "epochs"),
    ("training.learning_rate", 1e-2, "weights"),
    ("training.weight_decay", 0.5, "weights"),
    ("training.optimizer", "adam", "weights"),
    ("training.optimizer", "sgd", "weights"),
    ("training.scheduler.type", "linear", "learning_rates", TWICE),
    ("training.scheduler.type", "constant", "learning_rates", TWICE),
    ("training.scheduler.warmup_ratio", 0.5, "learning_rates", TWICE),
    ("training.scheduler.type", "plateau", "learning_rates", STILL),
    ("training.scheduler.plateau_patience", 2, "learning_rates", PLATEAU),
    ("training.scheduler.plateau_factor", 0.5, "learning_rates", PLATEAU),
    ("training.gradient_clip", 1e-3, "weights", SGD),
    ("training.gradient_clip", 0, "weights", {**SGD, "training.gradient_clip": 1e-3}),
    ("training.gradient_accumulation_steps", 2, "weights"),
    ("training.gradient_accumulation_steps", 2, "curves", STEPWISE),
    ("training.loss", "focal", "weights"),
    ("training.focal_alpha", 0.8, "weights", FOCAL),
    ("training.focal_gamma", 0.5, "weights", FOCAL),
    ("training.positive_weight", "batch", "weights"),
    ("training.positive_weight", "dataset", "weights"),
    ("training.positive_weight", "sqrt", "weights", {"training.positive_weight": "dataset"}),
    ("training.early_stopping.patience", 1, "epochs", STILL),
    ("training.early_stopping.patience", None, "epochs", IMPATIENT),
    ("training.early_stopping.metric", "val_loss", "epochs"),
    ("training.early_stopping.mode", "min", "refused_settings"),
    ("training.mixed_precision", False, "fabric", ON_GPUS),
    ("training.precision", "fp16", "fabric", ON_GPUS),
    ("training.ema_decay", 0.9, "weights"),
    ("training.max_bad_steps", 3, "bad_steps", BAD),
    ("training.checkpoint_minutes", 0, "checkpoints"),
    ("training.checkpoint_interval", 1, "checkpoints"),
    ("training.devices", 2, "fabric", DDP),
    ("training.devices", "auto", "fabric", DDP),
    ("training.num_nodes", 2, "fabric", DDP),
    ("training.strategy", "ddp", "fabric", ON_GPUS),
    ("training.strategy", "fsdp", "fabric", ON_GPUS),
    ("training.compile", True, "compiled"),
    # logging
    ("logging.log_every_n_steps", 2, "curves", STEPWISE),
    ("logging.log_gradients", True, "curves", STEPWISE),
    ("logging.log_weights", True, "curves"),
    ("logging.tensorboard_tags", {"train_loss": "Loss/train"}, "curves"),
    # what is kept
    ("evaluation.save_predictions", True, "files"),
    ("evaluation.save_plots", False, "figures"),
]


def test_another_value_of_a_setting_has_another_effect(case, see):
    field, other, observer, base = case
    assert see(observer, {**base, field: other}) != see(observer, base)


def test_an_observer_sees_no_setting_that_is_not_its_business(scene, see, inert):
    observer, base = scene
    assert see(observer, {**base, **inert(observer)}) == see(observer, base)


def test_every_setting_that_runs_show_has_a_case(seen_of_runs):
    assert {case[0] for case in CASES} == seen_of_runs

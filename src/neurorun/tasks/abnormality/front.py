"""The one call by which earlier experiments with gaze were started."""

import importlib
import tempfile
from pathlib import Path

import yaml

from neurorun.runs import open_run
from neurorun.tasks.abnormality.losses import GazeLossName


def main(
    lr: float = 1e-4,
    epochs: int = 50,
    batch_size: int = 32,
    gaze_weight: float = 0.3,
    gaze_loss_type: GazeLossName = "mse",
    *,
    data_dir: Path | str = "data",
    cache_dir: Path | str = "cache",
    output_dir: Path | str = "training_stats",
    overrides: tuple[str, ...] = (),
) -> tuple[float, Path]:
    """Train the original network as its authors did, and return ``(best_acc, run_dir)``.

    Adam without decay, a learning rate that falls to a tenth when the validation loss stands still
    for more than two epochs, no early stopping. The run is ``training_stats/run_YYYYMMDD_HHMMSS``.

    Parameters
    ----------
    lr, epochs, batch_size : of training
    gaze_weight, gaze_loss_type : of the gaze loss beside the classification loss
    data_dir, cache_dir, output_dir : recordings, prepared windows, and run folders
    overrides : further settings, ``section.key=value``

    Returns
    -------
    Accuracy in percent on validation of the checkpoint that is kept, the one of lowest validation
    loss (earlier code returned the highest accuracy of any epoch, of which no checkpoint was kept);
    and the folder of the run.

    Raises
    ------
    DataError : there is nothing to learn from
    """
    settings = {
        "task": "abnormality",
        "experiment": {
            "name": "gaze",
            "output_dir": str(output_dir),
            "run_name": "run_{timestamp}",
        },
        "data": {
            "data_dir": str(data_dir),
            "cache_dir": str(cache_dir),
            "batch_size": batch_size,
        },
        "gaze": {"gaze_weight": gaze_weight, "gaze_loss_type": gaze_loss_type},
        "training": {
            "epochs": epochs,
            "learning_rate": lr,
            "optimizer": "adam",
            "weight_decay": 0.0,
            "scheduler": {"type": "plateau", "warmup_ratio": 0.0},
            "early_stopping": {"patience": None, "metric": "val_loss"},
        },
    }
    neurorun = importlib.import_module("neurorun")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "abnormality.yaml"
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        run_dir: Path = neurorun.train(config, overrides=overrides)
    run = open_run(run_dir)
    accuracy = run.metrics["validation"]["val_acc"]
    return accuracy, run_dir

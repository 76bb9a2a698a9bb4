"""Save a finished training as a run folder: in one call, and from a trainer class.

python examples/experiment_saver_example.py [FOLDER]
"""

import sys
import tempfile
import time
from pathlib import Path

from neurorun.runs import open_run, save_experiment_data

CONFIG = {
    "experiment": {"name": "cracks"},
    "project_name": "crack-segmentation",
    "model": {"_target_": "my_project.UNet"},
    "training": {"epochs": 3, "batch_size": 4, "learning_rate": 1e-4},
}
NAMES = ("val_f1s", "val_precisions", "val_recalls", "val_dices", "val_accuracies")
BEST = {"best_epoch": 3, "best_metrics": {"iou": 0.75, "loss": 0.25}}
FINAL = {"val_iou": 0.75, "val_loss": 0.25}


def basic(folder: Path) -> dict[str, Path]:
    """One call at the end; what was never measured is None."""
    histories = dict.fromkeys(NAMES)
    histories["train_losses"] = histories["val_losses"] = {1: 0.5, 2: 0.33, 3: 0.25}
    histories["val_ious"] = {1: 0.25, 2: 0.5, 3: 0.75}
    return save_experiment_data(folder, CONFIG, FINAL, training_time=12.5, **BEST, **histories)


class Trainer:
    """Keeps ``{epoch: number}`` while it trains; here the numbers are made up."""

    def __init__(self) -> None:
        self.start_time = time.time()
        self.histories = {name: {} for name in ("train_losses", "val_losses", "val_ious", *NAMES)}

    def train_epoch(self, epoch: int) -> None:
        """Train, then note what was measured."""
        for name, history in self.histories.items():
            history[epoch] = 1 / (1 + epoch) if name.endswith("losses") else epoch / 4

    def save(self, folder: Path) -> dict[str, Path]:
        """Save everything that was noted."""
        took = {"training_time": time.time() - self.start_time}
        return save_experiment_data(folder, CONFIG, FINAL, **took, **BEST, **self.histories)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(name)
        basic(root / "basic")
        trainer = Trainer()
        for epoch in (1, 2, 3):
            trainer.train_epoch(epoch)
        for key, path in trainer.save(root / "trainer").items():
            print(f"{key:14} {path.relative_to(root)}")
        print(f"best epoch: {open_run(root / 'trainer').best_epoch}")

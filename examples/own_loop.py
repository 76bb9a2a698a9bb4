"""Keep the run of a training loop of your own, of any framework or, as here, of none.

python examples/own_loop.py [FOLDER]

The folder is one that `neurorun runs`, `diff`, `check` and `report` understand.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from neurorun.runs import open_run, start_run

SETTINGS = {
    "experiment": {"name": "line"},
    "training": {"epochs": 20, "batch_size": 64, "learning_rate": 0.1},
}


def main() -> None:
    """Train, then open the run as anybody could later."""
    with tempfile.TemporaryDirectory() as name:
        folder = train(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(name))
        run = open_run(folder)
        print(f"{run.name}: {run.status}, best epoch {run.best_epoch}")
        print(f"val_loss there: {run.metrics['validation']['val_loss']:.4f}")


def train(root: Path) -> Path:
    """Fit a line to noisy points by gradient descent."""
    rng = np.random.default_rng(7)
    x = rng.uniform(-1, 1, (2, 64))
    y = 2 * x + 0.5 + 0.1 * rng.standard_normal(x.shape)
    slope = offset = 0.0
    rate = SETTINGS["training"]["learning_rate"]
    with start_run(
        root, "line", monitor="val_loss", better="lower", config=SETTINGS, seed=7
    ) as run:
        for epoch in range(1, SETTINGS["training"]["epochs"] + 1):
            error = slope * x[0] + offset - y[0]
            slope -= rate * 2 * float(np.mean(error * x[0]))
            offset -= rate * 2 * float(np.mean(error))
            val_loss = float(np.mean((slope * x[1] + offset - y[1]) ** 2))
            run.log_epoch(epoch, {"train_loss": float(np.mean(error**2)), "val_loss": val_loss})
            if run.best_epoch == epoch:
                weights = {"slope": slope, "offset": offset}
                run.save_checkpoint("best", lambda stream, kept=weights: np.savez(stream, **kept))
        return run.folder


if __name__ == "__main__":
    main()

"""A simulated head with its neural activity, and a small network that localizes sources in it."""

import os
from pathlib import Path
from typing import Any

from neurorun.core import Progress
from neurorun.simulation import simulate_source_demo

N_REGIONS = 100
SIMULATES = f"a spherical head of {N_REGIONS} regions with spikes in each"
AFTERWARDS = {"Evaluate": "evaluate {run} OTHER_SOURCE_PLAN.mat"}


def make(out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate head, spikes and source plans, unless they are there, and return settings.

    Parameters
    ----------
    out : folder of the demo, below which all paths lie
    """
    data = simulate_source_demo(
        out / "head", n_regions=N_REGIONS, n_workers=min(2, os.cpu_count() or 1), progress=progress
    )
    return {**settings(out), "data": {**data, "batch_size": 16, "sparse_targets": True}}


def settings(folder: Path) -> dict[str, Any]:
    """Settings of the demo but for its data."""
    return {
        "experiment": {
            "name": "source-demo",
            "description": "Does a small network localize simulated sources better than linear "
            "inverses do?",
            "output_dir": str(folder / "runs"),
        },
        "model": {"name": "deepsif", "preset": "small"},
        "training": {
            "epochs": 12,
            "learning_rate": 3e-3,
            "weight_decay": 0.01,
            "early_stopping": {"patience": None, "metric": "val_loss"},
        },
    }

"""Simulated pictures of pavements, and a small U-Net that finds their cracks."""

from pathlib import Path
from typing import Any

from neurorun.cli.demos.corpus_folder import simulate_once
from neurorun.core import Progress
from neurorun.simulation import CrackPlan, simulate_cracks

SIMULATED = {"n_images": 40, "height": 160, "width": 224, "without_cracks": 0.1, "seed": 42}

SIMULATES = f"{SIMULATED['n_images']} pictures of pavements"
AFTERWARDS = {"Evaluate": "evaluate {run} FOLDER_WITH_IMAGES_AND_MASKS"}


def make(out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate the pictures, unless all are there, and return settings that fit them.

    Parameters
    ----------
    out : folder of the demo, below which all paths lie

    Raises
    ------
    DataError : other pictures lie there
    """
    plan = CrackPlan.model_validate(SIMULATED)
    simulate_once(out / "pictures", plan, simulate_cracks, record="cracks.json", progress=progress)
    return settings(out)


def settings(folder: Path) -> dict[str, Any]:
    """Settings of the demo, all paths below its folder."""
    return {
        "task": "crack_segmentation",
        "experiment": {
            "name": "cracks-demo",
            "description": "Can a small U-Net find the cracks in simulated pavements?",
            "output_dir": str(folder / "runs"),
        },
        "data": {
            "data_dir": str(folder / "pictures"),
            "crop_size": 96,
            "crops_per_image": 4,
            "batch_size": 8,
        },
        "model": {"name": "unet", "unet": {"channels": [8, 16, 32]}},
        "training": {
            "epochs": 24,
            "learning_rate": 3e-3,
            "weight_decay": 0.01,
            "early_stopping": {"patience": None, "metric": "val_iou"},
        },
    }

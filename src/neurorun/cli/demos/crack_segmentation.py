"""Simulated pictures of pavements, and a small U-Net that finds their cracks."""

import shutil
from pathlib import Path
from typing import Any

from neurorun.core import DataError, Progress, read_json
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
    _simulate(out / "pictures", progress)
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


def _simulate(folder: Path, progress: Progress) -> None:
    """Simulate the pictures, unless all are there; a half folder is made again."""
    plan = CrackPlan.model_validate(SIMULATED)
    if folder.exists():
        if read_json(folder / "cracks.json")["plan"] != plan.model_dump(mode="json"):
            raise DataError(
                f"'{folder}' holds other pictures than the demo simulates; delete it, or give "
                "another folder with --out."
            )
        return
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    simulate_cracks(unfinished, plan, progress=progress)
    unfinished.rename(folder)

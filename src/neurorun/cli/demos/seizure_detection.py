"""Simulated patients in the folders of a hospital's corpus, and a small seizure detector."""

import shutil
from pathlib import Path
from typing import Any

from neurorun.core import DataError, Progress, read_json
from neurorun.simulation import CorpusPlan, simulate_corpus

SIMULATED = {
    "n_patients": 40,
    "recordings_per_patient": 1,
    "minutes": 6.0,
    "seizures_per_recording": 1.0,
    "seed": 42,
}
"""Many patients with little EEG each: what a detector learns from is how patients differ."""

SIMULATES = f"{SIMULATED['n_patients']} patients"
AFTERWARDS = {"Detect": "detect {run} RECORDING.edf -o events"}


def make(out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate the corpus, unless a whole one is there, and return settings that fit it.

    Parameters
    ----------
    out : folder of the demo, below which all paths lie

    Raises
    ------
    DataError : another corpus lies there
    """
    _simulate(out / "corpus", progress)
    return settings(out)


def settings(folder: Path) -> dict[str, Any]:
    """Settings of the demo, all paths below its folder."""
    return {
        "task": "seizure_detection",
        "experiment": {
            "name": "demo",
            "description": "Can a small detector find the seizures of simulated patients?",
            "output_dir": str(folder / "runs"),
        },
        "data": {
            "dataset": "tuh_eeg",
            "data_dir": str(folder / "corpus"),
            "cache_dir": str(folder / "cache"),
            "split_policy": "official_tusz",
            "batch_size": 16,
            "max_samples": 400,
            "prediction_stride": 30,
        },
        "model": {"preset": "small"},
        "training": {
            "epochs": 6,
            "learning_rate": 2e-3,
            "early_stopping": {"patience": None, "metric": "auroc"},
        },
    }


def _simulate(folder: Path, progress: Progress) -> None:
    """Simulate the corpus, unless a whole one is there; a half one is made again."""
    plan = CorpusPlan.model_validate(SIMULATED)
    if folder.exists():
        if read_json(folder / "corpus.json")["plan"] != plan.model_dump(mode="json"):
            raise DataError(
                f"'{folder}' holds another corpus than the demo simulates; delete it, or give "
                "another folder with --out."
            )
        return
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    simulate_corpus(unfinished, plan, progress=progress)
    unfinished.rename(folder)

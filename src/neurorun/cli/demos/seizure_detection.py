"""Simulated patients in the folders of a hospital's corpus, and a small seizure detector."""

from pathlib import Path
from typing import Any

from neurorun.cli.demos.corpus_folder import simulate_once
from neurorun.core import Progress
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
    plan = CorpusPlan.model_validate(SIMULATED)
    simulate_once(out / "corpus", plan, simulate_corpus, record="corpus.json", progress=progress)
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

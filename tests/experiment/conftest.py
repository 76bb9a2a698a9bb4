from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from neurorun import experiment
from neurorun.core import write_text
from neurorun.simulation import CorpusPlan, simulate_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six simulated patients in the folders of TUSZ, a minute or so of EEG each."""
    folder = tmp_path_factory.mktemp("corpus") / "tusz"
    simulate_corpus(folder, CorpusPlan(n_patients=6, recordings_per_patient=1, minutes=1.5))
    return folder


def tiny_settings(corpus: Path, place: Path) -> dict[str, Any]:
    """Settings that train in seconds; everything lies below ``place``."""
    return {
        "experiment": {"name": "tiny", "output_dir": str(place / "runs"), "device": "cpu"},
        "data": {
            "dataset": "tuh_eeg",
            "data_dir": str(corpus),
            "cache_dir": str(place / "cache"),
            "cache_workers": 1,
            "split_policy": "official_tusz",
            "window_size": 10,
            "stride": 5,
            "num_workers": 1,
            "max_samples": 16,
            "batch_size": 8,
        },
        "model": {
            "preset": "small",
            "encoder": {"channels": [4, 8], "downsample_factor": 4},
            "mamba": {"d_model": 16, "n_layers": 1, "head_dim": 8},
        },
        "training": {"epochs": 2, "early_stopping": {"metric": "auroc"}},
        "evaluation": {"fa_rates": [10, 2.5]},
    }


@pytest.fixture(scope="session")
def settings_for() -> Callable[[Path, Path], dict[str, Any]]:
    return tiny_settings


@pytest.fixture(scope="session")
def write_settings() -> Callable[[Path, dict[str, Any]], Path]:
    def write(path: Path, settings: dict[str, Any]) -> Path:
        write_text(path, yaml.safe_dump(settings))
        return path

    return write


@pytest.fixture(scope="session")
def config(corpus: Path, tmp_path_factory: pytest.TempPathFactory, write_settings) -> Path:
    place = tmp_path_factory.mktemp("experiment")
    return write_settings(place / "tiny.yaml", tiny_settings(corpus, place))


@pytest.fixture(scope="session")
def trained(config: Path) -> Path:
    """A finished run; tests must not change it."""
    return experiment.train(config)

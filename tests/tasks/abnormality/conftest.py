from pathlib import Path

import pytest
import torch

import neurorun
from neurorun.core import to_json
from neurorun.experiment import experiment_from
from neurorun.simulation import GazeCorpusPlan, simulate_gaze_corpus


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("gaze") / "corpus"
    plan = GazeCorpusPlan(n_train=8, n_eval=4, minutes=0.5, events_per_minute=10, seed=1)
    simulate_gaze_corpus(folder, plan)
    return folder


def small(corpus: Path, folder: Path, **more):
    """Settings of a run of seconds: windows of 20 s, two epochs."""
    settings = {
        "task": "abnormality",
        "experiment": {"name": "small", "output_dir": str(folder / "runs"), "device": "cpu"},
        "data": {
            "data_dir": str(corpus),
            "cache_dir": str(corpus.parent / "cache"),
            "window_size": 20.0,
            "batch_size": 3,
            "validation_split": 0.3,
        },
        "gaze": {"gaze_weight": 1.0},
        "training": {
            "epochs": 2,
            "learning_rate": 1e-3,
            "optimizer": "adam",
            "early_stopping": {"patience": None},
        },
        "evaluation": {"n_explained": 1, "n_reviewed": 2, "n_resamples": 20},
    }
    for section, values in more.items():
        settings[section] = {**settings.get(section, {}), **values}
    return settings


@pytest.fixture
def settings_of(tmp_path):
    def make(data_dir, **more):
        return small(data_dir, tmp_path, **more)

    return make


@pytest.fixture
def experiment_of(corpus, tmp_path):
    def make(**more):
        return experiment_from(small(corpus, tmp_path, **more), source="test")

    return make


@pytest.fixture(scope="session")
def run(corpus, tmp_path_factory) -> Path:
    """One finished run."""
    folder = tmp_path_factory.mktemp("runs")
    config = folder / "small.yaml"
    config.write_text(to_json(small(corpus, folder)))
    torch.set_num_threads(1)
    return neurorun.train(config)

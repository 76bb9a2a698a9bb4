"""Shared recordings: simulated EEG with gaze of real statistics, and a real one with real gaze."""

import math
from pathlib import Path

import pytest
import torch

from neurorun.data import find_abnormality_recordings, prepare_windows
from neurorun.runs import open_run

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
ICU = SHARED / "eeg_edf" / "icu_subject01_epoch01_380s.edf"
FIXATIONS = SHARED / "gaze_real" / "output_fixations_all_sessions_new.json"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not SHARED.is_dir(), reason="shared data are not here"),
]


@pytest.fixture
def icu(tmp_path):
    """A corpus of one real recording, read by a real eye that read something else."""
    folder = tmp_path / "icu"
    (folder / "abnormal").mkdir(parents=True)
    (folder / "gaze").mkdir()
    (folder / "abnormal" / "icu.edf").symlink_to(ICU.resolve())
    (folder / "gaze" / "icu.json").symlink_to(FIXATIONS.resolve())
    return folder


def test_a_real_recording_with_real_fixations_goes_all_the_way(experiment_of, run, icu, tmp_path):
    experiment = experiment_of(preprocessing={"missing_channels": "zero"})
    weights = open_run(run).checkpoint("best")["model_state_dict"]
    model = experiment.task.open_model(experiment.settings, weights)
    results = experiment.task.score(
        experiment.settings, model, open_run(run), split="test", data=icu
    )
    assert results.split == "icu"
    assert [row["n_windows"] for row in results.rows] == [19]
    assert sum(row["n_fixations"] for row in results.windows) > 300
    assert results.windows[0]["missing_channels"] == "A1-T3 T4-A2"
    assert len(results.agreement.by_window) > 10
    for source in ("model", "envelope", "other_gaze", "ceiling"):
        assert math.isfinite(results.agreement.mean(source, "nss"))


def test_the_shared_corpus_is_trained_and_evaluated(experiment_of, tmp_path):
    torch.set_num_threads(1)
    experiment = experiment_of(
        data={
            "data_dir": str(SHARED / "gaze"),
            "cache_dir": str(tmp_path / "cache"),
            "window_size": 300.0,
            "batch_size": 2,
        },
        model={"attention_head": "per_channel", "gate": "normalized"},
    )
    prepared = experiment.task.prepare(experiment.settings)
    assert len(prepared.members()["test"]) == 5
    model = prepared.build_model()
    inputs, targets = next(iter(prepared.batches(1)))
    arrays = {name: torch.from_numpy(value) for name, value in targets.items()}
    figures = prepared.loss(model, torch.from_numpy(inputs), arrays, None)
    figures["loss"].backward()
    assert inputs.shape == (2, 22, 15000)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    found = prepared.evaluate(model.eval(), None)
    assert math.isfinite(found["val_gaze_nss"])


def test_windows_of_the_shared_corpus_have_their_own_gaze(experiment_of, tmp_path):
    experiment = experiment_of(
        data={
            "data_dir": str(SHARED / "gaze"),
            "cache_dir": str(tmp_path / "cache"),
            "window_size": 300.0,
        }
    )
    data, preprocessing = experiment.settings.data, experiment.settings.preprocessing
    entries = find_abnormality_recordings(data)
    cache = prepare_windows(entries, data, preprocessing)
    assert len(cache.windows) == 14
    assert [w.row.onset_s for w in cache.of(["0000006"])] == [0.0, 300.0]
    assert cache.of(["0000011"])[0].row.n_valid == 12000

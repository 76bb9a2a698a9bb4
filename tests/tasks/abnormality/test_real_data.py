"""Shared recordings: simulated EEG with gaze of real statistics, and a real one with real gaze."""

import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import neurorun
from neurorun.cli.attention import attention
from neurorun.core import to_json
from neurorun.data import find_abnormality_recordings, prepare_windows
from neurorun.reporting import write_report
from neurorun.runs import check_run, open_run
from neurorun.tasks import OtherData

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
ICU = SHARED / "eeg_edf" / "icu_subject01_epoch01_380s.edf"
STUDENT = SHARED / "eeg_edf" / "eegmat_Subject00_1.edf"
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


@pytest.fixture
def corpus_with(tmp_path):
    """Shared simulated recordings, and real ones in one part: ICU with real gaze, and a student."""

    def make(part):
        folder = tmp_path / f"icu-in-{part}"
        links = {
            folder / "edf" / path.relative_to(SHARED / "gaze" / "edf"): path
            for path in sorted((SHARED / "gaze" / "edf" / "train").rglob("*.edf"))
        }
        links |= {
            folder / "gaze" / path.name: path for path in (SHARED / "gaze" / "gaze").glob("*.json")
        }
        links[folder / "edf" / part / "abnormal" / "icu.edf"] = ICU
        links[folder / "edf" / part / "normal" / "student.edf"] = STUDENT
        links[folder / "gaze" / "icu.json"] = FIXATIONS
        for link, path in links.items():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
        return folder

    return make


@pytest.mark.slow
@pytest.mark.parametrize(("part", "split"), [("eval", "test"), ("train", "train")])
def test_the_whole_path_with_a_real_recording_and_real_gaze(
    corpus_with, settings_of, tmp_path, part, split
):
    """Windows of 300 s: prepared, trained on, scored, maps exported, pictures drawn."""
    torch.set_num_threads(1)
    settings = settings_of(
        corpus_with(part),
        data={
            "cache_dir": str(tmp_path / "cache"),
            "window_size": 300.0,
            "batch_size": 2,
            "split_seed": 7,
        },
        preprocessing={"missing_channels": "zero"},
        model={"attention_head": "per_channel", "gate": "normalized"},
        training={"epochs": 1},
    )
    config = tmp_path / "icu.yaml"
    config.write_text(to_json(settings))
    run = neurorun.train(config)
    opened = open_run(run)
    assert {"icu", "student"} <= set(opened.splits.by_name[split])
    told = CliRunner().invoke(attention, [str(run), "--split", split, "--pictures"])
    assert told.exit_code == 0, told.output
    kept = opened.of(split)
    found = kept.attention_maps()["icu_P0_S0"]
    assert found.shape == (22, 15000)
    assert found.origin.n_valid == 15000
    short = kept.attention_maps()["student_P0_S0"]
    assert short.origin.n_valid < 15000
    assert not short.attention_map[:, short.origin.n_valid :].any()
    assert check_run(run) == ()
    if split == "train":
        return
    (row,) = [row for row in kept.tables["windows"].rows if row["recording"] == "icu"]
    assert row["n_fixations"] > 200
    assert row["missing_channels"] == "A1-T3 T4-A2"
    by_window = kept.tables["gaze_agreement_by_window"].rows
    measured = [row for row in by_window if row["window"] == "icu_P0_S0"]
    nss = {row["source"]: row["nss"] for row in measured}
    assert math.isfinite(nss["model"])
    assert nss["ceiling"] > nss["envelope"]
    pictures = {name for name in kept.pictures if name.startswith("icu_P0_S0")}
    assert {"icu_P0_S0_strip", "icu_P0_S0_page_1", "icu_P0_S0_page_2"} <= pictures
    assert "icu" in write_report(run, tmp_path / "report.html").read_text()


def test_a_real_recording_with_real_fixations_is_scored_as_other_data(
    experiment_of, run, icu, tmp_path
):
    experiment = experiment_of(preprocessing={"missing_channels": "zero"})
    weights = open_run(run).checkpoint("best")["model_state_dict"]
    model = experiment.task.open_model(experiment.settings, weights)
    results = experiment.task.score(
        experiment.settings, model, open_run(run), split="test", data=OtherData.at(icu)
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

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from neurorun import experiment
from neurorun.core import ConfigError, DataError, MissingExtraError, RunError
from neurorun.runs import check_run, open_run

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("experiment")]

FILES = (
    "config.yaml",
    "metadata.json",
    "training_summary.txt",
    "final_results.yaml",
    "run.json",
    "splits.json",
    "epoch_statistics.csv",
    "predictions_eval.csv",
    "confusion_matrices.json",
    "class_distributions.json",
    "operating_points.json",
    "fa_curve.json",
    "metrics/complete_summary.json",
    "metrics/metrics.jsonl",
    "metrics/validation_metrics.json",
    "logs/training.log",
    "best_model.pth",
    "checkpoints/last.pt",
    "checkpoints/best.pt",
    "checkpoints/best_model.pth",
)


@pytest.mark.parametrize("name", FILES)
def test_a_finished_run_holds_every_file_of_its_kind(trained, name):
    assert (trained / name).is_file()


def test_a_finished_run_is_sound_and_complete(trained):
    run = open_run(trained)
    assert run.status == "completed"
    assert run.record.exit_reason == "all 2 epochs were trained"
    assert [finding for finding in check_run(trained) if finding.damaged] == []
    assert [row.epoch for row in run.epoch_rows] == [1, 2]
    assert set(run.events) == set(run.splits.validation)
    assert len(run.strips) > 0
    assert list((trained / "logs/tensorboard").iterdir())


def test_only_the_cache_of_balanced_training_has_a_manifest(trained):
    cache = Path(open_run(trained).config["data"]["cache_dir"])
    content = json.loads((cache / "train" / "manifest.json").read_text())
    assert content["partial_seizure"]
    assert not (cache / "val" / "manifest.json").exists()


def test_a_manifest_is_written_again_on_demand_and_when_it_is_stale(
    corpus, tmp_path, settings_for, write_settings, caplog, monkeypatch
):
    config = write_settings(tmp_path / "c.yaml", settings_for(corpus, tmp_path))
    experiment.train(config, overrides=["training.epochs=1"])
    path = tmp_path / "cache" / "train" / "manifest.json"
    whole = path.read_text()
    path.write_text('{"partial_seizure": [], "full_seizure": [], "no_seizure": [], "window": {}}')
    experiment.train(config, overrides=["training.epochs=1"])
    assert path.read_text() == whole
    assert "is empty; written again" in caplog.text
    monkeypatch.setenv("BGB_FORCE_MANIFEST_REBUILD", "1")
    experiment.train(config, overrides=["training.epochs=1"])
    assert "was asked for by BGB_FORCE_MANIFEST_REBUILD; written again" in caplog.text


def test_every_declared_metric_stands_in_every_row(trained):
    run = open_run(trained)
    names = {metric.name for metric in run.record.metrics}
    assert {"auroc", "taes", "sensitivity_at_10fa", "sensitivity_at_2_5fa"} <= names
    for row in run.epoch_rows:
        assert names <= set(row.values)


def test_patients_of_different_splits_differ(trained):
    splits = open_run(trained).splits
    patients = [set(members.values()) for members in splits.by_name.values()]
    assert all(patients)
    assert not patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2]


def test_the_best_checkpoint_opens_with_plain_torch(trained):
    checkpoint = torch.load(trained / "best_model.pth")
    assert checkpoint["epoch"] == open_run(trained).best_epoch
    assert checkpoint["config"]["task"] == "seizure_detection"
    assert all(isinstance(value, torch.Tensor) for value in checkpoint["model_state_dict"].values())


def test_the_same_configuration_and_seed_give_the_same_weights(
    trained, corpus, tmp_path, settings_for, write_settings
):
    again = experiment.train(write_settings(tmp_path / "t.yaml", settings_for(corpus, tmp_path)))
    first, second = (
        torch.load(run / "best_model.pth")["model_state_dict"] for run in (trained, again)
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert repr(open_run(trained).metrics) == repr(open_run(again).metrics)  # NaN equals NaN here


def test_training_ends_with_the_test_split_at_the_frozen_thresholds(trained):
    run = open_run(trained)
    assert run.scored_splits == ("test",)
    assert run.scores("test").checkpoint_epoch == run.best_epoch
    assert run.metrics["test"].keys() == run.metrics["validation"].keys() - {"val_loss"}


def test_what_is_kept_of_validation_is_kept_of_the_test_split(trained):
    run = open_run(trained)
    tested = run.of("test")
    assert {row["recording_id"] for row in run.scored_items("test")} == set(run.splits.test)
    assert set(tested.events) == set(run.splits.test)
    assert set(run.events) == set(run.splits.validation)
    assert set(tested.strips) <= set(run.splits.test)
    assert {one.dataset for one in run.confusion_matrices} == {"validation", "test"}
    assert {one.split for one in run.fa_curves} == {"validation", "test"}
    assert {one.chosen_on for one in run.operating_points} == {"validation"}


def test_resuming_a_finished_run_says_so(trained):
    with pytest.raises(RunError, match=r"has ended \(all 2 epochs were trained\)"):
        experiment.train(resume=trained)


def interrupted_copy(trained: Path, folder: Path) -> Path:
    """The same run as if its process had died in the second epoch."""
    copy = folder / trained.name
    shutil.copytree(trained, copy)
    record = (copy / "run.json").read_text()
    (copy / "run.json").write_text(record.replace('"status": "completed"', '"status": "running"'))
    return copy


def test_resuming_with_other_settings_is_refused(trained, tmp_path):
    copy = interrupted_copy(trained, tmp_path)
    assert open_run(copy).status == "interrupted"
    with pytest.raises(ConfigError, match=r"was begun with training.learning_rate = 0.0003"):
        experiment.train(resume=copy, overrides=["training.learning_rate=1e-2"])


def test_a_run_that_cannot_go_on_like_this_stays_as_it_is(trained, tmp_path):
    copy = interrupted_copy(trained, tmp_path)
    last = copy / "checkpoints/last.pt"
    torch.save({**torch.load(last), "n_processes": 2}, last)
    before = (copy / "run.json").read_bytes(), (copy / "logs/training.log").read_bytes()
    with pytest.raises(RunError, match=r"was trained in 2 process\(es\), now there are 1"):
        experiment.train(resume=copy)
    assert ((copy / "run.json").read_bytes(), (copy / "logs/training.log").read_bytes()) == before


def test_settings_that_may_change_are_told_in_the_log(trained, tmp_path):
    copy = interrupted_copy(trained, tmp_path)
    experiment.train(resume=copy, overrides=["training.checkpoint_interval=2"])
    told = "training.checkpoint_interval is 2 from here on; the run began with 0."
    assert told in (copy / "logs/training.log").read_text()
    assert (copy / "checkpoints/epoch_002.pth").exists()


def test_a_missing_package_is_told_before_caches_are_made(
    corpus, tmp_path, settings_for, write_settings, monkeypatch
):
    monkeypatch.setitem(sys.modules, "wandb", None)
    settings = settings_for(corpus, tmp_path)
    settings["experiment"]["wandb"] = {"enabled": True}
    with pytest.raises(MissingExtraError, match=r"neurorun\[wandb\]"):
        experiment.train(write_settings(tmp_path / "run.yaml", settings))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.yaml"]


def test_without_configuration_there_is_nothing_to_train():
    with pytest.raises(ConfigError, match=r"No configuration; give a file"):
        experiment.train()


@pytest.mark.parametrize(
    ("section", "key", "value", "error", "message"),
    [
        ("training", "early_stopping", {"metric": "roc"}, ConfigError, "metric is 'roc', which"),
        ("data", "data_dir", "nowhere", DataError, "data_dir 'nowhere' does not exist"),
        ("data", "n_channels", 18, ConfigError, "n_channels is 18, but .* has 19 channels"),
        ("data", "window_size", 300, DataError, "300"),
        ("preprocessing", "bandpass", [0.5, 200], ConfigError, "reach 200 Hz"),
        ("preprocessing", "montage", ["X1", "X2"], DataError, "X1"),
        ("model", "preset", "huge", ConfigError, "'model.preset' is 'huge'"),
        ("task", None, "sleep_staging", ConfigError, "task 'sleep_staging' is not known"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_it_begins(
    corpus, tmp_path, settings_for, write_settings, section, key, value, error, message
):
    settings = settings_for(corpus, tmp_path)
    if key is None:
        settings[section] = value
    else:
        settings.setdefault(section, {})[key] = value
    with pytest.raises(error, match=message):
        experiment.train(write_settings(tmp_path / "wrong.yaml", settings))
    assert not (tmp_path / "runs").exists()


def test_training_without_any_seizure_is_refused(corpus, tmp_path, settings_for, write_settings):
    quiet = tmp_path / "quiet"
    shutil.copytree(corpus, quiet)
    for path in quiet.rglob("*.csv_bi"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if ",seiz," not in line))
    settings = settings_for(quiet, tmp_path)
    with pytest.raises(DataError, match="border of a seizure"):
        experiment.train(write_settings(tmp_path / "quiet.yaml", settings))
    settings["data"]["use_balanced_sampling"] = False
    with pytest.raises(DataError, match="no seizure to learn from"):
        experiment.train(write_settings(tmp_path / "quiet.yaml", settings))


def test_one_damaged_recording_stops_nothing(corpus, tmp_path, settings_for, write_settings):
    copy = tmp_path / "corpus"
    shutil.copytree(corpus, copy)
    damaged = min((copy / "train").rglob("*.edf"))
    damaged.write_bytes(damaged.read_bytes()[:700])
    run = experiment.train(write_settings(tmp_path / "c.yaml", settings_for(copy, tmp_path)))
    left_out = open_run(run).metadata.data["caches"]["train"]["left_out"]
    assert list(left_out) == [damaged.stem]


def test_an_output_folder_that_cannot_be_written_is_named(
    corpus, tmp_path, settings_for, write_settings
):
    settings = settings_for(corpus, tmp_path)
    (tmp_path / "file").write_text("")
    settings["experiment"]["output_dir"] = str(tmp_path / "file" / "runs")
    with pytest.raises(RunError, match="runs"):
        experiment.train(write_settings(tmp_path / "c.yaml", settings))


def test_a_division_by_files_says_that_its_scores_are_too_good(
    corpus, tmp_path, settings_for, write_settings, caplog
):
    settings = settings_for(corpus / "train", tmp_path)
    settings["data"] |= {"split_policy": "filewise", "validation_split": 0.5, "dataset": "folder"}
    settings["data"] |= {"patient_pattern": "^(.)", "use_balanced_sampling": False}
    settings["evaluation"]["save_predictions"] = True
    run = open_run(experiment.train(write_settings(tmp_path / "c.yaml", settings)))
    assert run.splits.shared_patients
    assert "too good" in caplog.text or "leak" in caplog.text
    assert set(run.probabilities) == set(run.splits.validation)


def test_an_interrupted_training_says_how_to_go_on(
    corpus, tmp_path, settings_for, write_settings, caplog, monkeypatch
):
    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    config = write_settings(tmp_path / "c.yaml", settings_for(corpus, tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(import_module("neurorun.experiment.train"), "fit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            experiment.train(config)
    said = next(line for line in caplog.messages if line.startswith("To go on:"))
    run = said.removeprefix("To go on: neurorun train --resume ")
    experiment.train(resume=run)
    assert open_run(run).status == "completed"


def test_a_test_split_that_cannot_be_read_is_told_before_training(
    corpus, tmp_path, settings_for, write_settings
):
    broken = Path(shutil.copytree(corpus, tmp_path / "corpus"))
    for path in (broken / "eval").rglob("*.edf"):
        path.write_bytes(path.read_bytes()[:1000])
    settings = settings_for(broken, tmp_path)
    with pytest.raises(DataError, match=r"cache/test. holds none of its 1 recordings"):
        experiment.train(write_settings(tmp_path / "run.yaml", settings))
    assert not (tmp_path / "runs").exists()

import errno
import logging
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from neurorun.core import ConfigError, Metric, RunError
from neurorun.runs import check_run, create, create_run, list_runs, open_run, resume_run, start_run
from neurorun.runs.metadata import read_metadata, write_metadata

pytestmark = pytest.mark.unit

LOSS = Metric("val_loss", "lower", "1", "")


def test_folder_is_named_by_time_and_experiment(new_run):
    with new_run() as run:
        pass
    assert re.fullmatch(r"\d{8}_\d{6}-demo", run.folder.name)
    assert run.name == run.folder.name


def test_name_of_gaze_experiments_is_one_setting_away(new_run):
    with new_run(run_name="run_{timestamp}") as run:
        pass
    assert re.fullmatch(r"run_\d{8}_\d{6}", run.folder.name)


def test_runs_of_one_name_get_numbers(new_run):
    runs = []
    for _ in range(3):
        with new_run(run_name="same") as run:
            runs.append(run)
    assert [run.folder.name for run in runs] == ["same", "same-2", "same-3"]
    assert [open_run(run.folder).name for run in runs] == ["same", "same-2", "same-3"]
    assert read_metadata(runs[1].folder).run_directory == "same-2"
    assert len({run.run_id for run in runs}) == 3


def test_process_that_was_faster_keeps_the_name(new_run, monkeypatch):
    with new_run(run_name="same") as first:
        pass
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with new_run(run_name="same") as second:
        pass
    assert second.folder.name == "same-2"
    assert open_run(first.folder).record.run_id == first.run_id


def test_new_run_knows_everything_that_is_known_at_the_start(new_run):
    run = new_run(resumed_from="0123")
    opened = open_run(run.folder)
    assert (opened.status, opened.best_epoch, opened.epoch_rows) == ("running", None, ())
    assert opened.config["training"] == {"epochs": 3, "batch_size": 4, "learning_rate": 3e-4}
    assert opened.config["data"] == {"data_dir": "corpus"}
    record = opened.record
    assert (record.seed, record.epochs_planned, record.monitor) == (7, 3, "sensitivity_at_10fa")
    assert record.command == ("neurorun", "train", "demo.yaml")
    assert record.resumed_from == "0123"
    assert opened.metadata.data == {"dataset": "simulated", "n_recordings": 3}
    assert opened.metadata.source.state
    assert "begins" in opened.log
    run.finish()


def test_nothing_but_whole_runs_is_ever_visible(new_run, tmp_path, monkeypatch):
    seen = []
    original = Path.rename

    def look_and_rename(path, target):
        seen.append(list_runs(tmp_path / "runs"))
        return original(path, target)

    monkeypatch.setattr(Path, "rename", look_and_rename)
    with new_run():
        pass
    assert seen == [()]
    assert len(list_runs(tmp_path / "runs")) == 1


def test_monitored_metric_must_be_declared(new_run, tmp_path):
    with pytest.raises(RunError, match="monitored metric is 'f1'"):
        new_run(monitor="f1")
    assert not (tmp_path / "runs").exists()


def test_wrong_name_and_settings_are_refused_before_anything_is_written(new_run, tmp_path):
    with pytest.raises(ConfigError, match="placeholder"):
        new_run(run_name="{day}")
    with pytest.raises(RunError, match="Setting 'x' is"):
        new_run(config={"x": object()})
    with pytest.raises(RunError, match="Setting 'x' is"):
        new_run(data_identity={"x": object()})
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_folder_without_write_permission_is_told_in_one_line(new_run, tmp_path):
    (tmp_path / "runs").mkdir(mode=0o500)
    with pytest.raises(RunError, match=r"Cannot make a run folder .*Permission denied"):
        new_run()


@pytest.mark.parametrize("call", ["mkdir", "rename"])
def test_folder_that_refuses_is_told_in_one_line(new_run, tmp_path, monkeypatch, call):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(RunError, match=r"Cannot make a run folder in .*: Read-only file system"):
        new_run()
    monkeypatch.undo()
    assert not any((tmp_path / "runs").glob("*"))


def test_full_disk_at_the_start_leaves_nothing(new_run, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunError, match=r"Cannot make a run folder in .*No space left on device"):
        new_run()
    assert not any((tmp_path / "runs").iterdir())


def test_resumed_run_goes_on_in_its_folder(finished):
    run = resume_run(finished)
    assert open_run(finished).status == "running"
    run.rewind(3)
    run.log_epoch(4, {"val_loss": 0.25, "sensitivity_at_10fa": 0.875})
    run.finish()
    opened = open_run(finished)
    assert [row.epoch for row in opened.epoch_rows] == [1, 2, 3, 4]
    assert opened.best_epoch == 4
    assert list(opened.epoch_rows[3].values) == list(opened.epoch_rows[0].values)
    assert [(r.after_epoch, r.epochs_cut) for r in opened.record.resumptions] == [(3, 0)]
    assert opened.log.count("begins") == opened.log.count("goes on after epoch 3") == 1


def test_failed_run_is_no_longer_failed_when_it_is_resumed(new_run):
    run = new_run()
    with pytest.raises(ValueError, match="boom"), run:
        raise ValueError("boom")
    with resume_run(run.folder):
        assert open_run(run.folder).record.error is None
    assert open_run(run.folder).status == "completed"


def test_resuming_mends_links_and_clears_leftovers(finished):
    (finished / "checkpoints/best.pt").unlink()
    (finished / "metrics/.metrics.jsonl.ab12.tmp").write_text("torn")
    (finished / "epoch_statistics.csv").unlink()
    with (finished / "metrics/metrics.jsonl").open("a") as stream:
        stream.write('{"epoch": 4, "val')
    with resume_run(finished):
        pass
    assert (finished / "checkpoints/best.pt").samefile(finished / "best_model.pth")
    assert (finished / "epoch_statistics.csv").exists()
    assert len((finished / "metrics/metrics.jsonl").read_text().splitlines()) == 3
    assert not list(finished.rglob(".*.tmp"))


def test_run_that_is_being_written_cannot_be_resumed(new_run, monkeypatch):
    monkeypatch.setattr("neurorun.runs.lock._PATIENCE_S", 0.05)
    run = new_run()
    with pytest.raises(RunError, match="is being written by another process"):
        resume_run(run.folder)
    run.finish()


def test_only_run_folders_can_be_resumed(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        resume_run(tmp_path)
    assert not list(tmp_path.iterdir())


def test_run_that_cannot_be_resumed_stays_as_it_was(finished, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(RunError, match="No space left on device"):
            resume_run(finished)
    (finished / "checkpoints/best.pt").unlink()
    with monkeypatch.context() as refusing:
        refusing.setattr(Path, "replace", refuse)
        with pytest.raises(RunError, match=r"Cannot write into run folder .*No space left"):
            resume_run(finished)
    assert open_run(finished).status == "completed"
    resume_run(finished).finish()
    assert check_run(finished) == ()


def test_damaged_settings_do_not_keep_the_lock(finished):
    config = finished / "config.yaml"
    whole = config.read_text()
    config.write_text("- 1")
    with pytest.raises(Exception, match="holds a list"):
        resume_run(finished)
    assert open_run(finished).status == "completed"
    config.write_text(whole)
    resume_run(finished).finish()


def test_other_packages_on_resume_are_logged(finished, caplog):
    metadata = read_metadata(finished)
    packages = metadata.environment.packages | {"numpy": "1.0", "gone": "2.0"}
    changed = replace(metadata, environment=replace(metadata.environment, packages=packages))
    write_metadata(finished, changed)
    with caplog.at_level(logging.WARNING), resume_run(finished):
        pass
    assert "the run was begun with 1.0" in caplog.text
    assert "Resumed with gone (absent); the run was begun with 2.0" in caplog.text


def test_loop_of_ones_own_needs_a_name_and_a_direction(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with start_run("runs", "mine", monitor="val_iou", better="higher", metrics=[LOSS]) as run:
        for epoch in (1, 2, 3):
            run.log_epoch(epoch, {"train_loss": 1 / epoch, "val_iou": [0.2, 0.4, 0.3][epoch - 1]})
    opened = open_run(run.folder)
    assert (opened.best_epoch, opened.config) == (2, {})
    assert [metric.name for metric in opened.record.metrics] == ["val_loss", "val_iou"]


def test_direction_must_agree_with_the_declaration(tmp_path):
    with pytest.raises(RunError, match="better is 'higher', but metric 'val_loss' is declared as"):
        start_run(tmp_path, "mine", monitor="val_loss", better="higher", metrics=[LOSS])


def test_declared_metric_may_be_monitored(tmp_path):
    with start_run(tmp_path, "mine", monitor="val_loss", better="lower", metrics=[LOSS]) as run:
        run.log_epoch(1, {"val_loss": 0.5})
    assert open_run(run.folder).record.metrics == (LOSS,)


def test_command_is_what_was_typed(tmp_path, monkeypatch):
    monkeypatch.setattr(create.sys, "argv", ["train.py", "--lr", "1e-4"])
    with create_run(tmp_path, "x", config={}, metrics=[LOSS], monitor="val_loss") as run:
        pass
    assert open_run(run.folder).record.command == ("train.py", "--lr", "1e-4")

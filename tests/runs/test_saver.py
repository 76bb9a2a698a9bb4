import errno
import json
import logging
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from neurorun.core import RunError
from neurorun.runs import Source, check_run, open_run, save_experiment_data
from neurorun.runs.settings import to_yaml

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).resolve().parents[2] / "../shared/data/experiment_record"
CONFIG = {
    "experiment": {"name": "unified_smoke"},
    "project_name": "crack-segmentation",
    "model": {"_target_": "crackseg.model.SwinV2CnnAsppUNet"},
    "data": {"dataset_path": "data/unified"},
    "training": {"epochs": 100, "batch_size": 4, "learning_rate": 1e-4},
}


def save(folder, **changes):
    arguments = {
        "experiment_config": CONFIG,
        "final_metrics": {"val_iou": 0.5, "val_loss": 0.25},
        "best_epoch": 2,
        "training_time": 12.5,
        "train_losses": {1: 0.5, 2: 0.4, 3: 0.3},
        "val_losses": {1: 0.5, 2: 0.2, 3: 0.25},
        "val_ious": {1: 0.3, 2: 0.6, 3: 0.5},
        "val_f1s": {},
        "val_precisions": {},
        "val_recalls": {},
        "val_dices": {},
        "val_accuracies": {},
        "best_metrics": {"iou": 0.6, "loss": 0.2},
        "log_file": folder.parent / "training.log",
    }
    return save_experiment_data(folder, **(arguments | changes))


def rows_in(folder):
    lines = (folder / "metrics/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key != "timestamp"}
    return value


@pytest.mark.skipif(not GOLDEN.exists(), reason="the shared sample is not here")
def test_golden_sample_is_reproduced_key_by_key(tmp_path, monkeypatch):
    cuda = SimpleNamespace(is_available=lambda: False, device_count=lambda: 0)
    torch = SimpleNamespace(
        __version__="2.13.0", version=SimpleNamespace(cuda=None), cuda=cuda,
        get_num_threads=lambda: 1, are_deterministic_algorithms_enabled=lambda: False,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch", torch)
    golden = GOLDEN / "20250114-093012-unified_smoke"
    inputs = json.loads((GOLDEN / f"{golden.name}.inputs.json").read_text())
    monkeypatch.chdir(golden / "logs")
    folder = tmp_path / golden.name
    written = save_experiment_data(folder, **inputs)

    expected = json.loads((golden / "metrics/complete_summary.json").read_text())
    found = json.loads((folder / "metrics/complete_summary.json").read_text())
    assert list(found)[: len(expected)] == list(expected)
    assert without_times({key: found[key] for key in expected}) == without_times(expected)

    for line, row in zip(rows_in(golden), rows_in(folder), strict=True):
        assert list(row) == list(line)
        assert without_times(row) == without_times(line)

    for name in ("metrics/validation_metrics.json", "final_results.yaml"):
        assert yaml.safe_load((folder / name).read_text()) == yaml.safe_load(
            (golden / name).read_text()
        )
    log = "logs/training.log"
    assert (folder / log).read_bytes() == (golden / log).read_bytes()
    for key in ("summary", "metrics", "validation", "logs", "final_results"):
        assert written[key].relative_to(folder).as_posix() in {
            path.relative_to(golden).as_posix() for path in golden.rglob("*")
        }


def test_changes_to_the_source_are_of_the_run_and_go_with_it(tmp_path, monkeypatch):
    changed = (Source("changed", commit="c", patch="source.patch"), b"+ line\n")
    with monkeypatch.context() as patch:
        patch.setattr("neurorun.runs.metadata.source_of", lambda *_, **__: changed)
        save(tmp_path / "b")
    assert (tmp_path / "b" / "source.patch").read_bytes() == b"+ line\n"
    assert check_run(tmp_path / "b") == ()
    monkeypatch.setattr("neurorun.runs.metadata.source_of", lambda *_, **__: (Source("clean"), b""))
    save(tmp_path / "b", overwrite=True)
    assert not (tmp_path / "b" / "source.patch").exists()
    assert check_run(tmp_path / "b") == ()


def test_saved_folder_is_a_run_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "training.log").write_text("Epoch 1\n")
    written = save(tmp_path / "a" / "b")
    run = open_run(tmp_path / "a" / "b")
    assert (run.status, run.best_epoch, run.record.monitor) == ("completed", 2, "val_iou")
    assert run.config["training"]["epochs"] == 100
    assert run.metrics["validation"]["val_loss"] == 0.2
    assert (run.record.epochs_planned, len(run.epoch_rows)) == (100, 3)
    assert check_run(run.path) == ()
    assert all(path.is_file() for path in written.values())
    assert set(written) == {
        "summary", "metrics", "validation", "logs", "final_results", "config", "metadata",
        "epochs", "text", "run",
    }  # fmt: skip


def test_gaps_and_early_stop_leave_null_not_zero(tmp_path):
    save(tmp_path / "x", train_losses={1: 0.5, 2: None, 5: math.nan}, val_accuracies=None)
    rows = rows_in(tmp_path / "x")
    assert [row["epoch"] for row in rows] == [1, 2, 3, 5]
    assert [row["train_loss"] for row in rows] == [0.5, None, None, None]
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert all(row["val_accuracy"] is None for row in rows)


def test_further_histories_become_further_columns(tmp_path):
    save(tmp_path / "x", val_maes={2: 1.5}, learning_rates={1: 1e-4}, gradient_norms={3: 2.0})
    rows = rows_in(tmp_path / "x")
    assert list(rows[0])[-4:] == ["val_mae", "learning_rate", "gradient_norm", "timestamp"]
    assert [row["val_mae"] for row in rows] == [None, 1.5, None]
    header = (tmp_path / "x/epoch_statistics.csv").read_text().splitlines()[0]
    assert header.endswith("eval_mae,lr,gradient_norm,timestamp")


@dataclass
class Experiment:
    name: str


class Scalar:
    """What PyTorch's tensors of one number look like."""

    size = shape = ()

    def item(self):
        return 0.25


@pytest.mark.parametrize("number", [np.float32(0.25), np.float64(0.25), np.array(0.25), Scalar()])
def test_numbers_of_every_library_are_saved_as_numbers(tmp_path, number):
    save(
        tmp_path / "x",
        final_metrics={"val_iou": number},
        best_metrics={"iou": number},
        train_losses={1: number},
        training_time=number,
    )
    for name in ("complete_summary.json", "validation_metrics.json"):
        assert "0.25" in (tmp_path / "x/metrics" / name).read_text()
    assert yaml.safe_load((tmp_path / "x/final_results.yaml").read_text()) == {"val_iou": 0.25}
    assert rows_in(tmp_path / "x")[0]["train_loss"] == 0.25


@pytest.mark.parametrize(
    "config",
    [
        {**CONFIG, "experiment": Experiment("unified_smoke")},
        SimpleNamespace(**CONFIG),
    ],
)
def test_configurations_of_every_kind_are_saved(tmp_path, config):
    save(tmp_path / "x", experiment_config=config)
    assert open_run(tmp_path / "x").config["experiment"] == {"name": "unified_smoke"}


def test_omegaconf_is_resolved(tmp_path):
    omegaconf = pytest.importorskip("omegaconf")
    config = omegaconf.OmegaConf.create({**CONFIG, "copy": "${training.epochs}", "list": [1]})
    save(tmp_path / "x", experiment_config=config)
    found = open_run(tmp_path / "x").config
    assert (found["copy"], found["list"]) == (100, [1])


def test_names_of_every_script_are_kept(tmp_path):
    folder = tmp_path / "Versuch_ü_日本"
    save(folder, experiment_config={**CONFIG, "project_name": "Риски"}, log_file="протокол.log")
    assert "Риски" in (folder / "metrics/complete_summary.json").read_text(encoding="utf-8")
    assert open_run(folder).name == "Versuch_ü_日本"


def test_undefined_metrics_are_null_in_every_file(tmp_path):
    save(tmp_path / "x", final_metrics={"val_iou": math.nan, "val_f1": None, "val_loss": math.inf})
    for path in (tmp_path / "x").rglob("*.json*"):
        assert not {"NaN", "Infinity"} & set(path.read_text().replace(",", " ").split())
    results = yaml.safe_load((tmp_path / "x/final_results.yaml").read_text())
    assert results == {"val_iou": None, "val_f1": None, "val_loss": None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiment_config": {"data": {}, "training": {"epochs": 3, "learning_rate": 1e-4}}},
         r"lacks experiment.name, project_name, model._target_, training.batch_size; the summary"),
        ({"experiment_config": {**CONFIG, "x": object()}}, "Setting 'x' is"),
        ({"final_metrics": None}, "final_metrics is a NoneType; a dict from name to number"),
        ({"final_metrics": {"val_iou": "0.3"}}, r"final_metrics\['val_iou'\] is '0.3' of type str"),
        ({"best_metrics": {"iou": [1]}}, r"best_metrics\['iou'\] is \[1\]"),
        ({"best_metrics": {"epoch": 3}}, "holds the epoch 3, best_epoch is 2; they must agree"),
        ({"best_epoch": None}, "best_epoch is None; the number of an epoch is needed"),
        ({"best_epoch": 1.5}, "best_epoch is 1.5; the number of an epoch is needed"),
        ({"training_time": -1.0}, "training_time is -1.0; seconds, at least 0"),
        ({"training_time": None}, "training_time is nan; seconds"),
        ({"train_losses": [0.5]}, "train_losses is a list; a dict from epoch to number"),
        ({"val_ious": {1: np.zeros(2)}}, r"val_ious\[1\] holds an array of shape \(2,\)"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_before_the_first_byte(tmp_path, changes, message):
    with pytest.raises(RunError, match=message):
        save(tmp_path / "x", **changes)
    assert not (tmp_path / "x").exists()


def test_results_are_replaced_only_when_asked(tmp_path):
    save(tmp_path / "x")
    before = (tmp_path / "x/metrics/metrics.jsonl").read_bytes()
    with pytest.raises(RunError, match=r"already holds metrics/complete_summary.json, .*overwrite"):
        save(tmp_path / "x", train_losses={1: 9.0})
    assert (tmp_path / "x/metrics/metrics.jsonl").read_bytes() == before
    save(tmp_path / "x", train_losses={1: 9.0}, overwrite=True)
    assert rows_in(tmp_path / "x")[0]["train_loss"] == 9.0
    assert check_run(tmp_path / "x") == ()


def test_log_of_another_run_is_not_replaced_unasked(tmp_path):
    (tmp_path / "x/logs").mkdir(parents=True)
    (tmp_path / "x/logs/training.log").write_text("older")
    (tmp_path / "training.log").write_text("newer")
    with pytest.raises(RunError, match=r"already holds logs/training.log"):
        save(tmp_path / "x")
    save(tmp_path / "x", overwrite=True)
    assert (tmp_path / "x/logs/training.log").read_text() == "newer"


def test_log_that_lies_where_it_belongs_stays(tmp_path):
    log = tmp_path / "x/logs/training.log"
    log.parent.mkdir(parents=True)
    log.write_text("Epoch 1")
    assert save(tmp_path / "x", log_file=log)["logs"] == log
    assert log.read_text() == "Epoch 1"


@pytest.mark.parametrize("name", ["my_experiment.log", "sub/run.log"])
def test_log_of_any_name_and_place_becomes_training_log(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("Epoch 1")
    assert save(tmp_path / "x", log_file=name)["logs"].read_text() == "Epoch 1"


def test_each_file_is_told_in_one_line_and_a_missing_log_is_warned_about(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        written = save(tmp_path / "x", log_file="absent.log")
    assert "logs" not in written
    told = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    assert sorted(told) == sorted(f"Wrote '{path}'." for path in written.values())
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.getMessage() == "'absent.log' does not exist; the run is saved without a log."


def test_configuration_that_is_there_is_kept(tmp_path, caplog):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/config.yaml").write_text("mine: 1\n")
    assert "config" not in save(tmp_path / "x")
    assert open_run(tmp_path / "x").config == {"mine": 1}
    assert "is there already and is kept as it is" in caplog.text
    save(tmp_path / "x", overwrite=True)
    assert open_run(tmp_path / "x").config["training"]["epochs"] == 100


def test_equal_configuration_is_no_matter(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/config.yaml").write_text(to_yaml(CONFIG))
    save(tmp_path / "x")
    assert check_run(tmp_path / "x") == ()


def test_best_model_gets_its_other_names(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/best_model.pth").write_bytes(b"weights")
    save(tmp_path / "x")
    assert (tmp_path / "x/checkpoints/best_model.pth").read_bytes() == b"weights"
    notes = check_run(tmp_path / "x")
    assert {note.path for note in notes} == {"best_model.pth", "checkpoints/best.pt"}
    assert not any(note.damaged for note in notes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"best_epoch": 3}, "best val_iou in epoch 2"), ({"val_ious": {1: None}}, None)],
)
def test_best_epoch_that_the_histories_contradict_is_warned_about(tmp_path, caplog, changes, told):
    save(tmp_path / "x", **changes)
    found = [text for text in caplog.messages if "the histories have their best" in text]
    assert (told in found[0]) if told else not found
    summary = json.loads((tmp_path / "x/metrics/complete_summary.json").read_text())
    assert summary["best_epoch"] == changes.get("best_epoch", 2)


def test_histories_without_any_known_number_have_no_best(tmp_path, caplog):
    save(tmp_path / "x", train_losses=None, val_losses=None, val_ious=None, val_maes={1: 0.5})
    assert "have their best val_iou in epoch (none)" in caplog.text
    assert open_run(tmp_path / "x").best_epoch is None


def test_full_disk_is_told_with_the_file_and_the_folder_is_no_run(tmp_path, monkeypatch, caplog):
    calls = []

    def refuse_the_fifth(_):
        calls.append(1)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse_the_fifth)
    with pytest.raises(RunError, match=r"Cannot write '.*validation_metrics.json': No space left"):
        save(tmp_path / "x")
    assert caplog.records[-1].levelname == "ERROR"
    assert "Could not write" in caplog.text
    with pytest.raises(RunError, match="is not a run folder"):
        open_run(tmp_path / "x")
    monkeypatch.undo()
    save(tmp_path / "x", overwrite=True)
    assert check_run(tmp_path / "x") == ()


@pytest.mark.integration
def test_training_script_needs_nothing_but_the_function(tmp_path):
    script = (
        "import sys; from pathlib import Path; from neurorun.runs import save_experiment_data;"
        f"config = {CONFIG!r};"
        "empty = {}; save_experiment_data(experiment_dir=Path(sys.argv[1]) / 'x',"
        "experiment_config=config, final_metrics={'val_iou': 0.5}, best_epoch=1,"
        "training_time=1.0, train_losses={1: 0.5}, val_losses=empty, val_ious={1: 0.5},"
        "val_f1s=empty, val_precisions=empty, val_recalls=empty, val_dices=empty,"
        "val_accuracies=empty, best_metrics={'iou': 0.5}, log_file='my_experiment.log');"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
    summary = json.loads((tmp_path / "x/metrics/complete_summary.json").read_text())
    assert summary["hardware_info"] == {"device": None, "cuda_available": None, "gpu_name": None}

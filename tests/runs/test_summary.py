import json
import math
import subprocess
import sys
from types import SimpleNamespace

import pytest

from neurorun.core import FormatError, Metric
from neurorun.runs.metrics_log import EpochRow
from neurorun.runs.settings import Headline
from neurorun.runs.summary import (
    SUMMARY,
    HardwareInfo,
    hardware_seen,
    read_summary,
    summarize,
    validation_values,
    write_summary,
)

pytestmark = pytest.mark.unit

IOU = Metric("val_iou", "higher", "1", "")
TAES = Metric("taes", "higher", "1", "")
ROWS = (
    EpochRow(1, {"train_loss": 0.5, "val_iou": 0.75, "taes": 0.1, "elapsed_s": 10.0}, "t1"),
    EpochRow(2, {"train_loss": 0.25, "val_iou": math.nan, "taes": 0.2, "elapsed_s": 20.5}, "t2"),
)


def summary_of(rows):
    return summarize(
        rows,
        headline=Headline("x", None, "unet", "corpus", 8, 4, 1e-4),
        metrics=[IOU, TAES],
        monitored=IOU,
        hardware=HardwareInfo("cpu", False, "CPU"),
        timestamp="now",
    )


def test_summary_tells_the_last_epoch_and_the_best(tmp_path):
    write_summary(tmp_path, summary_of(ROWS))
    assert json.loads((tmp_path / SUMMARY).read_text()) == {
        "experiment_name": "x",
        "project_name": None,
        "model_type": "unet",
        "dataset": "corpus",
        "training_epochs": 8,
        "batch_size": 4,
        "learning_rate": 1e-4,
        "final_metrics": {"val_iou": None, "taes": 0.2},
        "best_epoch": 1,
        "total_training_time": 20.5,
        "timestamp": "now",
        "hardware_info": {"device": "cpu", "cuda_available": False, "gpu_name": "CPU"},
        "epochs_run": 2,
    }


def test_summary_comes_back(tmp_path):
    summary = summary_of(ROWS[:1])
    write_summary(tmp_path, summary)
    assert read_summary(tmp_path) == summary


def test_without_a_defined_value_there_is_no_best_epoch():
    assert summary_of(ROWS[1:]).best_epoch is None


def test_damaged_summary_is_told(tmp_path):
    write_summary(tmp_path, summary_of(ROWS))
    path = tmp_path / SUMMARY
    path.write_text(path.read_text().replace('"best_epoch": 1', '"best_epoch": "1"'))
    with pytest.raises(FormatError, match="at best_epoch: input should be a valid integer"):
        read_summary(tmp_path)


def test_validation_values_are_declared_metrics_and_everything_called_val():
    assert list(validation_values(ROWS[0], [TAES])) == ["val_iou", "taes"]


def fake_torch(cuda):
    return SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: cuda, get_device_name=lambda _: "H200")
    )


@pytest.mark.parametrize(
    ("torch", "device", "seen"),
    [
        (None, None, HardwareInfo(None, None, None)),
        (None, "cpu", HardwareInfo("cpu", None, None)),
        (fake_torch(False), None, HardwareInfo("cpu", False, "CPU")),
        (fake_torch(True), None, HardwareInfo("cuda", True, "H200")),
        (fake_torch(True), "cpu", HardwareInfo("cpu", True, "H200")),
    ],
)
def test_hardware_is_what_the_process_knows(monkeypatch, torch, device, seen):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    if torch is not None:
        monkeypatch.setitem(sys.modules, "torch", torch)
    assert hardware_seen(device) == seen


def test_room_does_without_heavy_libraries():
    script = (
        "import sys, neurorun.runs; from neurorun.runs.summary import hardware_seen;"
        "hardware_seen(); print({'torch', 'pandas', 'scipy', 'matplotlib', 'mne', 'edfio'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"

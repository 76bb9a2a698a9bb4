import json
import math
from pathlib import Path

import pytest

from neurorun.core import RunError
from neurorun.runs import check_run, import_original, open_run, resume_run

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).resolve().parents[2] / "../shared/data/experiment_record"
NAMES = ("train_loss", "val_loss", "val_iou", "val_f1")


def original_in(folder, lines, **summary):
    (folder / "metrics").mkdir(parents=True)
    rows = [
        line if isinstance(line, str)
        else json.dumps(dict(zip(("epoch", *NAMES, "timestamp"), (*line, ""), strict=True)))
        for line in lines
    ]  # fmt: skip
    (folder / "metrics/metrics.jsonl").write_text("".join(row + "\n" for row in rows))
    told = {
        "experiment_name": "Straße", "project_name": "p", "model_type": "x.UNet",
        "dataset": "unknown", "training_epochs": 5, "batch_size": 4, "learning_rate": 1e-4,
        "final_metrics": {"val_iou": "tensor(0.3000)"}, "best_epoch": 2,
        "total_training_time": 12.5, "timestamp": "2025-01-14T09:30:13", **summary,
        "hardware_info": {"device": "cuda", "cuda_available": True, "gpu_name": "GPU"},
    }  # fmt: skip
    (folder / "metrics/complete_summary.json").write_text(json.dumps(told))
    return folder


USUAL = [(1, 0.5, 0.6, 0.25, 0.0), (2, 0.25, 0.5, 0.75, 0.0), (3, 0.0, 0.0, 0.0, 0.0)]


@pytest.mark.skipif(not GOLDEN.exists(), reason="the shared sample is not here")
def test_golden_sample_becomes_a_run(tmp_path):
    imported = import_original(GOLDEN / "20250114-093012-unified_smoke", tmp_path / "run")
    run = open_run(imported.folder)
    assert (run.status, run.best_epoch, run.record.monitor) == ("completed", 6, "val_iou")
    assert run.metrics["validation"]["val_iou"] == 0.559182
    assert [row.epoch for row in run.epoch_rows] == list(range(1, 9))
    assert run.config["model"]["_target_"] == "crackseg.model.SwinV2CnnAsppUNet"
    assert "unified_smoke" in run.record.experiment
    assert run.log
    assert check_run(run.path) == ()


def test_zeros_that_cannot_be_measurements_are_told_as_missing(tmp_path):
    imported = import_original(original_in(tmp_path / "a", USUAL), tmp_path / "run")
    run = open_run(imported.folder)
    assert [row.epoch for row in run.epoch_rows] == [1, 2]
    assert all(math.isnan(row.values["val_f1"]) for row in run.epoch_rows)
    assert run.epoch_rows[1].values["val_iou"] == 0.75
    told = "\n".join(imported.missing)
    assert "1 epochs (3 to 3) hold only zeros; they were planned and not run" in told
    assert "val_f1 is 0.0 in every epoch and is taken as not measured" in told
    assert "config.yaml was not written" in told
    assert run.metadata.data["missing"] == list(imported.missing)
    assert run.metadata.environment.python == "not recorded"
    assert run.record.epochs_planned == 5
    assert check_run(run.path) == ()


def test_summary_of_the_import_keeps_time_and_hardware(tmp_path):
    import_original(original_in(tmp_path / "a", USUAL), tmp_path / "run")
    summary = json.loads((tmp_path / "run/metrics/complete_summary.json").read_text())
    assert summary["total_training_time"] == 12.5
    assert summary["hardware_info"]["gpu_name"] == "GPU"
    assert summary["dataset"] is None


def test_lines_that_are_cut_or_hold_bare_nan_are_read_as_far_as_they_go(tmp_path):
    nan = '{"epoch": 3, "train_loss": NaN, "val_loss": Infinity, "val_iou": 0.5, "timestamp": ""}'
    lines = [*USUAL[:2], '{"epoch": ', "[1, 2]", '{"epoch": "x"}', nan]
    imported = import_original(original_in(tmp_path / "a", lines), tmp_path / "run")
    run = open_run(imported.folder)
    assert [row.epoch for row in run.epoch_rows] == [1, 2, 3]
    assert math.isnan(run.epoch_rows[2].values["train_loss"])
    assert [s for s in imported.missing if "is no row of an epoch" in s] == [
        f"metrics/metrics.jsonl: line {n} is no row of an epoch and is left out." for n in (3, 4, 5)
    ]


@pytest.mark.parametrize("content", ["{", "[]", None])
def test_damaged_summary_is_told_and_the_rest_is_kept(tmp_path, content):
    folder = original_in(tmp_path / "a", USUAL)
    path = folder / "metrics/complete_summary.json"
    path.write_text(content) if content else path.unlink()
    imported = import_original(folder, tmp_path / "run")
    assert any(s.startswith("metrics/complete_summary.json") for s in imported.missing)
    assert open_run(imported.folder).best_epoch == 2
    assert check_run(imported.folder) == ()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("training: {learning_rate: 1e-4, epochs: 7}\n", True),
        ("training: {epochs: '${x}'}\n", False),
        ("a: [", False),
        ("- list\n", False),
    ],
)
def test_configuration_beside_it_is_kept_if_it_can_be_read(tmp_path, text, kept):
    folder = original_in(tmp_path / "a", USUAL)
    (folder / "config.yaml").write_text(text)
    imported = import_original(folder, tmp_path / "run")
    settings = open_run(imported.folder).config
    assert settings["training"]["learning_rate"] == 1e-4
    assert settings["training"]["epochs"] == (7 if kept else 5)
    assert any("config.yaml cannot be used" in s for s in imported.missing) is not kept


def test_weights_and_logs_of_any_name_are_kept(tmp_path):
    folder = original_in(tmp_path / "a", USUAL)
    (folder / "logs").mkdir()
    (folder / "logs/my.log").write_text("Epoch 1\n")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/best_model.pth").write_bytes(b"best")
    (folder / "checkpoints/epoch_2.pth").write_bytes(b"two")
    (folder / "checkpoints/epoch_x.pth").write_bytes(b"none")
    run = open_run(import_original(folder, tmp_path / "run").folder)
    assert run.log == "Epoch 1\n"
    assert run.checkpoint_path().read_bytes() == b"best"
    assert run.checkpoint_path("epoch_002").read_bytes() == b"two"
    assert check_run(run.path) == ()


def test_best_epoch_without_a_row_is_told(tmp_path):
    imported = import_original(original_in(tmp_path / "a", USUAL, best_epoch=85), tmp_path / "run")
    assert any("tells epoch 85 as the best, which has no row" in s for s in imported.missing)


def test_original_stays_as_it_is_and_the_import_can_be_resumed(tmp_path):
    folder = original_in(tmp_path / "a", USUAL)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    imported = import_original(folder, tmp_path / "run")
    with resume_run(imported.folder) as run:
        run.log_epoch(3, {"val_iou": 0.9})
    assert open_run(imported.folder).best_epoch == 3
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folders_without_epochs_are_refused(tmp_path):
    with pytest.raises(RunError, match=r"holds no metrics/metrics\.jsonl; only folders of the"):
        import_original(tmp_path, tmp_path / "run")
    folder = original_in(tmp_path / "a", USUAL[2:])
    with pytest.raises(RunError, match="holds no epoch with a number that was measured"):
        import_original(folder, tmp_path / "run")
    with pytest.raises(RunError, match="is not empty; nothing is replaced"):
        import_original(folder, tmp_path)

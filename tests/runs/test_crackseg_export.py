import json
import math

import pytest
import yaml

from neurorun.core import Metric, RunError
from neurorun.runs import SplitScores, amend_run, export_for_crackseg

pytestmark = pytest.mark.unit

IOU = Metric("val_iou", "higher", "1", "Pooled.")
LOSS = Metric("val_loss", "lower", "1", "Mean.")
CONFIG = {
    "project_name": "cracks",
    "experiment": {"name": "demo"},
    "model": {"_target_": "x.UNet"},
    "data": {"data_root": "data/unified"},
    "training": {"epochs": 9, "batch_size": 4, "learning_rate": 1e-4, "optimizer": "adamw"},
}
EPOCHS = (
    {"val_loss": 0.5, "val_iou": 0.25, "val_f1": 0.4, "val_precision": 0.5, "val_recall": None},
    {"val_loss": 0.25, "val_iou": 0.75, "val_f1": 0.8, "val_precision": 0.5, "val_recall": 1.0},
    {"val_loss": None, "val_iou": 0.5},
    {"val_loss": 0.375, "val_iou": 0.5, "val_f1": 0.6},
)


@pytest.fixture
def crack_run(new_run):
    with new_run(config=CONFIG, metrics=[IOU, LOSS], monitor="val_iou") as run:
        for epoch, values in enumerate(EPOCHS, 1):
            run.log_epoch(epoch, {"train_loss": 1 / epoch, **values})
            if run.best_epoch == epoch:
                run.save_checkpoint("best", lambda stream: stream.write(b"weights"))
    return run.folder


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_folder_holds_what_those_readers_look_for(crack_run, tmp_path, caplog):
    folder = export_for_crackseg(crack_run, tmp_path / "exported")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert (config["model"]["name"], config["data"]["dataset"]) == ("x.UNet", "data/unified")
    assert (config["training"]["optimizer"], config["training"]["epochs"]) == ("adamw", 9)
    summary = read(folder / "metrics/complete_summary.json")
    assert {key: summary[key] for key in (
        "best_iou", "best_f1", "best_precision", "best_recall", "final_loss", "best_epoch",
    )} == {
        "best_iou": 0.75, "best_f1": 0.8, "best_precision": 0.5, "best_recall": 1.0,
        "final_loss": 0.375, "best_epoch": 2,
    }  # fmt: skip
    assert summary["training_time"] == summary["total_training_time"] >= 0
    assert summary["best_metrics"]["iou"] == {"value": 0.75, "epoch": 2}
    assert summary["experiment_info"] == {"total_epochs": 3, "best_epoch": 2}
    rows = [
        json.loads(line) for line in (folder / "metrics/metrics.jsonl").read_text().splitlines()
    ]
    assert [(row["epoch"], row["loss"], row["iou"]) for row in rows] == [
        (1, 0.5, 0.25), (2, 0.25, 0.75), (4, 0.375, 0.5),
    ]  # fmt: skip
    assert all(math.isfinite(v) for row in rows for v in row.values() if not isinstance(v, str))
    assert "val_recall" not in rows[0]
    assert "Epoch 3 has no finite val_loss and val_iou; left out." in caplog.text
    assert read(folder / "metrics/validation_metrics.json")["best_validation"]["iou"] == 0.75
    assert (folder / "logs/training.log").is_file()
    for name in ("checkpoints/model_best.pth", "best_model.pth"):
        assert (folder / name).read_bytes() == b"weights"
    assert yaml.safe_load((folder / "final_results.yaml").read_text())["val_iou"] == 0.5
    assert not (folder / "metrics/test_metrics.json").exists()


def test_scores_on_test_are_told(crack_run, tmp_path):
    with amend_run(crack_run) as run:
        run.write_scores(SplitScores("test", 2, {"val_iou": 0.7}, {}))
    folder = export_for_crackseg(crack_run, tmp_path / "exported")
    assert read(folder / "metrics/test_metrics.json") == {"val_iou": 0.7}


def test_run_folder_stays_as_it_is(crack_run, tmp_path):
    before = {path: path.read_bytes() for path in crack_run.rglob("*") if path.is_file()}
    export_for_crackseg(crack_run, tmp_path / "exported")
    assert before == {path: path.read_bytes() for path in crack_run.rglob("*") if path.is_file()}


def test_runs_of_other_kinds_are_refused(finished, tmp_path):
    with pytest.raises(
        RunError, match="has 3 epochs, none of them with a finite val_loss and val_"
    ):
        export_for_crackseg(finished, tmp_path / "exported")


def test_nothing_is_replaced(crack_run, tmp_path):
    with pytest.raises(RunError, match="is not empty; nothing is replaced"):
        export_for_crackseg(crack_run, crack_run)


def test_what_a_run_lacks_is_told_not_invented(crack_run, tmp_path, caplog):
    (crack_run / "best_model.pth").unlink()
    (crack_run / "metrics/complete_summary.json").unlink()
    config = yaml.safe_load((crack_run / "config.yaml").read_text())
    del config["training"], config["data"]
    (crack_run / "config.yaml").write_text(yaml.safe_dump(config))
    folder = export_for_crackseg(crack_run, tmp_path / "exported")
    assert "lack it" in caplog.text
    assert "Training time and hardware are left out" in caplog.text
    assert not (folder / "checkpoints").exists()
    exported = yaml.safe_load((folder / "config.yaml").read_text())
    assert exported["training"] == {"optimizer": "unknown", "epochs": "unknown"}

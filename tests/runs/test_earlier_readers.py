"""Programs that were written for earlier layouts, on a folder of ours."""

import csv
import json
from functools import partial

import numpy as np
import pytest
import yaml

from neurorun.runs import AttentionMap, ConfusionMatrix, resume_run

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(finished):
    with resume_run(finished) as run:
        run.write_predictions([{"file": "s1", "true_label": 1, "predicted_label": 0}])
        run.write_confusion_matrices(
            [ConfusionMatrix("test", ("0", "1"), ((1, 0), (1, 2)), "t", 2)]
        )
        run.write_attention_map(
            AttentionMap(
                "s1", np.zeros((22, 50), np.float32), 50.0, tuple(f"c{n}" for n in range(22))
            )
        )
    return finished


def test_gaze_experiments_loads_tables_and_matrices(folder):
    with (folder / "epoch_statistics.csv").open() as stream:
        epochs = list(csv.DictReader(stream))
    assert {"epoch", "train_loss", "eval_loss", "timestamp"} <= set(epochs[0])
    with (folder / "predictions_eval.csv").open() as stream:
        assert next(csv.DictReader(stream))["file"] == "s1"
    with (folder / "confusion_matrices.json").open() as stream:
        assert json.load(stream)[0]["matrix"] == [[1, 0], [1, 2]]


def test_gaze_experiments_loads_tables_with_pandas(folder):
    pandas = pytest.importorskip("pandas")
    epochs = pandas.read_csv(folder / "epoch_statistics.csv")
    assert epochs["sensitivity_at_10fa"].isna().tolist() == [True, False, False]
    assert pandas.read_csv(folder / "predictions_eval.csv")["true_label"].tolist() == [1]
    rows = pandas.read_json(folder / "metrics/metrics.jsonl", lines=True)
    assert rows["epoch"].tolist() == [1, 2, 3]


def test_gaze_experiments_loads_attention_maps(folder):
    for npz_file in (folder / "attention_maps").glob("*_attention.npz"):
        data = np.load(npz_file, allow_pickle=False)
        assert str(data["file_id"]) == "s1"
        assert data["attention_map"].shape == (22, 50)


def test_gaze_experiments_finds_its_metadata(folder):
    with (folder / "metadata.json").open() as stream:
        metadata = json.load(stream)
    assert metadata["total_epochs"] == 3
    assert metadata["run_directory"]


@pytest.mark.parametrize("name", ["best_model.pth", "checkpoints/best.pt", "checkpoints/last.pt"])
def test_earlier_programs_load_checkpoints_with_the_plain_call(folder, name):
    torch = pytest.importorskip("torch")
    state = {"epoch": 2, "model_state_dict": {"w": torch.zeros(2)}, "eval_loss": 0.5}
    with resume_run(folder) as run:
        run.save_checkpoint("best", partial(torch.save, state))
        run.save_checkpoint("last", partial(torch.save, state))
    assert torch.load(folder / name)["epoch"] == 2


def test_crack_experiments_finds_summary_rows_and_results(folder):
    summary = json.loads((folder / "metrics/complete_summary.json").read_text())
    assert {
        "experiment_name", "project_name", "model_type", "dataset", "training_epochs",
        "batch_size", "learning_rate", "final_metrics", "best_epoch", "total_training_time",
        "timestamp", "hardware_info",
    } <= set(summary)  # fmt: skip
    lines = (folder / "metrics/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    assert yaml.safe_load((folder / "final_results.yaml").read_text())["val_loss"] == 0.5
    validation = json.loads((folder / "metrics/validation_metrics.json").read_text())
    assert validation["best_validation"]["epoch"] == summary["best_epoch"] == 2
    assert (folder / "checkpoints/best_model.pth").exists()
    assert (folder / "logs/training.log").exists()

"""The run folder of the task: every file that earlier readers of gaze experiments expect."""

import csv
import json
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from neurorun.core import RunError
from neurorun.experiment import evaluate, export_attention
from neurorun.models import NeuroGATE_Gaze_MultiRes
from neurorun.reporting import draw_figures, write_report
from neurorun.runs import KeptWriter, check_run, is_sound, open_run
from neurorun.tasks.abnormality import main

pytestmark = pytest.mark.integration


def test_every_file_is_there_and_sound(run):
    for name in (
        "epoch_statistics.csv", "predictions_eval.csv", "confusion_matrices.json",
        "class_distributions.json", "metadata.json", "training_summary.txt", "best_model.pth",
        "attention_maps/metadata.json", "attention_maps/manifest.json",
    ):  # fmt: skip
        assert (run / name).is_file(), name
    assert check_run(run) == ()


def test_columns_of_epochs_and_predictions_are_those_of_the_first_experiments(run):
    header = (run / "epoch_statistics.csv").read_text().splitlines()[0].split(",")
    wanted = (
        "epoch train_loss train_cls_loss train_gaze_loss train_acc eval_acc eval_loss "
        "eval_cls_loss eval_gaze_loss eval_macro_f1 eval_balanced_acc eval_weighted_f1 "
        "eval_precision eval_recall lr train_gaze_batches train_gaze_samples "
        "eval_gaze_batches timestamp"
    )
    assert set(wanted.split()) <= set(header)
    header = (run / "predictions_eval.csv").read_text().splitlines()[0].split(",")
    assert header[:9] == [
        "file", "true_label", "predicted_label", "probability", "dataset", "correct", "timestamp",
        "prob_normal", "prob_abnormal",
    ]  # fmt: skip


def test_there_is_one_prediction_per_recording_of_the_best_checkpoint(run):
    opened = open_run(run)
    rows = opened.prediction_rows
    names = [row["file"].removesuffix(".npz") for row in rows]
    assert sorted(names) == sorted(opened.splits.by_name["validation"])
    for row in rows:
        normal, abnormal = json.loads(row["probability"])
        assert normal + abnormal == pytest.approx(1)
        assert abnormal == pytest.approx(row["prob_abnormal"])


def test_matrices_of_best_and_of_epochs_are_kept_apart(run):
    matrices = json.loads((run / "confusion_matrices.json").read_text())
    assert [one["labels"] for one in matrices] == [[0, 1]] * 4
    assert matrices[0]["names"] == ["normal", "abnormal"]
    assert [one["dataset"] for one in matrices] == [
        "validation, recordings", "validation, windows", "test, recordings", "test, windows",
    ]  # fmt: skip
    assert len(open_run(run).tables["confusion_by_epoch"].rows) == 2


def test_the_test_split_is_kept_beside_validation_under_its_own_name(run):
    opened = open_run(run)
    kept = opened.of("test")
    n_windows = len(opened.splits.by_name["test"])
    assert len(kept.tables["windows"].rows) == len(kept.attention_entries) == n_windows
    assert {"intervals", "gaze_agreement", "hottest_moments"} <= set(kept.tables)
    assert len(kept.gaze_reviews) == 2
    assert "confusion_by_epoch" not in kept.tables  # tells of training
    of_validation = {entry.file_id for entry in opened.attention_entries}
    assert not of_validation & {entry.file_id for entry in kept.attention_entries}
    assert [row["file"] for row in opened.scored_items("test")] == [
        f"{name}.npz" for name in sorted(opened.splits.by_name["test"])
    ]


def test_every_column_and_key_is_in_the_data_dictionary(run):
    rows = open_run(run).tables["data_dictionary"].rows
    told = {(row["file"], row["column"]) for row in rows}
    for name in ("epoch_statistics.csv", "predictions_eval.csv", "tables/windows.csv"):
        header = (run / name).read_text().splitlines()[0].split(",")
        assert {column for file, column in told if file == name} == set(header), name
    path = next((run / "attention_maps").glob("*_attention.npz"))
    with np.load(path, allow_pickle=False) as members:
        assert {key for file, key in told if file.endswith("_attention.npz")} == set(members.files)
    assert all(row["meaning"] for row in rows)


def test_counts_of_classes_cover_every_split(run):
    counted = json.loads((run / "class_distributions.json").read_text())
    assert [one["dataset"] for one in counted] == ["train", "validation", "test"]
    assert list(counted[0]) == ["dataset", "distribution", "total_samples", "timestamp"]
    assert set(counted[0]["distribution"]) == {"0", "1"}


def test_epochs_have_one_number_in_every_file(run):
    """The row of the checkpoint is found by its epoch; the first is 1, as in reports."""
    opened = open_run(run)
    with (run / "epoch_statistics.csv").open() as stream:
        epochs = [int(row["epoch"]) for row in csv.DictReader(stream)]
    assert epochs == [1, 2]
    content = torch.load(run / "best_model.pth", weights_only=True)
    assert content["epoch"] == opened.best_epoch
    assert {one.epoch for one in opened.confusion_matrices} == {opened.best_epoch}
    assert [row["epoch"] for row in opened.tables["confusion_by_epoch"].rows] == epochs


def test_keys_of_metadata_are_those_of_the_first_experiments(run):
    keys = list(json.loads((run / "metadata.json").read_text()))
    assert keys[:5] == [
        "timestamp", "total_epochs", "run_directory", "storage_format", "note",
    ]  # fmt: skip
    maps = list(json.loads((run / "attention_maps" / "metadata.json").read_text()))
    assert maps[:5] == ["n_samples", "expected_shape", "dtype", "sampling_rate", "created"]
    entry = json.loads((run / "attention_maps" / "manifest.json").read_text())[0]
    assert list(entry)[:4] == ["file_id", "path", "shape", "saved_at"]
    assert (run / "attention_maps" / entry["path"]).is_file()


def test_both_pictures_have_the_size_of_the_first_experiments(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    sizes = {}
    for path in draw_figures(copy):
        with Image.open(path) as picture:
            sizes[path.name] = picture.size
    assert sizes == {"training_curves.png": (2250, 1500), "confusion_matrix.png": (1200, 900)}


def test_tables_hold_agreement_moments_intervals_and_explanation(run):
    tables = open_run(run).tables
    assert {
        "windows", "intervals", "gaze_agreement", "hottest_moments", "explanation",
    } <= set(tables)  # fmt: skip
    sources = [row["source"] for row in tables["gaze_agreement"].rows]
    assert sources == ["model", "other_gaze", "mean_gaze", "envelope", "ceiling"]
    row = tables["explanation"].rows[0]
    assert 0 <= row["deletion"] <= 1
    assert 0 <= row["insertion_random"] <= 1
    assert -1 <= row["cc_gradients"] <= 1


def test_snippet_of_training_statistics(run, monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.chdir(run.parent)
    (run.parent / "run_YYYYMMDD_HHMMSS").unlink(missing_ok=True)
    (run.parent / "run_YYYYMMDD_HHMMSS").symlink_to(run)
    namespace = {}
    exec(
        """import pandas as pd

# Load epoch metrics
epochs_df = pd.read_csv('run_YYYYMMDD_HHMMSS/epoch_statistics.csv')

# Load predictions
preds_df = pd.read_csv('run_YYYYMMDD_HHMMSS/predictions_eval.csv')

# Load confusion matrices
import json
with open('run_YYYYMMDD_HHMMSS/confusion_matrices.json') as f:
    cms = json.load(f)
""",
        namespace,
    )
    (run.parent / "run_YYYYMMDD_HHMMSS").unlink()
    assert len(namespace["epochs_df"]) == 2
    assert namespace["cms"][0]["labels"] == [0, 1]


def test_snippet_of_attention_maps(run, monkeypatch, tmp_path):
    maps = tmp_path / "attention_maps"
    maps.mkdir()
    for number, path in enumerate(sorted((run / "attention_maps").glob("*_attention.npz"))):
        name = "sample_001_attention.npz" if number == 0 else path.name
        (maps / name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(
        """import numpy as np
from pathlib import Path

# Load single attention map
data = np.load('attention_maps/sample_001_attention.npz', allow_pickle=False)
attention = data['attention_map']  # (22, 15000)
file_id = str(data['file_id'])

# Load all attention maps (memory-efficient)
attention_dir = Path('attention_maps')
for npz_file in attention_dir.glob('*_attention.npz'):
    data = np.load(npz_file, allow_pickle=False)
    attention = data['attention_map']
    # Process one at a time (low memory)
""",
        namespace,
    )
    attention = namespace["attention"]
    assert attention.dtype == np.float32
    assert attention.shape == tuple(namespace["data"]["shape"]) == (22, 1000)
    assert attention.min() >= 0
    assert attention.max() <= 1
    assert namespace["file_id"].endswith("_P0_S0")


def test_snippet_of_the_checkpoint(run, monkeypatch, capsys):
    monkeypatch.chdir(run)
    module = types.ModuleType("neurogate_gaze")
    module.NeuroGATE_Gaze_MultiRes = NeuroGATE_Gaze_MultiRes
    monkeypatch.setitem(sys.modules, "neurogate_gaze", module)
    snippet = """import torch
from neurogate_gaze import NeuroGATE_Gaze_MultiRes

# Load model
model = NeuroGATE_Gaze_MultiRes(n_chan=22, n_outputs=2, original_time_length=15000)
checkpoint = torch.load('best_model.pth')
model.load_state_dict(checkpoint['model_state_dict'])

# Access metadata
print(f"Epoch: {checkpoint['epoch']}")
print(f"Validation loss: {checkpoint['eval_loss']:.4f}")
print(f"Validation accuracy: {checkpoint['eval_acc']:.2f}%")
"""
    namespace = {}
    exec(snippet, namespace)
    assert "Validation accuracy: " in capsys.readouterr().out
    content = namespace["checkpoint"]
    assert all(isinstance(content[k], float) for k in ("train_loss", "eval_loss", "eval_f1"))
    assert 0 <= content["eval_acc"] <= 100
    assert 0 <= content["eval_f1"] <= 1


def test_the_export_goes_on_where_it_stopped(run):
    folder = run / "attention_maps"
    maps = sorted(folder.glob("*_attention.npz"))
    before = {path.name: path.stat().st_mtime_ns for path in maps}
    maps[0].unlink()
    maps[1].write_bytes(maps[1].read_bytes()[:-10])
    assert export_attention(run) == (2, len(maps) - 2)
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*_attention.npz")}
    assert {name for name in before if after[name] == before[name]} == {p.name for p in maps[2:]}
    assert export_attention(run) == (0, len(maps))
    entries = open_run(run).attention_entries
    assert len(entries) == len(maps)
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["n_samples"] == len(maps)
    assert export_attention(run, split="test") == (0, 4)  # made when the test was scored
    assert check_run(run) == ()


def test_maps_are_made_wherever_the_run_was_trained(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["experiment"]["device"] = "cpu" if torch.backends.mps.is_available() else "mps"
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    min((copy / "attention_maps").glob("*_attention.npz")).unlink()
    assert export_attention(copy)[0] == 1


def test_maps_hold_where_they_come_from(run):
    opened = open_run(run)
    maps = opened.attention_maps()
    first = maps[opened.attention_entries[0].file_id]
    assert first.channels[0] == "Fp1-F7"
    assert first.origin.montage == "tcp"
    assert first.origin.true_label in (0, 1)
    np.testing.assert_allclose(
        np.outer(first.channel_factor, first.time_factor), first.attention_map, atol=1e-6
    )


def test_splits_without_recordings_are_refused(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    splits = json.loads((copy / "splits.json").read_text())
    splits["test"] = {}
    (copy / "splits.json").write_text(json.dumps(splits))
    with pytest.raises(RunError, match="has nothing in the split 'test'; it has train, valid"):
        export_attention(copy, split="test")


def test_the_test_split_is_scored_and_other_data_too(run, corpus):
    assert "test" in open_run(run).metrics
    again = evaluate(run, split="test")
    assert again.metrics["val_loss"] == pytest.approx(open_run(run).metrics["test"]["val_loss"])
    other = evaluate(run, corpus)
    assert other.split == "corpus"
    assert len(other.rows) == 12


def test_the_report_shows_gaze_and_pages(run, tmp_path):
    page = write_report(run, tmp_path / "report.html").read_text()
    for part in ("Attention and the reader", "Pages to judge", "Hottest moments", "envelope of"):
        assert part in page
    assert page.count("data:image/png;base64,") >= 4


def test_the_first_call_of_earlier_experiments_works(corpus, tmp_path):
    torch.set_num_threads(1)
    best_acc, run_dir = main(
        lr=1e-4,
        epochs=1,
        batch_size=32,
        gaze_weight=0.3,
        gaze_loss_type="mse",
        data_dir=corpus,
        cache_dir=tmp_path / "cache",
        output_dir=tmp_path / "training_stats",
        overrides=("data.window_size=20", "evaluation.n_explained=0", "experiment.device=cpu"),
    )
    assert 0 <= best_acc <= 100
    assert Path(run_dir).parent.name == "training_stats"
    assert Path(run_dir).name.startswith("run_")
    assert open_run(run_dir).config["training"]["scheduler"]["type"] == "plateau"


@pytest.mark.parametrize("folders", [(), ("data",)])
def test_the_first_call_without_data_says_what_is_missing(tmp_path, folders):
    """From a fresh interpreter in a new folder, as the document calls it."""
    for name in folders:
        (tmp_path / name).mkdir()
    script = """
from neurorun.tasks.abnormality import main
main(lr=1e-4, epochs=50, batch_size=32, gaze_weight=0.3, gaze_loss_type="mse")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("neurorun.core.errors.DataError: ")
    assert ("'data' holds no EDF" if folders else "data.data_dir 'data' is no folder") in last
    assert not (tmp_path / "training_stats").exists()


def test_the_table_of_contents_is_true_when_an_export_dies(run, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    n_maps = len(open_run(copy).splits.by_name["train"])
    written, write = [], KeptWriter.write_attention_map

    def dies_later(self, attention):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(attention.file_id)
        return write(self, attention)

    monkeypatch.setattr(KeptWriter, "write_attention_map", dies_later)
    with pytest.raises(KeyboardInterrupt):
        export_attention(copy, split="train")
    monkeypatch.undo()
    kept = open_run(copy).of("train")
    metadata = json.loads((kept.path / "attention_maps" / "metadata.json").read_text())
    assert len(kept.attention_entries) == metadata["n_samples"] == 3  # the batch that was finished
    assert all(is_sound(kept.path, entry) for entry in kept.attention_entries)
    assert export_attention(copy, split="train") == (n_maps - 3, 3)
    assert check_run(copy) == ()

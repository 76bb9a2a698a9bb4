import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import Event, RunError, Timeline
from neurorun.runs import Splits, SplitScores, Strip, check_run, resume_run
from neurorun.runs.attention import AttentionMap
from neurorun.runs.estimates import Cortex, KeptEstimate

pytestmark = pytest.mark.unit


_TRUE = (np.ones(1, np.float32), np.ones((1, 8), np.float32))


@pytest.fixture(scope="session")
def full_once(tmp_path_factory, finished_once, pixel):
    signal = np.zeros((1, 8), np.float32)
    folder = shutil.copytree(finished_once, tmp_path_factory.mktemp("full") / "run")
    with resume_run(folder) as run:
        run.write_splits(Splits({"a_1": "a"}, {"b_1": "b"}))
        run.write_operating_points([])
        run.write_fa_curves([])
        run.write_class_distributions([])
        run.write_confusion_matrices([])
        run.write_scores(SplitScores("test", 1, {"taes": 0.5}, {}))
        run.write_predictions([{"recording_id": "a", "n_found": 1}])
        run.write_events(Timeline("a", 60.0, (Event(10, 20),)))
        run.write_strip(Strip("a", ("Fp1",), 8.0, 0.0, signal, signal[0], 8.0))
        run.write_cortex(
            Cortex(np.eye(3, dtype="f4"), np.int32([[0, 1, 2]]), np.int32([0] * 3), signal[:, :3])
        )
        run.write_estimate(KeptEstimate("a", 5.0, 8.0, np.int64([0]), np.int64([0]), *_TRUE, ()))
        run.write_attention_map(AttentionMap("a", signal, 50.0, ("Fp1",)))
        run.write_attention_index()
        run.write_table("methods", [{"method": "MNE", "error_mm": 9.5}], caption="Errors.")
        run.write_picture("overlay", pixel, caption="One pixel.")
    return folder


@pytest.fixture
def full(full_once, tmp_path):
    """Folder of a run that has a file of every kind."""
    return Path(shutil.copytree(full_once, tmp_path / "run"))


def unsigned(folder):
    """Remove the checksums, so that only formats tell of damage."""
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"files": None}))


def names_of(folder):
    listed = json.loads((folder / "run.json").read_text())["files"]
    return sorted(listed)


def test_sound_run_has_no_findings(full):
    assert check_run(full) == ()


def test_damage_to_any_file_is_found_and_named(full):
    for name in names_of(full):
        path = full / name
        whole = path.read_bytes()
        path.write_bytes(whole + b"x")
        found = check_run(full)
        assert name in {finding.path for finding in found if finding.damaged}, name
        assert all("Changed since the run ended" in f.message for f in found if f.damaged)
        path.write_bytes(whole)
    assert check_run(full) == ()


def test_missing_files_are_found_and_named(full):
    for name in names_of(full):
        path = full / name
        whole = path.read_bytes()
        path.unlink()
        found = {finding.path: finding for finding in check_run(full)}
        assert found[name].damaged
        assert found[name].message.startswith("Missing; ")
        path.write_bytes(whole)
    assert check_run(full) == ()


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml", "metadata.json", "metrics/metrics.jsonl", "epoch_statistics.csv",
        "metrics/complete_summary.json", "metrics/validation_metrics.json", "final_results.yaml",
        "metrics/test_scores.json", "predictions_eval.csv", "confusion_matrices.json",
        "class_distributions.json", "operating_points.json", "fa_curve.json", "splits.json",
        "events/a_events.tsv", "previews/a.npz", "attention_maps/a_attention.npz",
        "attention_maps/manifest.json", "attention_maps/metadata.json",
        "tables/manifest.json", "tables/methods.csv", "pictures/manifest.json",
        "pictures/overlay.png",
    ],
)  # fmt: skip
def test_unreadable_files_are_found_without_checksums(full, name):
    unsigned(full)
    (full / name).write_bytes(b"\x00\n\x00 damaged\n")
    damaged = [finding for finding in check_run(full) if finding.damaged]
    assert [finding.path for finding in damaged] == [name]
    assert "\n" not in damaged[0].message


@pytest.mark.parametrize("name", ["config.yaml", "metadata.json"])
def test_files_that_every_run_has_may_not_be_missing(full, name):
    unsigned(full)
    (full / name).unlink()
    damaged = [finding for finding in check_run(full) if finding.damaged]
    assert [(finding.path, finding.message) for finding in damaged] == [
        (name, "Missing; every run has one.")
    ]


@pytest.mark.parametrize("name", ["tables/methods.csv", "pictures/overlay.png"])
def test_what_a_manifest_lists_may_not_be_missing(full, name):
    unsigned(full)
    (full / name).unlink()
    (damaged,) = [finding for finding in check_run(full) if finding.damaged]
    assert damaged.path == name
    assert "is listed but missing; restore it" in damaged.message


def test_damaged_record_is_the_only_finding(full):
    (full / "run.json").write_text("{")
    (finding,) = check_run(full)
    assert (finding.path, finding.damaged) == ("run.json", True)
    assert "is not readable as JSON" in finding.message


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        check_run(tmp_path)


def test_interrupted_run_is_noted_not_damaged(new_run):
    run = new_run()
    run.log_epoch(1, {"val_loss": 0.5})
    run.abandon()
    (finding,) = check_run(run.folder)
    assert not finding.damaged
    assert finding.message == "The run is interrupted; its files get checksums when it ends."


def test_files_added_later_are_noted(full):
    (full / "notes.txt").write_text("mine")
    (full / "report.html").write_text("<html>")
    (full / ".hidden.ab.tmp").write_text("torn")
    found = {finding.path: finding for finding in check_run(full)}
    assert set(found) == {"notes.txt", ".hidden.ab.tmp"}
    assert not any(finding.damaged for finding in found.values())


def test_disagreement_with_the_rows_is_noted(full):
    unsigned(full)
    table = full / "epoch_statistics.csv"
    table.write_text(table.read_text().replace("0.75", "0.76"))
    summary = full / "metrics/complete_summary.json"
    summary.write_text(summary.read_text().replace('"best_epoch": 2', '"best_epoch": 5'))
    scores = full / "metrics/validation_metrics.json"
    scores.write_text(scores.read_text().replace('"epoch": 2', '"epoch": 5'))
    (full / "final_results.yaml").write_text("val_loss: 0.1\n")
    metadata = full / "metadata.json"
    metadata.write_text(metadata.read_text().replace('"total_epochs": 3', '"total_epochs": 4'))
    notes = {f.path for f in check_run(full) if "disagrees with metrics/metrics.jsonl" in f.message}
    assert notes == {
        "metadata.json",
        "epoch_statistics.csv", "metrics/complete_summary.json",
        "metrics/validation_metrics.json", "final_results.yaml",
    }  # fmt: skip


def test_gaps_between_rows_and_uneven_keys_are_noted(full):
    unsigned(full)
    path = full / "metrics/metrics.jsonl"
    path.write_text(path.read_text() + '{"epoch": 5, "other": 1, "timestamp": ""}\n')
    messages = [f.message for f in check_run(full) if f.path == "metrics/metrics.jsonl"]
    assert messages == [
        "Epochs are missing or doubled: it holds [1, 2, 3, 5].",
        "Its rows do not all have the same keys.",
    ]


def test_derived_files_that_are_missing_are_noted_and_made_again(full):
    unsigned(full)
    (full / "final_results.yaml").unlink()
    found = {finding.path: finding.message for finding in check_run(full)}
    assert found["final_results.yaml"].startswith("Missing; it is written again")
    with resume_run(full):
        pass
    assert check_run(full) == ()


def test_links_to_an_older_best_are_noted(full):
    unsigned(full)
    (full / "checkpoints/best.pt").unlink()
    found = {finding.path: finding.message for finding in check_run(full)}
    assert found["checkpoints/best.pt"] == (
        "It is not the same as best_model.pth, which is the best."
    )

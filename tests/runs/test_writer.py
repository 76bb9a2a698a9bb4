import csv
import json
import logging
import math

import numpy as np
import pytest
import yaml

from neurorun.core import Event, FormatError, RunError, Timeline
from neurorun.runs import (
    AttentionMap,
    ChosenPoint,
    ClassDistribution,
    ConfusionMatrix,
    FaCurve,
    Splits,
    SplitScores,
    Strip,
    amend_run,
    check_run,
    open_run,
    resume_run,
)

pytestmark = pytest.mark.unit


def saying(text):
    return lambda stream: stream.write(text)


def test_every_file_follows_each_epoch(new_run):
    run = new_run()
    run.log_epoch(1, {"train_loss": 0.5, "val_loss": 0.25, "sensitivity_at_10fa": None})
    run.log_epoch(2, {"train_loss": 0.4, "val_loss": 0.125, "sensitivity_at_10fa": 0.5})
    row = json.loads((run.folder / "metrics/metrics.jsonl").read_text().splitlines()[0])
    assert list(row) == [
        "epoch", "sensitivity_at_10fa", "val_loss", "train_loss", "elapsed_s", "timestamp",
    ]  # fmt: skip
    assert row["sensitivity_at_10fa"] is None
    with (run.folder / "epoch_statistics.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [line["eval_loss"] for line in table] == ["0.25", "0.125"]
    assert table[0]["sensitivity_at_10fa"] == ""
    summary = json.loads((run.folder / "metrics/complete_summary.json").read_text())
    assert (summary["best_epoch"], summary["training_epochs"], summary["epochs_run"]) == (2, 3, 2)
    assert yaml.safe_load((run.folder / "final_results.yaml").read_text()) == {
        "sensitivity_at_10fa": 0.5,
        "val_loss": 0.125,
    }
    run.finish()


def test_best_epoch_follows_the_declared_metric_and_direction(new_run):
    with new_run(monitor="val_loss") as run:
        assert run.best_epoch is None
        for epoch, loss in enumerate([math.nan, 0.5, 0.25, 0.25], start=1):
            run.log_epoch(epoch, {"val_loss": loss})
    assert run.best_epoch == 3


def test_time_goes_on_where_a_resumed_run_left_off(new_run):
    with new_run() as run:
        run.log_epoch(1, {"val_loss": 0.5})
    path = run.folder / "metrics/metrics.jsonl"
    row = json.loads(path.read_text()) | {"elapsed_s": 1000.0}
    path.write_text(json.dumps(row) + "\n")
    with resume_run(run.folder) as resumed:
        resumed.log_epoch(2, {"val_loss": 0.5})
    assert 1000.0 <= open_run(run.folder).epoch_rows[1].values["elapsed_s"] < 1100.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"val_loss": "0.5"}, "val_loss is '0.5' of type str; a single number"),
        ({"elapsed_s": 1.0}, "called 'elapsed_s', which is measured here"),
        ({"epoch": 1.0}, "called 'epoch'; any name is allowed but"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_written(new_run, values, message):
    run = new_run()
    with pytest.raises(RunError, match=message):
        run.log_epoch(1, values)
    assert not (run.folder / "metrics").exists()
    run.finish()


def test_rewinding_forgets_later_epochs_and_records_the_cut(new_run):
    run = new_run()
    for epoch in (1, 2, 3):
        run.log_epoch(epoch, {"val_loss": 1 / epoch, "sensitivity_at_10fa": epoch / 10})
    run.rewind(1)
    assert run.best_epoch == 1
    run.log_epoch(2, {"val_loss": 0.75})
    run.finish()
    opened = open_run(run.folder)
    assert [row.epoch for row in opened.epoch_rows] == [1, 2]
    assert [(r.after_epoch, r.epochs_cut) for r in opened.record.resumptions] == [(1, 2)]
    assert check_run(run.folder) == ()


def test_rewinding_to_the_very_beginning_is_allowed(new_run):
    run = new_run()
    run.log_epoch(1, {"val_loss": 0.5})
    run.rewind(0)
    assert not (run.folder / "epoch_statistics.csv").exists()
    assert run.best_epoch is None
    run.log_epoch(1, {"val_loss": 0.25})
    run.finish()
    assert [row.values["val_loss"] for row in open_run(run.folder).epoch_rows] == [0.25]


def test_everything_of_a_seizure_detector_comes_back(new_run):
    splits = Splits({"a_1": "a"}, {"b_1": "b"}, {"c_1": "c"})
    point = ChosenPoint("sensitivity_at_10fa", 10.0, True, 0.9, 0.8, 0.75, 9.5, "any overlap 1")
    curve = FaCurve("validation", "any overlap 1", (0.9,), (9.5,), (0.75,))
    windows = ClassDistribution("train", {"background": 9, "full": 1}, 10, "now")
    matrix = ConfusionMatrix("test", ("bckg", "seiz"), ((9, 1), (0, 2)), "now", epoch=1)
    scores = SplitScores("test", 1, {"taes": 0.5}, {"taes": "NEDC TAES"})
    rows = [{"recording_id": "c_1", "patient": "c", "duration_s": 60.0, "n_found": 1}]
    timeline = Timeline("c_1", 60.0, (Event(10, 20, confidence=0.5),))
    signal = np.zeros((1, 8), np.float32)
    strip = Strip("c_1", ("Fp1",), 8.0, 0.0, signal, np.zeros(4, np.float32), 4.0)
    with new_run() as run:
        run.log_epoch(1, {"val_loss": 0.5, "sensitivity_at_10fa": 0.75})
        run.write_splits(splits)
        run.write_operating_points([point])
        run.write_fa_curves([curve])
        run.write_class_distributions([windows])
        run.write_confusion_matrices([matrix])
        run.write_scores(scores)
        run.write_predictions(rows)
        run.write_events(timeline)
        run.write_strip(strip)
        run.write_attention_map(AttentionMap("c_1", signal, 50.0, ("Fp1",)))
        run.write_attention_index()
        run.tensorboard_dir.mkdir(parents=True)
    opened = open_run(run.folder)
    assert opened.splits == splits
    assert opened.operating_points == (point,)
    assert opened.fa_curves == (curve,)
    assert opened.class_distributions == (windows,)
    assert opened.confusion_matrices == (matrix,)
    assert opened.metrics["test"] == {"taes": 0.5}
    assert opened.prediction_rows == rows
    assert opened.events["c_1"] == timeline
    assert list(opened.strips) == list(opened.attention_maps()) == ["c_1"]
    assert check_run(run.folder) == ()


def test_finished_run_is_written_no_more(new_run):
    run = new_run()
    run.finish("early stopping after 5 epochs without improvement")
    with pytest.raises(RunError, match="has been finished; nothing more is written into it"):
        run.log_epoch(1, {"val_loss": 0.5})
    with pytest.raises(RunError, match="has been finished"):
        run.finish()
    opened = open_run(run.folder)
    assert (opened.status, opened.record.exit_reason) == (
        "completed", "early stopping after 5 epochs without improvement",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("loss is not finite"), "failed"), (KeyboardInterrupt(), "interrupted")],
)
def test_exception_ends_the_run_with_its_text(new_run, error, status):
    run = new_run()
    run.log_epoch(1, {"val_loss": 0.5})
    with pytest.raises(type(error)), run:
        raise error
    opened = open_run(run.folder)
    assert opened.status == status
    assert (opened.record.error.type, opened.record.error.message) == (
        type(error).__name__, str(error),
    )  # fmt: skip
    assert f"Ended by {type(error).__name__}.\nTraceback" in opened.log
    assert type(error).__name__ in (run.folder / "training_summary.txt").read_text()
    assert check_run(run.folder) == ()


def test_run_finished_inside_its_block_is_not_ended_twice(new_run):
    with new_run() as run:
        run.finish("early stopping")
    assert open_run(run.folder).record.exit_reason == "early stopping"


def test_log_and_lock_are_let_go_when_the_run_ends(new_run):
    handlers = list(logging.getLogger().handlers)
    with new_run() as run:
        logging.getLogger("neurorun.training").info("inside")
    logging.getLogger("neurorun.training").warning("outside")
    assert logging.getLogger().handlers == handlers
    text = open_run(run.folder).log
    assert "inside" in text
    assert "outside" not in text


def test_results_are_added_to_an_ended_run_without_touching_the_rest(finished):
    before = open_run(finished).record
    with amend_run(finished) as run:
        run.write_scores(SplitScores("test", 2, {"taes": 0.5}, {}))
    after = open_run(finished).record
    assert (after.status, after.finished_at) == (before.status, before.finished_at)
    changed = {name for name in after.files if after.files[name] != before.files.get(name)}
    assert changed == {"metrics/test_scores.json", "logs/training.log"}
    assert check_run(finished) == ()


def test_amending_does_not_sign_damage_as_sound(finished):
    (finished / "best_model.pth").write_bytes(b"bitrot")
    with amend_run(finished) as run:
        run.write_scores(SplitScores("test", 2, {"taes": 0.5}, {}))
    damaged = {finding.path for finding in check_run(finished) if finding.damaged}
    assert damaged == {"best_model.pth"}


def test_failed_amendment_leaves_the_status(finished):
    with pytest.raises(ValueError, match="no test split"), amend_run(finished):
        raise ValueError("no test split")
    assert open_run(finished).status == "completed"


def test_interrupted_run_can_be_amended_and_stays_interrupted(new_run):
    run = new_run()
    run.log_epoch(1, {"val_loss": 0.5})
    run.abandon()
    with amend_run(run.folder) as amended:
        amended.write_scores(SplitScores("test", 1, {"taes": 0.5}, {}))
    opened = open_run(run.folder)
    assert (opened.status, opened.record.files) == ("interrupted", None)


def test_checkpoints_are_saved_under_their_names(new_run):
    with new_run() as run:
        run.log_epoch(1, {"val_loss": 0.5})
        run.save_checkpoint("best", saying(b"b"))
        run.save_checkpoint("last", saying(b"l"))
        run.save_checkpoint("epoch_001", saying(b"e"))
        with pytest.raises(RunError, match="was called 'worst'"):
            run.save_checkpoint("worst", saying(b"w"))
    opened = open_run(run.folder)
    found = [opened.checkpoint_path(n).read_bytes() for n in ("best", "last", "epoch_001")]
    assert found == [b"b", b"l", b"e"]


def test_faults_of_the_data_are_not_told_as_faults_of_the_disk(new_run):
    overlapping = Timeline("a", 60.0, (Event(1, 10), Event(5, 20)))
    with new_run() as run, pytest.raises(Exception, match=r"(?!Cannot write)"):
        run.write_events(overlapping)


def test_numbers_that_come_late_join_the_last_row(new_run):
    run = new_run()
    with pytest.raises(RunError, match="accuracy belong to no epoch: none was logged yet"):
        run.extend_epoch({"accuracy": 0.5})
    run.log_epoch(1, {"val_loss": 0.5, "sensitivity_at_10fa": 0.25})
    run.log_epoch(2, {"val_loss": 0.4})
    run.extend_epoch({"sensitivity_at_10fa": 0.75, "accuracy": 0.9})
    with pytest.raises(RunError, match="called 'elapsed_s'"):
        run.extend_epoch({"elapsed_s": 1.0})
    run.finish()
    opened = open_run(run.folder)
    assert opened.best_epoch == 2
    assert math.isnan(opened.epoch_rows[0].values["accuracy"])
    assert opened.epoch_rows[1].values["accuracy"] == 0.9
    assert check_run(run.folder) == ()


def test_full_disk_leaves_the_last_row_as_it_was(new_run, monkeypatch):
    run = new_run()
    run.log_epoch(1, {"val_loss": 0.5})
    with monkeypatch.context() as full:
        full.setattr("os.fsync", no_room)
        with pytest.raises(RunError, match="No space left"):
            run.extend_epoch({"accuracy": 0.9})
    assert "accuracy" not in run.rows[0].values
    run.extend_epoch({"accuracy": 0.8})
    run.finish()
    assert open_run(run.folder).epoch_rows[0].values["accuracy"] == 0.8


def no_room(*_):
    raise OSError(28, "No space left on device")


def test_rows_of_several_splits_lie_apart(new_run):
    with new_run() as run:
        run.write_predictions([{"image": "a", "tp": 1}])
        run.write_predictions([{"image": "b", "tp": 2}], split="test")
        run.write_predictions([{"image": "c", "tp": 3}], split="eval")
        run.write_predictions([{"image": "a", "other": 1.5}])
        run.write_scores(SplitScores("test", 1, {}, {}))
    opened = open_run(run.folder)
    assert opened.prediction_rows == [{"image": "a", "other": 1.5}]
    assert opened.scored_items("test") == [{"image": "b", "tp": 2}]
    assert opened.scored_items("eval") == [{"image": "c", "tp": 3}]
    assert opened.scored_items("nowhere") == []
    assert check_run(run.folder) == ()
    (run.folder / "metrics/test_items.csv").unlink()
    assert "metrics/test_items.csv" in {one.path for one in check_run(run.folder) if one.damaged}
    with pytest.raises(FormatError, match="was written but is missing; restore it or score again"):
        opened.scored_items("test")


def test_adding_results_never_leaves_a_wrong_checksum(finished):
    amended = amend_run(finished)
    amended.write_scores(SplitScores("test", 1, {"taes": 0.5}, {}))
    amended.finish()
    again = amend_run(finished)
    again.write_scores(SplitScores("test", 1, {"taes": 0.25}, {}))
    again.abandon()  # as if the process had been killed here
    found = check_run(finished)
    assert [one for one in found if one.damaged] == []
    assert "metrics/test_scores.json" in {one.path for one in found}
    assert "metrics/test_scores.json" not in open_run(finished).record.files
    with amend_run(finished) as third:
        third.write_scores(SplitScores("test", 1, {"taes": 0.25}, {}))
    assert check_run(finished) == ()

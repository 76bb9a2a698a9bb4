import json
import math

import pytest
import yaml

from neurorun.core import DataError, FormatError, Metric
from neurorun.runs.metrics_log import EpochRow
from neurorun.runs.scores import (
    FINAL_RESULTS,
    VALIDATION,
    SplitScores,
    ValidationScores,
    read_final_results,
    read_split_scores,
    read_validation_scores,
    scored_splits,
    validation_scores,
    write_final_results,
    write_split_scores,
    write_validation_scores,
)

pytestmark = pytest.mark.unit

IOU = Metric("val_iou", "higher", "1", "")
ROWS = (
    EpochRow(1, {"train_loss": 1.0, "val_iou": 0.75, "val_loss": 0.5}, "t1"),
    EpochRow(2, {"train_loss": 0.5, "val_iou": 0.5, "val_loss": math.nan}, "t2"),
)


def test_validation_scores_hold_last_and_best_epoch_under_the_names_of_crack_experiments(tmp_path):
    scores = validation_scores(ROWS, metrics=[IOU], monitored=IOU)
    write_validation_scores(tmp_path, scores)
    assert json.loads((tmp_path / VALIDATION).read_text()) == {
        "final_validation": {"val_iou": 0.5, "val_loss": None},
        "best_validation": {"epoch": 1, "iou": 0.75, "loss": 0.5},
    }
    assert repr(read_validation_scores(tmp_path)) == repr(scores)


def test_without_a_best_epoch_nothing_is_called_best(tmp_path):
    rows = (EpochRow(1, {"val_iou": math.nan}, "t1"),)
    scores = validation_scores(rows, metrics=[IOU], monitored=IOU)
    assert (scores.best_epoch, scores.best) == (None, {})
    write_validation_scores(tmp_path, scores)
    assert repr(read_validation_scores(tmp_path)) == repr(scores)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"final_validation": {}}, "lacks 'best_validation'; final_validation, and"),
        ({"final_validation": {}, "best_validation": {}}, "lacks 'epoch'"),
        ([], "lacks list indices"),
        ({"final_validation": {"x": "y"}, "best_validation": {"epoch": 1}}, "at x: input should"),
        ({"final_validation": {}, "best_validation": {"epoch": 1.5}}, "at best_epoch: "),
    ],
)
def test_damaged_validation_scores_are_told(tmp_path, value, message):
    (tmp_path / "metrics").mkdir()
    (tmp_path / VALIDATION).write_text(json.dumps(value))
    with pytest.raises(FormatError, match=message):
        read_validation_scores(tmp_path)


def test_scores_of_a_split_come_back(tmp_path):
    scores = SplitScores("test", 7, {"taes": 0.5, "auroc": 0.875}, {"taes": "NEDC TAES 6.0"})
    write_split_scores(tmp_path, scores)
    assert read_split_scores(tmp_path, "test") == scores


def test_scored_splits_are_those_in_the_folder(tmp_path):
    assert scored_splits(tmp_path) == ()
    write_validation_scores(tmp_path, ValidationScores({}, None, {}))
    for split in ("test", "siena/2024", "validation"):
        write_split_scores(tmp_path, SplitScores(split, 1, {}, {}))
    assert scored_splits(tmp_path) == ("siena/2024", "test", "validation")
    assert read_validation_scores(tmp_path).best_epoch is None
    assert read_split_scores(tmp_path, "siena/2024").split == "siena/2024"


def test_split_that_was_not_scored_is_told(tmp_path):
    with pytest.raises(DataError, match=r"test_scores.json' does not exist"):
        read_split_scores(tmp_path, "test")


def test_final_results_are_sorted_yaml_with_null_for_undefined(tmp_path):
    metrics = {"val_loss": math.nan, "val_iou": 0.553073, "taes": math.inf}
    write_final_results(tmp_path, metrics)
    text = (tmp_path / FINAL_RESULTS).read_text()
    assert text == "taes: null\nval_iou: 0.553073\nval_loss: null\n"
    assert yaml.safe_load(text)["val_loss"] is None
    found = read_final_results(tmp_path)
    assert found["val_iou"] == 0.553073
    assert math.isnan(found["val_loss"])

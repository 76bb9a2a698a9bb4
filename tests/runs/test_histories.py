import math

import numpy as np
import pytest

from neurorun.core import RunError
from neurorun.runs.histories import column_name, metric_behind, rows_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("argument", "column"),
    [
        ("train_losses", "train_loss"),
        ("val_losses", "val_loss"),
        ("val_ious", "val_iou"),
        ("val_f1s", "val_f1"),
        ("val_precisions", "val_precision"),
        ("val_accuracies", "val_accuracy"),
        ("val_maes", "val_mae"),
        ("learning_rates", "learning_rate"),
        ("learning_rate", "learning_rate"),
        ("gradient_norms", "gradient_norm"),
        ("val_loss", "val_loss"),
        ("val_bias", "val_bias"),
    ],
)
def test_columns_are_named_without_the_plural(argument, column):
    assert column_name(argument) == column


def test_epochs_that_ended_get_rows_and_gaps_are_undefined():
    rows = rows_of(
        {"train_losses": {1: 0.5, 2: 0.25, 4: 0.125}, "val_losses": {4: None}, "val_ious": None},
        timestamp="now",
    )
    assert [row.epoch for row in rows] == [1, 2, 4]
    assert all(list(row.values) == ["train_loss", "val_loss", "val_iou"] for row in rows)
    assert [row.values["train_loss"] for row in rows] == [0.5, 0.25, 0.125]
    assert all(math.isnan(row.values["val_loss"]) for row in rows)


def test_epochs_from_json_and_numpy_are_numbers():
    rows = rows_of({"a": {"2": 1.0, "10": 2.0}, "b": {np.int64(3): np.float32(0.5)}}, timestamp="")
    assert [row.epoch for row in rows] == [2, 3, 10]


@pytest.mark.parametrize("epoch", [-1, 1.5, "first", True, None, "²"])
def test_epochs_are_whole_numbers(epoch):
    with pytest.raises(RunError, match=r"losses has the epoch .*; whole numbers from 1"):
        rows_of({"losses": {epoch: 1.0}}, timestamp="")


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({"losses": [0.5]}, r"losses is a list; a dict .* dict\(enumerate\(losses, start=1\)\)"),
        ({"losses": {1: "x"}}, r"losses\[1\] is 'x' of type str"),
        ({"losses": {}}, "The histories hold no epoch"),
        ({"maes": {1: 1}, "mae": {1: 1}}, "Two histories both become the column 'mae'"),
        ({"lr": {1: 1}}, "A number is called 'lr'; any name is allowed but"),
    ],
)
def test_histories_that_cannot_be_saved_are_told(histories, message):
    with pytest.raises(RunError, match=message):
        rows_of(histories, timestamp="")


def test_metric_is_the_one_that_has_its_best_in_the_epoch():
    rows = rows_of({"val_ious": {1: 0.5, 2: 0.25}, "val_losses": {1: 0.5, 2: 0.25}}, timestamp="")
    assert metric_behind(1, rows).name == "val_iou"
    assert metric_behind(2, rows).name == "val_loss"
    assert metric_behind(7, rows).name == "val_iou"
    assert metric_behind(1, rows_of({"others": {1: 1}}, timestamp="")).name == "val_iou"

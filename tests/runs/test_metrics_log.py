import errno
import json
import logging
import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import FormatError, Metric, RunError
from neurorun.runs.metrics_log import (
    EpochRow,
    MetricsLog,
    best_row,
    check_names,
    read_rows,
    write_rows,
)

pytestmark = pytest.mark.unit

NOW = "2025-01-14T09:30:12.000000+00:00"
IOU = Metric("val_iou", "higher", "1", "")
LOSS = Metric("val_loss", "lower", "1", "")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics" / "metrics.jsonl"


def rows_with(name, values):
    return [EpochRow(n, {name: value}, NOW) for n, value in enumerate(values, start=1)]


@pytest.mark.parametrize(
    ("metric", "values", "epoch"),
    [
        pytest.param(IOU, [0.1, 0.3, 0.2], 2, id="highest"),
        pytest.param(LOSS, [0.3, 0.1, 0.2], 2, id="lowest"),
        pytest.param(IOU, [0.3, 0.3, 0.3], 1, id="ties-go-to-the-earliest"),
        pytest.param(IOU, [math.nan, 0.0, math.nan], 2, id="undefined-never-wins"),
        pytest.param(IOU, [0.2, math.inf, 0.1], 1, id="infinite-never-wins"),
        pytest.param(LOSS, [-math.inf, 0.2], 2, id="minus-infinite-neither"),
        pytest.param(IOU, [-0.5, -0.1], 2, id="negative-values-count"),
    ],
)
def test_best_epoch(metric, values, epoch):
    assert best_row(rows_with(metric.name, values), metric).epoch == epoch


@pytest.mark.parametrize("rows", [[], rows_with("val_iou", [math.nan]), rows_with("other", [1.0])])
def test_without_a_defined_value_there_is_no_best(rows):
    assert best_row(rows, IOU) is None


def test_every_row_has_the_same_keys_and_null_where_nothing_was_measured(path):
    log = MetricsLog(path, ["val_iou", "val_loss"])
    log.append(1, {"train_loss": 0.5}, timestamp=NOW)
    log.append(2, {"val_iou": math.nan, "val_loss": 0.25, "gradient_norm": 1.0}, timestamp=NOW)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    keys = ["epoch", "val_iou", "val_loss", "train_loss", "gradient_norm", "timestamp"]
    assert [list(line) for line in lines] == [keys, keys]
    assert list(lines[0].values()) == [1, None, None, 0.5, None, NOW]
    assert list(lines[1].values()) == [2, None, 0.25, None, 1.0, NOW]
    assert repr(read_rows(path)) == repr(log.rows)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["val_iou", "val_loss", "x y", "λ", '"quoted"']),
            st.floats(allow_infinity=False),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_rows_come_back_whatever_they_hold(tmp_path_factory, epochs):
    path = tmp_path_factory.mktemp("x") / "metrics.jsonl"
    log = MetricsLog(path, ["val_iou"])
    for epoch, values in enumerate(epochs, start=1):
        log.append(epoch, values, timestamp=NOW)
    assert repr(read_rows(path)) == repr(log.rows)
    assert repr(MetricsLog(path, ["val_iou"]).rows) == repr(log.rows)
    for values, row in zip(epochs, read_rows(path), strict=True):
        for name, value in values.items():
            assert repr(row.values[name]) == repr(value)


def test_appending_writes_only_the_new_line(path):
    log = MetricsLog(path, ["a"])
    log.append(1, {"a": 1.0}, timestamp=NOW)
    before = path.stat().st_ino
    log.append(2, {"a": 2.0}, timestamp=NOW)
    assert path.stat().st_ino == before


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_epochs_only_count_up(path, epoch):
    log = MetricsLog(path)
    log.append(2, {"a": 1.0}, timestamp=NOW)
    with pytest.raises(RunError, match=rf"Epoch {epoch} was logged after epoch 2; .* rewind"):
        log.append(epoch, {"a": 1.0}, timestamp=NOW)


@pytest.mark.parametrize("name", ["epoch", "timestamp", "", "lr", "eval_loss"])
def test_names_that_the_files_use_otherwise_are_refused(name):
    with pytest.raises(RunError, match=rf"A number is called '{name}'; any name is allowed but"):
        check_names([name])


def test_cut_removes_later_epochs_for_good(path):
    log = MetricsLog(path, ["a"])
    for epoch in (1, 2, 3, 4):
        log.append(epoch, {"a": float(epoch)}, timestamp=NOW)
    assert log.cut(after_epoch=2) == 2
    assert log.cut(after_epoch=2) == 0
    log.append(3, {"a": 30.0}, timestamp=NOW)
    assert [row.values["a"] for row in read_rows(path)] == [1.0, 2.0, 30.0]


def test_torn_last_line_is_dropped_and_told(path, caplog):
    log = MetricsLog(path, ["a"])
    log.append(1, {"a": 1.0}, timestamp=NOW)
    log.append(2, {"a": 2.0}, timestamp=NOW)
    whole = path.read_bytes()
    for length in range(whole.index(b"\n") + 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with caplog.at_level(logging.WARNING):
            assert [row.epoch for row in read_rows(path)] == [1]
    assert "ends in a torn line, which is dropped" in caplog.text


def test_last_line_without_its_newline_is_whole(path):
    log = MetricsLog(path, ["a"])
    log.append(1, {"a": 1.0}, timestamp=NOW)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert [row.epoch for row in read_rows(path)] == [1]


def test_log_opened_after_a_crash_goes_on_after_the_last_whole_row(path):
    MetricsLog(path, ["a"]).append(1, {"a": 1.0}, timestamp=NOW)
    with path.open("ab") as stream:
        stream.write(b'{"epoch": 2, "a": 0.')
    log = MetricsLog(path, ["a"])
    log.append(2, {"a": 2.0}, timestamp=NOW)
    assert [row.values["a"] for row in read_rows(path)] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{torn\n", r"line 1 is not JSON \(.*\); restore the file, or cut it"),
        (b"[1]\n", "line 1 is not a row of an epoch; an object with the keys epoch and timestamp"),
        (b'{"epoch": 1}\n', "line 1 is not a row of an epoch"),
        (b'{"epoch": "1", "timestamp": ""}\n', "line 1 is not as it was written, at epoch"),
        (
            b'{"epoch": 1, "a": "x", "timestamp": ""}\n',
            "line 1 has 'x' under 'a'; numbers",
        ),
        (b'{"epoch": 1, "a": true, "timestamp": ""}\n', "line 1 has True under 'a'"),
        (b"\n", "line 1 is not JSON"),
    ],
)
def test_any_other_damaged_line_is_told_with_its_number(path, line, message):
    path.parent.mkdir()
    path.write_bytes(line + b'{"epoch": 2, "timestamp": ""}\n')
    with pytest.raises(FormatError, match=message):
        read_rows(path)


def test_rows_of_other_writers_with_bare_nan_are_read(path):
    path.parent.mkdir()
    path.write_text('{"epoch": 1, "loss": NaN, "iou": 1, "timestamp": ""}\n')
    values = read_rows(path)[0].values
    assert math.isnan(values["loss"])
    assert values["iou"] == 1.0


def refuse(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk_is_told_and_the_next_row_follows_the_last_whole_one(path, monkeypatch):
    log = MetricsLog(path, ["a"])
    log.append(1, {"a": 1.0}, timestamp=NOW)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(RunError, match=r"Cannot append .* No space left .*; free some space"):
            log.append(2, {"a": 2.0}, timestamp=NOW)
        with pytest.raises(Exception, match="No space left"):
            log.append(2, {"a": 2.0, "new": 1.0}, timestamp=NOW)
    assert [row.epoch for row in log.rows] == [1]
    log.append(2, {"a": 3.0}, timestamp=NOW)
    assert [row.values for row in read_rows(path)] == [{"a": 1.0}, {"a": 3.0}]


def test_rows_are_written_anew_with_the_columns_asked_for(path):
    write_rows(path, rows_with("a", [1.0]), ["b", "a"])
    assert list(json.loads(path.read_text())) == ["epoch", "b", "a", "timestamp"]

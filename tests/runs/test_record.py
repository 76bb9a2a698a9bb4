import json
from dataclasses import replace

import pytest

from neurorun.core import FormatError, Metric, RunError
from neurorun.runs.record import (
    RECORD,
    Checksum,
    Fault,
    Resumption,
    RunRecord,
    read_record,
    write_record,
)

pytestmark = pytest.mark.unit

FULL = RunRecord(
    run_id="0123",
    name="20250114_093012-démo",
    experiment="démo",
    status="failed",
    started_at="t0",
    command=("neurorun", "train", "a b.yaml"),
    metrics=(Metric("taes", "higher", "1", "NEDC TAES"), Metric("val_loss", "lower", "1", "")),
    monitor="taes",
    seed=7,
    epochs_planned=60,
    neurorun_version="0.1.0",
    finished_at="t1",
    exit_reason="ended by ValueError",
    error=Fault("ValueError", "loss is not finite"),
    resumed_from="4567",
    resumptions=(Resumption("t2", 3, 1),),
    tables={"predictions_eval.csv": {"recording_id": "text", "n_found": "integer"}},
    files={"config.yaml": Checksum(12, "ab")},
)


@pytest.mark.parametrize(
    "record", [FULL, replace(FULL, error=None, files=None, seed=None, epochs_planned=None)]
)
def test_record_comes_back(tmp_path, record):
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record


def test_record_begins_with_its_format(tmp_path):
    write_record(tmp_path, FULL)
    found = json.loads((tmp_path / RECORD).read_text())
    assert list(found.items())[:2] == [("format", "neurorun-run"), ("format_version", 1)]


def test_monitored_metric_is_a_declared_one():
    assert FULL.monitored.better == "higher"
    with pytest.raises(RunError, match="metric is 'f1', but the run declares only taes, val_loss"):
        replace(FULL, monitor="f1")
    with pytest.raises(RunError, match="declares only none"):
        replace(FULL, metrics=())


def test_other_folders_are_told(tmp_path):
    with pytest.raises(
        RunError, match=r"is not a run folder: it holds no run.json. Give the folder"
    ):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, r"version \('neurorun-run', 2\); this neurorun reads"),
        ({"format": "other"}, r"\('other', 1\)"),
        ({"status": "sleeping"}, r"at status: input should be 'running'"),
        ({"metrics": [{"name": "x"}]}, r"at metrics.0.better: field required"),
    ],
)
def test_other_formats_and_damage_are_told(tmp_path, change, message):
    write_record(tmp_path, FULL)
    path = tmp_path / RECORD
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FormatError, match=message):
        read_record(tmp_path)


def test_record_that_is_no_object_is_told(tmp_path):
    (tmp_path / RECORD).write_text("[]")
    with pytest.raises(FormatError, match="has the format and version None"):
        read_record(tmp_path)

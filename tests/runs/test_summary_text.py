from dataclasses import replace

import pytest

from neurorun.core import Metric
from neurorun.runs.metrics_log import EpochRow
from neurorun.runs.record import Fault, RunRecord
from neurorun.runs.settings import Headline
from neurorun.runs.summary_text import read_summary_text, write_summary_text

pytestmark = pytest.mark.unit

RECORD = RunRecord(
    run_id="0",
    name="20250114_093012-λ",
    experiment="λ",
    status="completed",
    started_at="t0",
    finished_at="t1",
    exit_reason="early stopping",
    command=("neurorun", "train", "local.yaml"),
    metrics=(Metric("false_alarms", "lower", "per 24 h", ""), Metric("taes", "higher", "1", "")),
    monitor="taes",
    seed=7,
    epochs_planned=5,
    neurorun_version="0.1.0",
)
HEADLINE = Headline("λ", None, "unet", "corpus", 5, 4, 1e-4)
ROWS = (
    EpochRow(1, {"taes": 0.5, "false_alarms": float("nan"), "val_loss": 0.25, "lr": 1.0}, "t"),
    EpochRow(2, {"taes": 0.25, "false_alarms": 12.5, "val_loss": 0.5, "lr": 1.0}, "t"),
)


def test_run_is_told_in_words(tmp_path):
    write_summary_text(tmp_path, RECORD, rows=ROWS, headline=HEADLINE)
    assert read_summary_text(tmp_path) == (
        "Run 20250114_093012-λ\n"
        "  experiment  λ\n"
        "  status      completed\n"
        "  reason      early stopping\n"
        "  started     t0\n"
        "  finished    t1\n"
        "  seed        7\n"
        "  command     neurorun train local.yaml\n"
        "  neurorun    0.1.0\n"
        "\n"
        "Epochs\n"
        "  planned  5\n"
        "  run      2\n"
        "  best     1\n"
        "\n"
        "Settings\n"
        "  model          unet\n"
        "  data           corpus\n"
        "  batch size     4\n"
        "  learning rate  0.0001\n"
        "\n"
        "Metrics, best epoch by taes\n"
        "  taes          0.5000\n"
        "  false_alarms  undefined\n"
        "  val_loss      0.2500\n"
        "\n"
        "Reopen\n"
        '  Python  neurorun.runs.open_run("20250114_093012-λ")\n'
    )


def test_units_follow_their_numbers(tmp_path):
    record = replace(RECORD, monitor="false_alarms")
    write_summary_text(tmp_path, record, rows=ROWS, headline=HEADLINE)
    assert "false_alarms  12.5000 per 24 h\n" in read_summary_text(tmp_path)


def test_failed_run_without_epochs_says_so(tmp_path):
    record = replace(
        RECORD, status="failed", error=Fault("ValueError", "boom"), seed=None, epochs_planned=None
    )
    write_summary_text(tmp_path, record, rows=(), headline=HEADLINE)
    text = read_summary_text(tmp_path)
    assert "  error       ValueError: boom\n" in text
    assert "  best     none; taes was never defined\n" in text

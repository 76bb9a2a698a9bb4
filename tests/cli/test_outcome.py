import re
import sys
from pathlib import Path

import pytest

from neurorun.cli.outcome import echo_outcome, scores_table
from neurorun.core import Metric
from neurorun.runs import create_run, open_run

pytestmark = pytest.mark.unit

LONG = "Counted by a method whose definition is far longer than a terminal is wide. " * 3
METRICS = (
    Metric("auroc", "higher", "1", LONG),
    Metric("false_alarms_per_24h_at_2_5fa", "lower", "per 24 h", LONG),
    Metric("[red]precision[/red]", "higher", "1", LONG),
)
VALUES = {"auroc": 0.9125, "false_alarms_per_24h_at_2_5fa": 1234.5, "[red]precision[/red]": None}


@pytest.fixture
def run_with(tmp_path):
    def make(values, *, save_plots: bool = True) -> Path:
        config = {"evaluation": {"save_plots": save_plots}}
        with create_run(
            tmp_path, "night", config=config, metrics=METRICS, monitor="auroc", source_dir=tmp_path
        ) as run:
            run.log_epoch(1, values)
        return run.folder

    return make


def test_scores_fit_a_terminal_and_are_told_with_their_units(run_with, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    folder = run_with(VALUES)
    echo_outcome(folder)
    output = capsys.readouterr().out
    assert "Epoch 1, the best by auroc:" in output
    assert re.search(r"auroc\W+0\.912", output)
    assert re.search(r"false_alarms_per_24h_at_2_5fa\W+1,234\W+per 24 h", output)
    assert re.search(r"\[red\]precision\[/red\]\W+undefined", output)
    assert all(len(line) <= 100 for line in output.splitlines() if "─" in line or "│" in line)
    assert f"Run:         {folder}\n" in output
    assert f"Report:      {folder / 'report.html'}\n" in output


def test_report_and_figures_lie_in_the_run_folder(run_with):
    folder = run_with(VALUES)
    echo_outcome(folder)
    assert (folder / "report.html").is_file()
    assert (folder / "training_curves.png").is_file()


def test_figures_are_left_out_on_demand(run_with):
    folder = run_with(VALUES, save_plots=False)
    echo_outcome(folder)
    assert (folder / "report.html").is_file()
    assert not (folder / "training_curves.png").exists()


def test_a_run_without_a_best_epoch_says_so(run_with, capsys):
    echo_outcome(run_with({"auroc": None}))
    output = capsys.readouterr().out
    assert "No epoch was the best: the monitored metric was undefined in all of them." in output
    assert "Report:" in output


def test_without_the_extra_there_is_no_report_and_the_command_is_told(
    run_with, capsys, monkeypatch
):
    folder = run_with(VALUES)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    echo_outcome(folder)
    output = capsys.readouterr().out
    assert "No report was written. This needs 'matplotlib'" in output
    assert 'pip install "neurorun[report]"' in output
    assert not (folder / "report.html").exists()


def test_only_declared_metrics_are_listed(tmp_path):
    with create_run(
        tmp_path, "a", config={}, metrics=METRICS[:1], monitor="auroc", source_dir=tmp_path
    ) as run:
        run.log_epoch(1, {"auroc": 0.5, "train_loss": 0.1})
    assert scores_table(open_run(run.folder)).row_count == 1

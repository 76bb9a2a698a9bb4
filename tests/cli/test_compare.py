import json
import subprocess
import sys

import pytest

from neurorun import cli
from neurorun.core import Metric
from neurorun.runs import create_run, open_run

pytestmark = pytest.mark.integration

RECALL = Metric("recall", "higher", "1", "Found share.")
LOSS = Metric("val_loss", "lower", "1", "Mean.")


def made_in(root, tp, *, task="t", **settings):
    with create_run(
        root, "x", config={"task": task, **settings}, metrics=[RECALL, LOSS], monitor="recall",
        source_dir=root,
    ) as run:  # fmt: skip
        run.log_epoch(1, {"recall": tp / 4, "val_loss": 0.5, "val_iou": tp / 4})
        run.write_predictions([{"image": name, "tp": tp, "fn": 4 - tp} for name in "abcdef"])
    return run.folder


def exit_code_of(*arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(one) for one in arguments])
    return stopped.value.code


def test_numbers_and_tests_are_printed(tmp_path, capsys):
    first, second = made_in(tmp_path, 1), made_in(tmp_path, 3, width=2)
    assert exit_code_of("compare", first, second) == 0
    told = capsys.readouterr().out
    assert "B is better than A by 0.500 in recall" in told
    assert "0.250 [0.250" in " ".join(told.split())
    assert "width" in told
    assert not list(tmp_path.glob("*.html"))


def test_page_and_tables_are_written_where_asked(tmp_path, capsys):
    folders = made_in(tmp_path, 1), made_in(tmp_path, 3, width=2)
    page, tables = tmp_path / "new" / "page.html", tmp_path / "tables"
    assert (
        exit_code_of("compare", *folders, "-o", page, "--tables", tables, "--metric", "recall") == 0
    )
    assert page.read_text().rstrip().endswith("</html>")
    assert sorted(path.name for path in tables.glob("*.csv")) == [
        "differences.csv", "metrics.csv", "runs.csv", "settings.csv",
    ]  # fmt: skip
    assert "val_loss" not in (tables / "metrics.csv").read_text()
    assert str(page) in capsys.readouterr().out


def test_what_cannot_be_compared_is_one_line_and_exit_code_2(tmp_path, capsys):
    first, second = made_in(tmp_path, 1), made_in(tmp_path, 3, task="other")
    assert exit_code_of("compare", first, second) == 2
    told = capsys.readouterr().err
    assert told.startswith("neurorun: Run '")
    assert told.count("\n") == 1
    assert "only runs of one task can be compared" in told


def test_comparing_needs_no_pytorch(tmp_path):
    folders = made_in(tmp_path, 1), made_in(tmp_path, 3, width=2)
    script = (
        "import sys\nsys.modules['torch'] = None\nfrom neurorun import cli\n"
        f"cli.main({['compare', *map(str, folders), '-o', str(tmp_path / 'page.html')]!r})"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert (tmp_path / "page.html").exists()


def test_card_and_tables_of_one_run_take_the_place_of_its_report(tmp_path, capsys):
    folder = made_in(tmp_path, 3)
    card, tables = tmp_path / "card.md", tmp_path / "tables"
    assert exit_code_of("report", folder, "--card", card, "--tables", tables) == 0
    assert "0.750 \\[0.750, 0.750\\]" in card.read_text()
    assert (tables / "scores.tex").exists()
    assert not (folder / "report.html").exists()
    assert str(card) in capsys.readouterr().out


def test_run_goes_to_the_earlier_readers_and_comes_back(tmp_path, capsys):
    folder = made_in(tmp_path, 3)
    assert exit_code_of("export", folder, "--for", "crackseg", tmp_path / "exported") == 0
    summary = json.loads((tmp_path / "exported/metrics/complete_summary.json").read_text())
    assert summary["best_iou"] == 0.75
    assert exit_code_of("import-run", tmp_path / "exported", "-o", tmp_path / "back") == 0
    told = capsys.readouterr().out
    assert "missing  The seed, the environment" in told
    assert open_run(tmp_path / "back").metrics["validation"]["val_iou"] == 0.75

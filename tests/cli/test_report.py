import subprocess
import sys
from pathlib import Path

import pytest

from neurorun import cli
from neurorun.core import Metric
from neurorun.runs import create_run

pytestmark = pytest.mark.unit

AUROC = Metric("auroc", "higher", "1", "")


@pytest.fixture
def run(tmp_path) -> Path:
    with create_run(
        tmp_path, "night", config={}, metrics=[AUROC], monitor="auroc", source_dir=tmp_path
    ) as made:
        made.log_epoch(1, {"auroc": 0.5})
    return made.folder


def exit_code_of(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(one) for one in arguments])
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_the_path_of_the_report_is_printed(run, capsys):
    assert exit_code_of("report", run) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert (run / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_the_report_may_lie_elsewhere(run, tmp_path, capsys):
    target = tmp_path / "new folder" / "night.html"
    assert exit_code_of("report", run, "-o", target) == 0
    assert capsys.readouterr().out == f"{target}\n"
    assert target.is_file()
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_what_is_no_run_is_refused_in_one_line(tmp_path, capsys, name):
    (tmp_path / "empty").mkdir()
    assert exit_code_of("report", tmp_path / name) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "is not a run folder: it holds no run.json" in captured.err


def test_without_the_extra_the_command_that_installs_it_is_told_in_one_line(
    run, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert exit_code_of("report", run) == 2
    assert capsys.readouterr().err == (
        "neurorun: This needs 'matplotlib', which is not installed. Install it with: pip install "
        '"neurorun[report]"\n'
    )


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert exit_code_of("report", run, "-o", tmp_path / "file" / "report.html") == 2
    assert capsys.readouterr().err.startswith("neurorun: Cannot write '")


def test_a_report_needs_no_pytorch(run):
    code = (
        "import sys\nfrom neurorun.reporting import write_report\nfrom pathlib import Path\n"
        f"write_report(Path({str(run)!r}), Path({str(run / 'r.html')!r}))\n"
        "print(*({'torch', 'pandas', 'mne', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

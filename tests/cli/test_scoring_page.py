"""The commands of the page about scoring print what the page shows."""

import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest

from neurorun.cli import main

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
PAIRS = ROOT / "tests" / "evaluation" / "data" / "scoring"
PAGE = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
SHOWN = [
    (block.partition("\n")[0], block.partition("\n")[2])
    for text in re.findall(r"^```console\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    for block in text.split("$ ")
    if block.startswith("neurorun")
]


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.split()]


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_a_command_prints_what_is_shown(command, output, tmp_path, monkeypatch, capsys):
    if "--plot" in command:
        pytest.importorskip("matplotlib")
    for name in ("synthetic", "bids"):
        copytree(PAIRS / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(shlex.split(command)[1:])
    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    assert not output or lines(printed) == lines(output)
    for path in re.findall(r"\S+\.(?:json|svg)", command):
        assert Path(path).stat().st_size > 0


def test_the_page_shows_commands_and_what_one_prints():
    assert len(SHOWN) == 5
    assert any(output for _, output in SHOWN)

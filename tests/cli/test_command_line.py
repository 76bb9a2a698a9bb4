import logging
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from neurorun import __version__, cli
from neurorun.cli.progress import TerminalProgress
from neurorun.core import DataError, Progress

pytestmark = pytest.mark.unit

HEAVY = {"torch", "lightning_fabric", "mne", "matplotlib", "pandas", "sklearn", "scipy", "edfio"}
MAY_LOAD = {  # heavy libraries that the help of a command may load: none
    name: set() for name in cli.COMMANDS
}


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(output.stdout.split()[-len(output.stdout.split()) :])


def test_importing_the_package_loads_numpy_at_most():
    assert not loaded_by("import neurorun") & (HEAVY | {"pydantic", "click", "yaml"})


def test_the_help_loads_no_heavy_library():
    code = "from click.testing import CliRunner\nfrom neurorun.cli import cli"
    loaded = loaded_by(f"{code}\nCliRunner().invoke(cli, ['--help'])")
    assert not loaded & (HEAVY | {"pydantic", "numpy", "rich"})


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_explains_itself_without_heavy_libraries(name):
    code = (
        "from click.testing import CliRunner\nfrom neurorun.cli import cli\n"
        f"assert CliRunner().invoke(cli, ['{name}', '--help']).exit_code == 0"
    )
    assert loaded_by(code) & HEAVY <= MAY_LOAD[name]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_list_of_commands_says_what_each_does(name):
    result = CliRunner().invoke(cli.cli, ["--help"])
    assert f"  {name} " in result.output
    assert cli.COMMANDS[name].help.rstrip(".").split()[0] in result.output


def exit_code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(arguments))
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_the_version_is_that_of_the_package(capsys):
    assert exit_code_of("--version") == 0
    assert __version__ in capsys.readouterr().out


def test_an_unknown_command_names_the_nearest(capsys):
    assert exit_code_of("trian") == 2
    assert "'trian' is not a command. Did you mean 'train'?" in capsys.readouterr().err


@pytest.fixture
def failing(monkeypatch):
    def install(error: BaseException) -> None:
        @click.command()
        def command() -> None:
            raise error

        monkeypatch.setattr(cli._Entry, "load", lambda self, name: command)

    return install


def test_a_users_error_is_one_line_and_exit_code_2(capsys, failing):
    failing(DataError("Cache is empty; build it."))
    assert exit_code_of("train") == 2
    assert capsys.readouterr().err == "neurorun: Cache is empty; build it.\n"


def test_debug_shows_the_traceback(failing):
    failing(DataError("Cache is empty; build it."))
    with pytest.raises(DataError, match="Cache is empty"):
        cli.main(["--debug", "train"])


def test_a_fault_of_ours_is_not_hidden(failing):
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        cli.main(["train"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.exceptions.Abort()])
def test_an_interruption_is_told_and_has_its_own_exit_code(capsys, failing, error):
    failing(error)
    assert exit_code_of("train") == 130
    assert capsys.readouterr().err.strip() == "Interrupted; what was finished is kept."


def test_warnings_reach_the_terminal_also_while_a_run_writes_its_log(capsys, monkeypatch):
    def warn(*_arguments):
        logging.getLogger("neurorun.training").warning("3 steps were left out.")
        logging.getLogger("neurorun.training").info("An epoch ended.")
        return 0

    monkeypatch.setattr("neurorun.cli._run", warn)
    logging.getLogger().addHandler(log_of_a_run := logging.NullHandler())
    try:
        assert exit_code_of("train") == 0
    finally:
        logging.getLogger().removeHandler(log_of_a_run)
    assert capsys.readouterr().err == "3 steps were left out.\n"
    assert logging.getLogger("neurorun").handlers == []


def test_progress_logs_a_heartbeat_without_a_terminal(caplog):
    progress = TerminalProgress(Console(force_terminal=False), heartbeat_s=0)
    assert isinstance(progress, Progress)
    with caplog.at_level(logging.DEBUG), progress.phase("Preparing", 3) as advance:
        advance(2, loss=0.25)
    assert "Preparing: 2 of 3  loss 0.25" in caplog.messages
    assert any("Preparing: 2 of 3 in" in message for message in caplog.messages)

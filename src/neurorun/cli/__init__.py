"""The command line: parse, call one function, print, return an exit code.

Commands are listed here by name and imported when they are called, so that `neurorun --help` starts
at once and PyTorch is loaded only by the commands that need it.
"""

import importlib
import logging
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from neurorun import __version__

USER_ERROR = 2
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a command is defined, and the line that `--help` shows of it."""

    module: str
    help: str

    def load(self, name: str) -> click.Command:
        command = getattr(importlib.import_module(self.module), name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command


COMMANDS = {
    "demo": _Entry("neurorun.cli.demo", "Simulate, train, score and report, in minutes."),
    "validate": _Entry("neurorun.cli.validate", "Check a configuration and print its plan."),
    "schema": _Entry("neurorun.cli.validate", "JSON Schema of the configuration, for editors."),
    "train": _Entry("neurorun.cli.train", "Train one run from a configuration."),
    "evaluate": _Entry("neurorun.cli.evaluate", "Score the best checkpoint of a run again."),
    "attention": _Entry("neurorun.cli.attention", "Write the attention maps of a run."),
    "detect": _Entry("neurorun.cli.detect", "Write the events that a run finds in recordings."),
    "export": _Entry("neurorun.cli.export", "Hand the network of a run to other programs."),
    "score": _Entry("neurorun.cli.score", "Score event files against reference event files."),
    "build-cache": _Entry("neurorun.cli.cache", "Prepare a corpus of recordings once."),
    "scan-cache": _Entry("neurorun.cli.cache", "Build the manifest of a cache again."),
    "info": _Entry("neurorun.cli.info", "Tell what a cache holds."),
    "simulate": _Entry("neurorun.cli.simulate", "Simulate a corpus of EDF with seizures."),
    "review": _Entry("neurorun.cli.review", "Write pages in which a reader judges a run."),
    "report": _Entry("neurorun.cli.report", "Write the report of a run as one HTML file."),
    "runs": _Entry("neurorun.cli.runs", "List the runs in a folder."),
    "compare": _Entry("neurorun.cli.compare", "Compare the numbers of several runs."),
    "diff": _Entry("neurorun.cli.runs", "What differs between two runs."),
    "import-run": _Entry("neurorun.cli.import_run", "Make a run of a folder of crack experiments."),
    "check": _Entry("neurorun.cli.runs", "Verify every file of a run or a cache."),
}


class _LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        return COMMANDS[name].load(name) if name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            from neurorun.core import nearest_of

            ctx.fail(f"'{args[0]}' is not a command. {nearest_of(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="neurorun")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """From brain recordings to models that are trained, clinically scored, and kept.

    Start with `neurorun demo`; every command explains itself with --help.
    """
    ctx.obj = debug


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command; a user's error becomes one line on stderr and exit code 2."""
    logging.captureWarnings(capture=True)
    terminal = _TerminalLog(level=logging.WARNING)
    logging.getLogger("neurorun").addHandler(terminal)
    try:
        code = _run(arguments)
    finally:
        logging.getLogger("neurorun").removeHandler(terminal)
    sys.exit(code)


class _TerminalLog(logging.Handler):
    """Shows our warnings on stderr, also while a run writes its own log, and above a bar."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _run(arguments: list[str] | None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    try:
        result: Any = cli.main(words, prog_name="neurorun", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("Interrupted; what was finished is kept.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:
        from neurorun.core import NeurorunError

        if not isinstance(error, NeurorunError) or "--debug" in words:
            raise
        click.echo(f"neurorun: {error}", err=True)
        return USER_ERROR
    return result if isinstance(result, int) else 0

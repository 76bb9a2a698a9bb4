"""`neurorun runs`, `neurorun diff` and `neurorun check`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurorun.cli.options import ANY_PATH

if TYPE_CHECKING:
    from neurorun.runs import RunLine

DAMAGED = 4
DIFFERENT = 1


@click.command()
@click.argument("folder", type=ANY_PATH, default="runs")
@click.option(
    "--sort",
    type=click.Choice(["started", "name", "status", "epochs", "best"]),
    default="started",
    show_default=True,
    help="What comes first: the newest, the first by name or status, most epochs, the best value.",
)
def runs(folder: Path, sort: Any) -> None:
    """List the runs in FOLDER, newest first."""
    from rich.console import Console
    from rich.table import Table

    from neurorun.runs import list_runs

    console = Console(markup=False, highlight=False)
    table = Table()
    table.add_column("run", overflow="fold", min_width=24)
    for name in ("status", "epochs", "best"):
        table.add_column(name)
    for line in list_runs(folder, sort=sort):
        planned = "" if line.epochs_planned is None else f" of {line.epochs_planned}"
        table.add_row(line.name, line.status, f"{line.epochs_run}{planned}", _best(line))
    if table.rows:
        console.print(table)
    else:
        console.print(f"There is no run in '{folder}', nor up to two levels below.")


def _best(line: "RunLine") -> str:
    if line.problem:
        return line.problem
    if line.best_epoch is None:
        return f"{line.monitor} undefined"
    return f"{line.monitor} {line.best_value:.4g} at epoch {line.best_epoch}"


@click.command()
@click.argument("first", type=ANY_PATH)
@click.argument("second", type=ANY_PATH)
def diff(first: Path, second: Path) -> int:
    """Show what differs between two runs: settings, data, source, packages, metrics.

    Exit code 1 if anything differs, as `diff` does.
    """
    from rich.console import Console
    from rich.table import Table

    from neurorun.runs import diff_runs

    found = diff_runs(first, second)
    console = Console(markup=False, highlight=False)
    for name, differences in found.sections.items():
        if not differences:
            continue
        table = Table(title=name, title_justify="left")
        table.add_column("", no_wrap=True)
        for column in (first.name, second.name):
            table.add_column(column, overflow="fold")
        for one in differences:
            table.add_row(one.key, _shown(one.first), _shown(one.second))
        console.print(table)
    if not found:
        console.print("The runs do not differ.")
    return DIFFERENT if found else 0


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return "undefined" if math.isnan(value) else f"{value:.6g}"
    return str(value)


@click.command()
@click.argument("folder")
def check(folder: str) -> int:
    """Verify every file of a run or a cache against its checksum and its format.

    Names what is damaged. A cache may be given by its URL in object storage. Exit code 4 if
    anything is damaged.
    """
    is_cache = "://" in folder or Path(folder, "cache.json").exists()
    faults = _faults_of_cache(folder) if is_cache else _faults_of_run(Path(folder))
    for line in faults:
        click.echo(line)
    n_damaged = sum(line.startswith("damaged") for line in faults)
    click.echo(f"{folder}: {n_damaged or 'nothing'} damaged")
    return DAMAGED if n_damaged else 0


def _faults_of_cache(folder: str) -> list[str]:
    from neurorun.cli.progress import TerminalProgress
    from neurorun.data import verify_cache

    damages = verify_cache(folder, progress=TerminalProgress())
    return [f"damaged  {damage.file}: {damage.fault}" for damage in damages]


def _faults_of_run(folder: Path) -> list[str]:
    from neurorun.runs import check_run

    return [
        f"{'damaged' if one.damaged else 'note   '}  {one.path}: {one.message}"
        for one in check_run(folder)
    ]

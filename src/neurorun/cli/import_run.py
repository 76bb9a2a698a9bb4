"""`neurorun import-run`."""

from pathlib import Path

import click

from neurorun.cli.options import ANY_PATH


@click.command()
@click.argument("folder", type=ANY_PATH)
@click.option(
    "-o", "--output", type=ANY_PATH, help="Run folder to make.  [default: runs/ and its name]"
)
def import_run(folder: Path, output: Path | None) -> None:
    """Make a run of FOLDER, which the saver of earlier crack experiments wrote.

    FOLDER stays as it is. What it does not tell, or tells in a way that cannot be, is said.
    """
    from neurorun.runs import import_original

    imported = import_original(folder, output or Path("runs") / folder.resolve().name)
    for sentence in imported.missing:
        click.echo(f"missing  {sentence}")
    click.echo(imported.folder)

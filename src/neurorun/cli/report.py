"""`neurorun report`."""

from pathlib import Path

import click

from neurorun.cli.options import ANY_PATH


@click.command()
@click.argument("run", type=ANY_PATH)
@click.option(
    "-o", "--output", type=ANY_PATH, help="Where to write it.  [default: RUN/report.html]"
)
def report(run: Path, output: Path | None) -> None:
    """Write the report of RUN: one HTML file that opens anywhere, without a network."""
    from neurorun.reporting import write_report

    click.echo(write_report(run, output or run / "report.html"))

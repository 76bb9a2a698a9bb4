"""`neurorun report`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neurorun.cli.options import ANY_PATH

if TYPE_CHECKING:
    from neurorun.evaluation import Estimate


@click.command()
@click.argument("run", type=ANY_PATH)
@click.option(
    "-o", "--output", type=ANY_PATH, help="Where to write it.  [default: RUN/report.html]"
)
@click.option("--card", type=ANY_PATH, help="Write a model card (Markdown) here, no report.")
@click.option(
    "--tables", type=ANY_PATH, help="Write the tables into this folder, no report: md, tex, csv."
)
def report(run: Path, output: Path | None, card: Path | None, tables: Path | None) -> None:
    """Write the report of RUN: one HTML file that opens anywhere, without a network."""
    from neurorun.reporting import write_card, write_report, write_run_tables

    if card is not None:
        click.echo(write_card(run, card, estimates=estimates_of(run)))
    if tables is not None:
        for path in write_run_tables(run, tables):
            click.echo(path)
    if output is not None or (card is None and tables is None):
        click.echo(write_report(run, output or run / "report.html"))


def estimates_of(folder: Path) -> dict[str, "dict[str, Estimate]"]:
    """Metrics of every split with their intervals, where rows of single items allow them."""
    import numpy as np

    from neurorun.evaluation import estimate_metric, group_indices, recipe_for
    from neurorun.runs import items_of, open_run

    run = open_run(folder)
    found: dict[str, dict[str, Estimate]] = {}
    for split, metrics in run.metrics.items():
        rows, groups = items_of(run, split)
        for name, value in metrics.items():
            recipe = recipe_for(name, rows, value) if rows else None
            numbers = recipe.numbers(rows) if recipe else None
            if recipe is not None and numbers is not None:
                found.setdefault(split, {})[name] = estimate_metric(
                    recipe, numbers, group_indices(groups), rng=np.random.default_rng(0)
                )
    return found

"""`neurorun compare`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from neurorun.cli.options import ANY_PATH

if TYPE_CHECKING:
    from neurorun.reporting import Comparison

SEED = 0
"""Of the draws and swaps: the same runs give the same page."""


@click.command()
@click.argument("runs", type=ANY_PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=ANY_PATH, help="Write a page with curves here (HTML).")
@click.option(
    "--tables", type=ANY_PATH, help="Write every table into this folder: Markdown, LaTeX, CSV."
)
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME",
    help="Compare only this metric. May be given repeatedly.  [default: all in common]",
)  # fmt: skip
@click.option(
    "--split", help="What was scored.  [default: test if every run has it, else validation]"
)
@click.option(
    "--every-pair", is_flag=True, help="Test all pairs of settings, not only each with the first."
)
def compare(
    runs: tuple[Path, ...],
    output: Path | None,
    tables: Path | None,
    metrics: tuple[str, ...],
    split: str | None,
    every_pair: bool,
) -> None:
    """Compare RUNS: settings that differ, metrics with intervals, paired tests on the same items.

    Runs whose numbers do not mean the same are refused, with the reason.
    """
    from neurorun.reporting import comparison_tables, write_comparison, write_tables

    comparison = compare_runs(runs, metrics=metrics, split=split, every_pair=every_pair)
    _echo(comparison)
    if output is not None:
        click.echo(write_comparison(comparison, output))
    if tables is not None:
        for path in write_tables(comparison_tables(comparison), tables):
            click.echo(path)


def compare_runs(
    folders: Sequence[Path],
    *,
    metrics: Sequence[str] = (),
    split: str | None = None,
    every_pair: bool = False,
) -> "Comparison":
    """Line up runs and measure them side by side.

    Raises
    ------
    RunError : the runs cannot be compared
    """
    import numpy as np

    from neurorun.evaluation import ScoredModel, compare_models
    from neurorun.reporting import Comparison
    from neurorun.runs import line_up

    lineup = line_up(folders, metrics=metrics, split=split)
    order = tuple(lineup.groups)
    models = {
        one.label: ScoredModel(one.metrics, [one.items[name] for name in order if one.items])
        for one in lineup.contenders
    }
    statistics = compare_models(
        [metric.name for metric in lineup.metrics],
        models,
        settings={
            letter: [one.label for one in members] for letter, members in lineup.settings.items()
        },
        groups=[lineup.groups[name] for name in order],
        rng=np.random.default_rng(SEED),
        every_pair=every_pair,
    )
    return Comparison(lineup, statistics)


def _echo(comparison: "Comparison") -> None:
    from rich.console import Console
    from rich.table import Table

    from neurorun.reporting import comparison_tables, summary_sentences

    console = Console(markup=False, highlight=False)
    for table in comparison_tables(comparison):
        shown = Table(title=table.caption, title_justify="left", title_style="")
        for column, number in zip(table.columns, table.numbers, strict=True):
            shown.add_column(column, overflow="fold", justify="right" if number else "left")
        for row in table.texts:
            shown.add_row(*row)
        console.print(shown)
    for sentence in (*comparison.lineup.notices, *summary_sentences(comparison)):
        console.print(sentence, soft_wrap=True)

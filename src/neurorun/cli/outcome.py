"""What is printed when a run has ended, and the pages and figures that are made of it."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from neurorun.core import MissingExtraError
from neurorun.reporting import number_in_words, unit_in_words, write_pages
from neurorun.runs import Run, open_run


def echo_outcome(folder: Path) -> None:
    """Draw the figures and the report of a run, print its scores, and say where to look."""
    run = open_run(folder)
    console = Console(markup=False, highlight=False)
    if run.best_epoch is None:
        console.print("No epoch was the best: the monitored metric was undefined in all of them.")
    else:
        console.print(f"Epoch {run.best_epoch}, the best by {run.record.monitor}:")
        console.print(scores_table(run))
    console.print(f"Run:         {folder}", soft_wrap=True)
    try:
        console.print(f"Report:      {write_pages(folder)}", soft_wrap=True)
    except MissingExtraError as error:
        console.print(f"No report was written. {error}", soft_wrap=True)


def scores_table(run: Run) -> Table:
    """Metrics of the best epoch on every split; what each means stands in the report."""
    table = Table()
    table.add_column("metric")
    for split in run.metrics:
        table.add_column(split, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for metric in run.record.metrics:
        values = (found.get(metric.name) for found in run.metrics.values())
        cells = ["" if value is None else number_in_words(value) for value in values]
        table.add_row(metric.name, *cells, unit_in_words(metric.unit))
    return table

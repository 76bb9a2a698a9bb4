"""What is printed when a run has ended, and the pages and figures that are made of it."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from neurorun.core import MissingExtraError
from neurorun.reporting import draw_figures, number_in_words, unit_in_words, write_report
from neurorun.runs import Run, open_run


def echo_outcome(folder: Path) -> None:
    """Draw the figures and the report of a run, print its scores, and say where to look."""
    run = open_run(folder)
    console = Console(markup=False, highlight=False)
    if run.best_epoch is None:
        console.print("No epoch was the best: the monitored metric was undefined in all of them.")
    else:
        console.print(f"Validation at epoch {run.best_epoch}, the best by {run.record.monitor}:")
        console.print(scores_table(run))
    console.print(f"Run:         {folder}", soft_wrap=True)
    try:
        console.print(f"Report:      {_report(run)}", soft_wrap=True)
    except MissingExtraError as error:
        console.print(f"No report was written. {error}", soft_wrap=True)


def _report(run: Run) -> Path:
    if run.config["evaluation"]["save_plots"]:
        draw_figures(run.path)
    return write_report(run.path, run.path / "report.html")


def scores_table(run: Run) -> Table:
    """Metrics of the best epoch; what each of them means stands in the report."""
    table = Table()
    table.add_column("metric")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    found = run.metrics["validation"]
    for metric in run.record.metrics:
        value = number_in_words(found[metric.name])
        table.add_row(metric.name, value, unit_in_words(metric.unit))
    return table

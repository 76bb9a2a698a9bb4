"""`neurorun evaluate`."""

from pathlib import Path
from typing import Any

import click

from neurorun.cli.options import ANY_PATH, device_option


@click.command()
@click.argument("run", type=ANY_PATH)
@click.argument("data", type=ANY_PATH, required=False)
@click.option(
    "--split",
    default="test",
    show_default=True,
    type=click.Choice(["validation", "test"]),
    help="Which split of the run, if no DATA are given.",
)
@click.option(
    "--name",
    help="Under which the run keeps the scores of DATA.  [default: name of the folder or file]",
)
@device_option
def evaluate(run: Path, data: Path | None, split: Any, name: str | None, device: Any) -> None:
    """Score the best checkpoint of RUN again, on one of its splits or on other DATA.

    What the run chose on validation, thresholds for example, is applied as it is. Metrics, rows,
    tables, pictures and the like are added to the run's folder (scored/SPLIT, scored/NAME).
    """
    from rich.console import Console
    from rich.table import Table

    from neurorun import experiment
    from neurorun.cli.progress import TerminalProgress
    from neurorun.reporting import number_in_words

    results = experiment.evaluate(
        run, data, split=split, name=name, device=device, progress=TerminalProgress()
    )
    table = Table(title=f"{results.split}: {len(results.rows)} scored", title_justify="left")
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right")
    for metric, value in results.metrics.items():
        table.add_row(metric, number_in_words(value))
    Console().print(table)

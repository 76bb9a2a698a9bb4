"""`neurorun info`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from neurorun.data import CacheSummary

_GIB = 1 << 30


@click.command()
@click.argument("cache", metavar="CACHE")
@click.option("--json", "as_json", is_flag=True, help="Print every figure and setting as JSON.")
def info(cache: str, as_json: bool) -> None:
    """Tell what CACHE holds: recordings, hours, seizures, channels, settings.

    CACHE is the folder of one split, or its URL in object storage. Only its table of contents is
    read; `neurorun check` reads the files.
    """
    from neurorun.core import DataError, to_json
    from neurorun.data import summarize_cache

    if Path(cache, "run.json").is_file():
        raise DataError(
            f"'{cache}' is a run, and info tells of caches. `neurorun report {cache}` tells of a "
            "run, `neurorun runs` lists them."
        )
    summary = summarize_cache(cache)
    if as_json:
        click.echo(to_json(summary.to_json(), indent=2))
    else:
        _echo(summary)


def _echo(summary: "CacheSummary") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _lines(summary).items():
        table.add_row(name, value)
    Console().print(table)


def _lines(summary: "CacheSummary") -> dict[str, str]:
    counts = ", ".join(f"{n} {status}" for status, n in summary.statuses.items() if n)
    unlabelled = f", {summary.n_unlabelled} unlabelled" if summary.n_unlabelled else ""
    settings = ", ".join(f"{key} {value}" for key, value in summary.settings.items())
    return {
        "cache": f"{summary.place}{'' if summary.complete else ', not complete'}",
        "split": summary.split,
        "recordings": f"{summary.n_recordings} of {summary.n_patients} patients{unlabelled}",
        "status": counts or "none was attempted",
        "signal": f"{summary.hours:.2f} h, {len(summary.channels)} channels at "
        f"{summary.rate_hz:g} Hz, {summary.n_bytes / _GIB:.3g} GiB",
        "seizures": f"{summary.n_seizures}, {summary.seizure_hours:.2f} h together",
        "channels": ", ".join(summary.channels),
        "fingerprint": summary.fingerprint,
        "settings": settings,
    }

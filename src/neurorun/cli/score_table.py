"""The tables that `neurorun score` prints."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from neurorun.evaluation import METHODS

if TYPE_CHECKING:
    from neurorun.evaluation import Bootstrap, Interval, ScoreReport

Lines = tuple[str, Sequence[str], list[list[str]]]
"""A table before it is drawn: title, names of the columns, cells."""

LEAST_WIDTH = 80
"""Columns of a table; on a narrower terminal lines wrap, for a number cut short is a wrong one."""

_UNDEFINED = "-"
_RATIOS = ("sensitivity", "precision", "f1")
_RATE = "false_alarms_per_24h"


def show_report(report: "ScoreReport", bootstrap: "Bootstrap | None" = None) -> None:
    """Print what was scored: methods that count events, time, agreement; means; intervals."""
    console = Console(highlight=False)
    console.width = max(console.width, LEAST_WIDTH)
    n, hours = len(report.recordings), report.duration_s / 3600
    console.print(
        f"{n} recording{'s' * (n > 1)}, {hours:.2f} h, class '{report.classes.positive}'; counts "
        "are sums over recordings\n",
        soft_wrap=True,
    )
    rows = report.table()
    averaged = [name for name in report.methods if METHODS[name].mean_over_patients]
    drawn = [
        _counts([row for row in rows if row["unit"] == "events"], "Events", "FA/24h"),
        _counts([row for row in rows if _counts_time(row)], "Time", "FA s/24h"),
        _kappas([row for row in rows if "kappa" in row]),
        _patient_means(report, averaged),
    ]
    if bootstrap is not None:
        drawn.append(_intervals(report, bootstrap))
    for title, header, lines in drawn:
        if lines:
            console.print(_table(title, header, lines), "")


def _counts_time(row: dict[str, Any]) -> bool:
    return row["unit"] != "events" and "kappa" not in row


def _counts(rows: Sequence[dict[str, Any]], title: str, rate: str) -> Lines:
    lines = []
    for row in rows:
        counts = [_count(row[key]) for key in ("targets", "hits", "false_alarms")]
        ratios = [_ratio(row[key]) for key in _RATIOS]
        lines.append([_name(row), *counts, *ratios, _rate(row[_RATE])])
    return title, ("Targets", "Hits", "False", "Sens.", "Prec.", "F1", rate), lines


def _kappas(rows: Sequence[dict[str, Any]]) -> Lines:
    lines = [[_name(row), _ratio(row["kappa"]), _ratio(row["multi_class_kappa"])] for row in rows]
    return "Agreement", ("Kappa", "All classes"), lines


def _patient_means(report: "ScoreReport", methods: Sequence[str]) -> Lines:
    """Means of SzCORE's measures; no lines where patients are not known."""
    n_patients = len({item.patient for item in report.recordings})
    lines = []
    for name in methods if report.patients_known else ():
        means = report.patient_means(name)
        shown = [(means[key], _ratio) for key in _RATIOS]
        shown.append((means[_RATE], _rate))
        cells = [f"{show(mean.mean)}\n{show(mean.deviation)}" for mean, show in shown]
        lines.append([_named(name), *cells])
    title = f"Means over {n_patients} patients"
    return f"{title}\n(deviations below)", ("Sens.", "Prec.", "F1", "FA/24h"), lines


def _intervals(report: "ScoreReport", bootstrap: "Bootstrap") -> Lines:
    """Intervals of the measures above; kappa has its own column, for it has no others."""
    lines = []
    for name in report.methods:
        found = bootstrap.intervals[name]
        cells = [_interval(found.get(key), _ratio) for key in (*_RATIOS, "kappa")]
        lines.append([_named(name), *cells, _interval(found.get(_RATE), _rate)])
    title = (
        f"{bootstrap.level:.0%} intervals\n{bootstrap.n_patients} patients,\n"
        f"{bootstrap.n_resamples} draws"
    )
    return title, ("Sens.", "Prec.", "F1", "Kappa", "FA/24h"), lines


def _interval(interval: "Interval | None", show: Any) -> str:
    if interval is None or math.isnan(interval.low):
        return _UNDEFINED
    return f"{show(interval.low)}\n{show(interval.high)}"


def _table(title: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    """Table whose numbers are never cut; where room is short, the names of methods wrap."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1))
    table.add_column(title, overflow="fold")
    for place, name in enumerate(header, start=1):
        cells = [name, *(part for line in lines for part in line[place].split("\n"))]
        table.add_column(name, justify="right", min_width=max(map(len, cells)))
    for line in lines:
        table.add_row(*line)
    return table


def _name(row: dict[str, Any]) -> str:
    unit = "" if row["unit"] == "events" else f"\n[dim]{row['unit']}[/]"
    return f"[bold]{row['method']}[/]\n[dim]{row['version']}[/]{unit}"


def _named(method: str) -> str:
    return f"[bold]{method}[/]\n[dim]{METHODS[method].version}[/]"


def _count(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def _ratio(value: float) -> str:
    return _UNDEFINED if math.isnan(value) else f"{value:.3f}"


def _rate(value: float) -> str:
    return _UNDEFINED if math.isnan(value) else f"{value:.2f}"

"""Several runs on one page: settings that differ, curves, metrics with intervals, paired tests.

The statistics are handed over; nothing is computed here but places and words.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorun.core import Metric, require, write_text
from neurorun.reporting.comparison_drawing import (
    N_COLOURS,
    Curves,
    Dots,
    Series,
    Setting,
    draw_curves,
    draw_dots,
)
from neurorun.reporting.exports import Table
from neurorun.reporting.statistics import Estimated, Pair, Statistics
from neurorun.reporting.words import listed, metric_in_words, number_in_words, unit_in_words
from neurorun.runs import ABSENT, Cell, Contender, Lineup

_TEMPLATE = "compare.html.jinja"
_MOST_PANELS = 8


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs, and what was computed of them."""

    lineup: Lineup
    statistics: Statistics


def write_comparison(comparison: Comparison, output: Path) -> Path:
    """Write the page and return where.

    Raises
    ------
    MissingExtraError : Jinja2 is not installed
    DataError : the file cannot be written
    """
    write_text(output, render_comparison(comparison))
    return output


def render_comparison(comparison: Comparison) -> str:
    """The page as text."""
    jinja2 = require("jinja2", extra="report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neurorun.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page: str = environment.get_template(_TEMPLATE).render(contents(comparison))
    return page


def contents(comparison: Comparison) -> dict[str, Any]:
    """Everything that the page shows, as plain values and places."""
    lineup = comparison.lineup
    return {
        "title": f"{len(lineup.contenders)} runs compared on {lineup.split}",
        "notices": lineup.notices,
        "sentences": tuple(summary_sentences(comparison)),
        "runs": runs_table(lineup),
        "settings": settings_table(lineup),
        "metrics": metrics_table(comparison),
        "trainings": trainings_table(comparison),
        "pairs": pairs_table(comparison),
        "untested": tuple(_untested(comparison)),
        "curves": curve_panels(lineup),
        "dots": dot_panels(comparison),
        "definitions": lineup.metrics,
        "level": _level(comparison),
        "n_draws": comparison.statistics.n_draws,
    }


def _level(comparison: Comparison) -> str:
    return f"{100 * comparison.statistics.level:g} %"


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Every table of the page that has any row, for files and terminals."""
    lineup = comparison.lineup
    found = (
        runs_table(lineup),
        settings_table(lineup),
        metrics_table(comparison),
        trainings_table(comparison),
        pairs_table(comparison),
    )
    return [table for table in found if table.rows]


def runs_table(lineup: Lineup) -> Table:
    """Which run each letter stands for."""
    rows = tuple(
        (
            one.label, one.run.name, one.run.record.experiment, one.run.status,
            _text(one.run.record.seed), len(one.run.epoch_rows), one.run.best_epoch,
        )
        for one in lineup.contenders
    )  # fmt: skip
    columns = ("run", "folder", "experiment", "status", "seed", "epochs", "best epoch")
    caption = "Runs; equal letters are trainings of the same settings."
    return Table("runs", caption, columns, rows)


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def settings_table(lineup: Lineup) -> Table:
    """Settings that differ, with the value of each run."""
    labels = tuple(one.label for one in lineup.contenders)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (key, *("-" if value == ABSENT else _text(value) for value in values))
        for key, values in lineup.differing.items()
    )
    return Table("settings", "Settings that differ between the runs.", ("setting", *labels), rows)


def metrics_table(comparison: Comparison) -> Table:
    """Every metric of every run with its interval over groups of items."""
    lineup, found = comparison.lineup, comparison.statistics.of_models
    labels = tuple(one.label for one in lineup.contenders)
    names = tuple(metric.name for metric in lineup.metrics)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(with_interval(found[label][name]) for label in labels)) for name in names
    )
    plain = Table(
        "metrics", "", ("run", "metric", "value", "low", "high", "n_groups"),
        tuple((label, name, *_numbers(found[label][name])) for label in labels for name in names),
    )  # fmt: skip
    caption = (
        f"Metrics on {lineup.split} at the best epoch of each run, with {_level(comparison)} "
        "intervals over groups of items where rows of items were kept."
    )
    return Table("metrics", caption, ("metric", *labels), rows, plain)


def _numbers(one: Estimated) -> tuple[Cell, ...]:
    return one.value, one.low, one.high, one.n


def with_interval(one: Estimated) -> str:
    """A value, and its interval if there is one."""
    if math.isnan(one.low) or math.isnan(one.high):
        return number_in_words(one.value)
    low, high = number_in_words(one.low), number_in_words(one.high)
    return f"{number_in_words(one.value)} [{low}, {high}]"


def trainings_table(comparison: Comparison) -> Table:
    """Mean over trainings of the same settings, with its interval; no rows if none was repeated."""
    lineup, found = comparison.lineup, comparison.statistics.of_settings
    letters = tuple(found)
    names = tuple(metric.name for metric in lineup.metrics)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(with_interval(found[letter][name]) for letter in letters))
        for name in (names if letters else ())
    )
    plain = Table(
        "trainings", "", ("settings", "metric", "mean", "low", "high", "n_trainings"),
        tuple((one, name, *_numbers(found[one][name])) for one in letters for name in names),
    )  # fmt: skip
    columns = ("metric", *(f"{one} (n = {len(lineup.settings[one])})" for one in letters))
    caption = f"Mean over trainings of the same settings, with its {_level(comparison)} t interval."
    return Table("trainings", caption, columns, rows, plain)


def pairs_table(comparison: Comparison) -> Table:
    """Differences on the same items, with intervals and p-values."""
    pairs = comparison.statistics.pairs
    plain = Table(
        "differences", "",
        (
            "metric", "first", "second", "difference", "low", "high", "p", "p_holm", "n_items",
            "n_groups", "n_swaps", "exact",
        ),
        tuple(_plain_pair(pair) for pair in pairs),
    )  # fmt: skip
    columns = ("metric", "settings", "difference", "p", "p (Holm)", "items", "groups")
    caption = (
        "Paired differences on the same items: bootstrap intervals over groups, sign-flip "
        "permutation tests, p adjusted by Holm over all rows."
    )
    return Table("differences", caption, columns, tuple(map(_pair_row, pairs)), plain)


def _plain_pair(pair: Pair) -> tuple[Cell, ...]:
    test = pair.test
    return (
        pair.metric, pair.first, pair.second, test.difference, test.low, test.high, test.p_value,
        pair.p_adjusted, test.n_items, test.n_groups, test.n_swaps, test.exact,
    )  # fmt: skip


def _pair_row(pair: Pair) -> tuple[Cell, ...]:
    test = pair.test
    low, high = number_in_words(test.low), number_in_words(test.high)
    interval = "" if math.isnan(test.low) else f" [{low}, {high}]"
    return (
        pair.metric,
        f"{pair.second} - {pair.first}",
        f"{_signed(test.difference)}{interval}",
        p_in_words(test.p_value),
        p_in_words(pair.p_adjusted),
        test.n_items,
        test.n_groups,
    )


def _signed(value: float) -> str:
    return f"+{number_in_words(value)}" if value > 0 else number_in_words(value)


def p_in_words(p: float) -> str:
    """A p-value for reading; small ones are bounded, never zero.

    >>> [p_in_words(p) for p in (0.5, 0.04213, 0.00002, float("nan"))]
    ['0.50', '0.042', '< 0.001', 'not enough data']
    """
    if math.isnan(p):
        return "not enough data"
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def summary_sentences(comparison: Comparison) -> Iterator[str]:
    """What the differences in the first metric say, effect before p."""
    metric = comparison.lineup.metrics[0]
    tested = [pair for pair in comparison.statistics.pairs if pair.metric == metric.name]
    for pair in tested:
        yield _pair_sentence(pair, metric)
    if not tested:
        yield f"No difference in {metric_in_words(metric.name)} could be tested."
    for letter, found in comparison.statistics.of_settings.items():
        yield (
            f"Settings {letter}: {metric_in_words(metric.name)} is "
            f"{with_interval(found[metric.name])} as the mean of {found[metric.name].n} trainings."
        )


def _pair_sentence(pair: Pair, metric: Metric) -> str:
    test, unit = pair.test, unit_in_words(metric.unit)
    if math.isnan(test.difference):
        return f"{pair.second} and {pair.first} cannot be told apart: a value is undefined."
    higher = (test.difference > 0) == (metric.better == "higher")
    amount = f"{number_in_words(abs(test.difference))}{f' {unit}' if unit else ''}"
    name = metric_in_words(metric.name)
    said = f"{pair.second} is {'better' if higher else 'worse'} than {pair.first} by {amount}"
    if test.difference == 0:
        said = f"{pair.second} and {pair.first} are equal"
    if math.isnan(test.p_value):
        return f"{said} in {name}; {test.n_groups} group of items is not enough for a test."
    interval = f"{number_in_words(test.low)} to {number_in_words(test.high)}"
    sure = "chance alone hardly explains it" if pair.p_adjusted < 0.05 else "it may be chance"
    return (
        f"{said} in {name} (interval {interval}, p = {p_in_words(test.p_value)}, by Holm "
        f"{p_in_words(pair.p_adjusted)}, {test.n_groups} groups): {sure}."
    )


def _untested(comparison: Comparison) -> Iterator[str]:
    """Metrics without a test, those with one reason together."""
    untested = comparison.statistics.untested
    for reason in dict.fromkeys(untested.values()):
        names = [name for name, one in untested.items() if one == reason]
        yield f"Not tested: {listed(names)}; {reason}."


def curve_panels(lineup: Lineup) -> list[Curves]:
    """Curves of the first metric and of both losses, all runs in each."""
    names = dict.fromkeys((lineup.metrics[0].name, "val_loss", "train_loss"))
    panels = (draw_curves(metric_in_words(name), [*_series(lineup, name)]) for name in names)
    return [panel for panel in panels if panel is not None]


def _series(lineup: Lineup, name: str) -> Iterator[Series]:
    for number, members in enumerate(lineup.settings.values()):
        for training, one in enumerate(members):
            values = {row.epoch: row.values.get(name, math.nan) for row in one.run.epoch_rows}
            dash = (number // N_COLOURS + training) % 4
            yield Series(one.label, number % N_COLOURS, dash, values)


def dot_panels(comparison: Comparison) -> list[Dots]:
    """Values of the first metrics, a line for every setting."""
    panels = (
        draw_dots(
            metric_in_words(metric.name),
            [
                _setting(comparison, letter, members, metric.name)
                for letter, members in comparison.lineup.settings.items()
            ],
        )
        for metric in comparison.lineup.metrics[:_MOST_PANELS]
    )
    return [panel for panel in panels if panel is not None]


def _setting(
    comparison: Comparison, letter: str, members: Sequence[Contender], metric: str
) -> Setting:
    statistics = comparison.statistics
    values = tuple(one.metrics[metric] for one in members)
    mean = statistics.of_settings.get(letter, {}).get(metric)
    shown = mean or statistics.of_models[members[0].label][metric]
    return Setting(letter, values, shown.low, shown.high, mean.value if mean else None)

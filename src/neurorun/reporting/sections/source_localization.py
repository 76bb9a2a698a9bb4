"""Source localization: the model beside linear inverses, and estimates on the cortex."""

import base64
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurorun.core import DataError, Metric, RunError
from neurorun.reporting.cortex import CorticalMap, draw_maps, sides_of
from neurorun.reporting.facts import Facts
from neurorun.reporting.figures import style
from neurorun.reporting.localization_figures import ErrorLine, draw_courses, draw_errors
from neurorun.reporting.localization_table import COMPARISON, ComparedLine, Comparison
from neurorun.reporting.pictures import DPI, inline_svg
from neurorun.reporting.sections.task_page import TaskPage
from neurorun.reporting.words import count_in_words, listed, metric_in_words, number_in_words
from neurorun.runs import CaptionedTable, KeptEstimate, MethodEstimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPLITS = ("test", "validation")
"""Splits that the page shows; all but the first that was scored are folded."""
MAPS_LIMIT_BYTES = 600_000
"""Room for maps of the cortex in a page that stays below a megabyte."""
_COMPRESSED = {"quality": 60, "alpha_quality": 30}
"""How maps are compressed: of 100, where nothing is lost, for colours and for their edge."""
_PLACE = "peak_error_mm"
_RANK = "average_precision"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One example as the page shows it.

    Parameters
    ----------
    title, words : what it is, and what the maps show
    maps : address of a picture; None if there was no room for it
    courses : drawing
    """

    title: str
    words: str
    maps: str | None
    courses: str


@dataclass(frozen=True, slots=True)
class ShownSplit:
    """What the page shows of one split, or of other data.

    Parameters
    ----------
    name : of the split
    methods : headings of the columns; the model is the first
    caption, lines : the table of all measures
    judged_by, circumstances : one measure, by what the examples are like
    error_figure : that measure against noise; None where there is one level
    examples, fault : estimates on the cortex, and why they cannot be shown if they cannot
    """

    name: str
    methods: tuple[str, ...]
    caption: str
    lines: tuple[ComparedLine, ...]
    judged_by: str
    circumstances: tuple[tuple[str, list[tuple[int, ComparedLine]]], ...]
    error_figure: str | None
    examples: tuple[ShownExample, ...]
    fault: str | None


def contents(facts: Facts) -> dict[str, Any]:
    """Tables of all methods, the error against noise, and estimates on the cortex, by split."""
    shown = (_split(facts, name) for name in SPLITS)
    return {"compared_splits": [one for one in shown if one.lines or one.examples or one.fault]}


def _split(facts: Facts, name: str) -> ShownSplit:
    table, comparison = _table(facts, name), _comparison(facts, name)
    examples, fault = _examples(facts, name, comparison)
    if table is None or comparison is None:
        return ShownSplit(name, (), "", (), "", (), None, tuple(examples), fault)
    metric = _main_metric(comparison, facts)
    return ShownSplit(
        name=name,
        methods=tuple(_headings(comparison)),
        caption=table.caption,
        lines=tuple(_lines(comparison, facts)),
        judged_by=_spoken(metric),
        circumstances=tuple(_circumstances(comparison, metric)),
        error_figure=_error_figure(comparison, metric, name),
        examples=tuple(examples),
        fault=fault,
    )


def _table(facts: Facts, split: str) -> CaptionedTable | None:
    """Means of all methods on a split; None if there are none, or none that can be read."""
    if split == "validation":
        return facts.tables.get(COMPARISON)
    try:
        tables = facts.run.of(split).tables
        found = [tables[name] for name in tables if name == COMPARISON]
    except DataError as error:
        logger.warning("The table of methods on %s is not shown: %s", split, error)
        return None
    return found[0] if found else None


def _comparison(facts: Facts, split: str) -> Comparison | None:
    table = _table(facts, split)
    return None if table is None or not table.rows else Comparison(table.rows)


def _headings(comparison: Comparison) -> list[str]:
    return ["the model", *comparison.methods[1:]]


def _lines(comparison: Comparison, facts: Facts) -> list[ComparedLine]:
    return [comparison.line(metric) for metric in comparison.measured(facts.record.metrics)]


def _main_metric(comparison: Comparison, facts: Facts) -> Metric:
    """Metric by which circumstances are told: in millimetres, where there is an anatomy."""
    by_name = {metric.name: metric for metric in facts.record.metrics}
    known = {metric.name for metric in comparison.measured(facts.record.metrics)}
    return by_name[_PLACE if _PLACE in known else _RANK]


def _circumstances(
    comparison: Comparison, metric: Metric
) -> list[tuple[str, list[tuple[int, ComparedLine]]]]:
    return [
        (
            name,
            [
                (
                    comparison.mean(comparison.model, metric.name, by=name, value=one).n_examples,
                    comparison.line(metric, by=name, value=one),
                )
                for one in values
            ],
        )
        for name, values in comparison.circumstances()
    ]


def _error_figure(comparison: Comparison, metric: Metric, split: str) -> str | None:
    """Drawing of a metric against noise, if there are several levels."""
    levels = dict(comparison.circumstances()).get("noise", ())
    if len(levels) < 2:
        return None
    lines = [_error_line(comparison, method, metric, levels) for method in comparison.methods]
    figure = draw_errors(
        lines,
        levels,
        title=f"{_spoken(metric)} by signal-to-noise ratio",
        unit=f"{metric.unit if metric.unit != '1' else ''} ({metric.better} is better)".strip(),
    )
    return inline_svg(figure, f"noise{split}")


def _error_line(
    comparison: Comparison, method: str, metric: Metric, levels: Sequence[str]
) -> ErrorLine:
    means = [comparison.mean(method, metric.name, by="noise", value=one) for one in levels]
    is_model = method == comparison.model
    return ErrorLine(
        method="the model" if is_model else method,
        means=tuple(one.mean for one in means),
        lows=tuple(one.low for one in means),
        highs=tuple(one.high for one in means),
        is_model=is_model,
    )


def _examples(
    facts: Facts, split: str, comparison: Comparison | None
) -> tuple[list[ShownExample], str | None]:
    """Estimates that were kept, and why they cannot be shown if they cannot."""
    try:
        kept = list(facts.run.of(split).estimates.values())
        cortex = facts.run.cortex if kept else None
    except (DataError, RunError) as error:
        return [], str(error).replace(f"{facts.run.path}/", "")
    if cortex is None:
        return [], None
    beside = _best_inverse(comparison, facts)
    sides, room, shown = sides_of(cortex), MAPS_LIMIT_BYTES // len(SPLITS), []
    for place, one in enumerate(sorted(kept, key=_model_error, reverse=True)):
        address = _address(draw_maps(sides, _maps(one)))
        room -= len(address)
        drawing = f"course{split}{chr(ord('a') + place)}"
        shown.append(_shown(one, address if room >= 0 else None, beside, drawing))
    return shown, None


def _best_inverse(comparison: Comparison | None, facts: Facts) -> str | None:
    if comparison is None or len(comparison.methods) < 2:
        return None
    metric = _main_metric(comparison, facts)
    others = list(comparison.methods[1:])
    means = {one: comparison.mean(one, metric.name).mean for one in others}
    chosen = min if metric.better == "lower" else max
    return chosen(others, key=means.__getitem__)


def _model_error(kept: KeptEstimate) -> float:
    return kept.methods[0].error_mm if kept.methods else 0.0


def _maps(kept: KeptEstimate) -> list[CorticalMap]:
    true = CorticalMap("true activity", kept.strengths, kept.centres)
    return [true, *(CorticalMap(_title(one), one.strengths, kept.centres) for one in kept.methods)]


def _title(one: MethodEstimate) -> str:
    name = "the model" if one.method == "model" else one.method
    return f"{name}: peak {number_in_words(one.error_mm)} mm from the centre"


def _shown(
    kept: KeptEstimate, address: str | None, beside: str | None, drawing: str
) -> ShownExample:
    n_sources = count_in_words(len(kept.centres), "source")
    followed = [
        one for position, one in enumerate(kept.methods) if position == 0 or one.method == beside
    ]
    n_regions = count_in_words(len(kept.active), "region")
    return ShownExample(
        title=f"{kept.example}: {n_sources} at {kept.snr_db:g} dB",
        words=f"{n_regions} of {len(kept.strengths):,} are active.",
        maps=address,
        courses=inline_svg(draw_courses(kept, followed), drawing),
    )


def _address(figure: "Figure") -> str:
    """A picture inside the page: small, and with the page as its background."""
    stream = io.BytesIO()
    with style():
        figure.savefig(stream, format="webp", facecolor="none", dpi=DPI, pil_kwargs=_COMPRESSED)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"


def sentences(facts: Facts) -> list[str]:
    """How far the model is off on each split, and where it is better or worse than others."""
    told = []
    for split in SPLITS:
        comparison = _comparison(facts, split)
        if comparison is not None:
            told += _told(comparison, facts, split)
    return told


def _told(comparison: Comparison, facts: Facts, split: str) -> list[str]:
    metric = _main_metric(comparison, facts)
    best = _best_inverse(comparison, facts)
    own = comparison.mean(comparison.model, metric.name)
    error = (
        f"On {count_in_words(comparison.n_examples, 'simulated example')} of {split} the "
        f"{_spoken(metric)} of the model is {own.words}{_unit(metric)}"
    )
    if best is None:
        return [f"{error}."]
    other = comparison.mean(best, metric.name)
    return [
        f"{error}; of the best linear inverse, {best}, it is {other.words}{_unit(metric)}.",
        _verdict(comparison, facts),
    ]


def _spoken(metric: Metric) -> str:
    """Name of a metric without the unit that it may end with."""
    return metric_in_words(metric.name).removesuffix(f" {metric.unit}")


def _unit(metric: Metric) -> str:
    return "" if metric.unit == "1" else f" {metric.unit}"


def _verdict(comparison: Comparison, facts: Facts) -> str:
    """In how many measures the model is best, and which it loses to whom."""
    metrics = comparison.measured(facts.record.metrics)
    winners = {metric: comparison.best(metric) for metric in metrics}
    lost = [
        f"{_spoken(metric)} ({winner})"
        for metric, winner in winners.items()
        if winner != comparison.model
    ]
    if not lost:
        return f"It is the best of all in each of the {len(metrics)} measures."
    if len(lost) == len(metrics):
        return f"In every one of the {len(metrics)} measures a linear inverse is better."
    return (
        f"It is the best of all in {len(metrics) - len(lost)} of {len(metrics)} measures; a linear "
        f"inverse is better in {listed(lost)}."
    )


def remark(metric: Metric, facts: Facts) -> str:
    """What the best linear inverse has."""
    comparison = _comparison(facts, "validation")
    if comparison is None or len(comparison.methods) < 2:
        return ""
    others = [(one, comparison.mean(one, metric.name).mean) for one in comparison.methods[1:]]
    best: tuple[str, float] | None = None
    for one, mean in others:
        if metric.improves(mean, on=None if best is None else best[1]):
            best = (one, mean)
    return "" if best is None else f"{best[0]}: {number_in_words(best[1])}"


SOURCE_LOCALIZATION_PAGE = TaskPage(
    template="sections/source_localization.html.jinja",
    item="example",
    group="group",
    examples="Examples, by level of noise",
    example="example",
    headlines=("peak_error_mm", "average_precision", "missed_sources", "centre_correlation"),
    contents=contents,
    sentences=sentences,
    remark=remark,
)

"""Crack segmentation: areas hit and missed, intervals, every threshold, and pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurorun.core import Metric
from neurorun.reporting.facts import Facts, SplitFacts
from neurorun.reporting.figures import FIRST, QUIET, SECOND, style
from neurorun.reporting.pictures import inline_svg
from neurorun.reporting.sections.task_page import TaskPage
from neurorun.reporting.words import count_in_words, number_in_words, percent
from neurorun.runs import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LINES = 200
_MARKED, _ALL = ("tp", "fn"), ("tp", "fp", "fn", "tn")
_CURVE, _CHOSEN, _INTERVALS = "threshold_curve", "chosen_threshold", "intervals"


@dataclass(frozen=True, slots=True)
class IntervalLine:
    """A measure of all pixels together on every split, each with its interval, in words."""

    measure: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ImageLine:
    """One image as the page shows it."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownImages:
    """Images of one split, those with the least shared area first.

    Parameters
    ----------
    more : how many there are besides
    rows_file : where all of them stand
    """

    split: str
    lines: tuple[ImageLine, ...]
    more: int
    rows_file: str


def contents(facts: Facts) -> dict[str, Any]:
    """Intervals, the curve of thresholds, and tables of images."""
    return {
        "interval_splits": [one.split for one in _with_intervals(facts)],
        "intervals": _interval_lines(facts),
        "curve": _curve(facts),
        "chosen": _chosen_in_words(facts),
        "images": [_images(one) for one in facts.shown if _are_ours(one.predictions)],
    }


def _images(split: SplitFacts) -> ShownImages:
    rows = split.predictions
    lines = tuple(_image_line(row) for row in rows[:_MOST_LINES])
    return ShownImages(split.split, lines, max(0, len(rows) - _MOST_LINES), split.rows_file)


def sentences(facts: Facts) -> list[str]:
    """On how much was validated, how much of it was hit, and what the test says."""
    rows = facts.predictions
    if not _are_ours(rows):
        return []
    marked, pixels = (sum(_whole(row, *names) for row in rows) for names in (_MARKED, _ALL))
    extent = (
        f"The network was validated on {count_in_words(len(rows), 'image')} of "
        f"{pixels:,} pixels, {percent(_share(marked, pixels))} of them marked as crack."
    )
    outcome = (
        f"Prediction and mask share {_iou_in_words(_validation(facts))} of the area that either "
        "covers."
    )
    test = facts.scores.get("test")
    if test is None:
        return [extent, outcome]
    return [extent, outcome, f"On the test images it is {_iou_in_words(test.metrics)}."]


def _validation(facts: Facts) -> dict[str, float]:
    return {metric.name: value for metric, value in facts.validation.items()}


def _iou_in_words(metrics: Mapping[str, float]) -> str:
    value = percent(metrics.get("val_iou", math.nan))
    interval = _interval_in_words(metrics)
    return f"{value} ({interval})" if interval else value


def _interval_in_words(metrics: Mapping[str, float]) -> str:
    low, high = (metrics.get(f"val_iou_{end}", math.nan) for end in ("low", "high"))
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"95 % interval over images {percent(low)} to {percent(high)}"


def remark(metric: Metric, facts: Facts) -> str:
    """The interval, and the counts behind precision and recall."""
    rows = facts.predictions
    if metric.name == "val_iou":
        return _interval_in_words(_validation(facts))
    if not _are_ours(rows):
        return ""
    hits = sum(_whole(row, "tp") for row in rows)
    if metric.name == "val_precision":
        return f"{hits:,} of {sum(_whole(row, 'tp', 'fp') for row in rows):,} predicted pixels"
    if metric.name == "val_recall":
        return f"{hits:,} of {sum(_whole(row, *_MARKED) for row in rows):,} marked pixels"
    return ""


def _are_ours(rows: Sequence[Mapping[str, Cell]]) -> bool:
    return bool(rows) and all(isinstance(rows[0].get(name), int) for name in _ALL)


def _whole(row: Mapping[str, Cell], *names: str) -> int:
    return sum(value for value in (row[name] for name in names) if isinstance(value, int))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _number(row: Mapping[str, Cell], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _with_intervals(facts: Facts) -> list[SplitFacts]:
    """Splits in the order in which scores stand side by side."""
    splits = [facts.kept[name] for name in ("validation", "test")]
    return [one for one in splits if _INTERVALS in one.tables]


def _interval_lines(facts: Facts) -> list[IntervalLine]:
    by_split = [
        {str(row["measure"]): row for row in one.tables[_INTERVALS].rows}
        for one in _with_intervals(facts)
    ]
    measures = dict.fromkeys(name for rows in by_split for name in rows)
    return [
        IntervalLine(name, tuple(_value_and_interval(rows.get(name)) for rows in by_split))
        for name in measures
    ]


def _value_and_interval(row: Mapping[str, Cell] | None) -> tuple[str, str]:
    """Both in words; empty where the measure was not taken."""
    if row is None:
        return "", ""
    value, low, high = (number_in_words(_number(row, name)) for name in ("value", "low", "high"))
    return value, f"{low} to {high}"


def _chosen_in_words(facts: Facts) -> str:
    table = facts.tables.get(_CHOSEN)
    if table is None or not table.rows or math.isnan(_number(table.rows[0], "threshold")):
        return ""
    row = table.rows[0]
    return (
        f"The threshold with the highest intersection over union on validation is "
        f"{_number(row, 'threshold'):g} ({number_in_words(_number(row, 'iou'))}); it is kept for "
        "the test images as it is (val_iou_chosen)."
    )


def _image_line(row: Mapping[str, Cell]) -> ImageLine:
    marked, pixels = _whole(row, *_MARKED), _whole(row, *_ALL)
    measures = (number_in_words(_number(row, name)) for name in ("iou", "precision", "recall"))
    return ImageLine(str(row["image"]), (percent(_share(marked, pixels)), *measures))


def _curve(facts: Facts) -> str | None:
    table = facts.tables.get(_CURVE)
    if table is None or not table.rows:
        return None
    chosen = facts.tables.get(_CHOSEN)
    threshold = _number(chosen.rows[0], "threshold") if chosen and chosen.rows else math.nan
    return inline_svg(draw_thresholds(table.rows, chosen=threshold), "thresholds")


def draw_thresholds(rows: Sequence[Mapping[str, Cell]], *, chosen: float) -> "Figure":
    """Precision, recall and intersection over union at every threshold.

    Parameters
    ----------
    chosen : threshold that is marked; NaN marks none
    """
    from matplotlib.figure import Figure

    thresholds = [_number(row, "threshold") for row in rows]
    with style():
        figure = Figure(figsize=(6.0, 3.0), layout="constrained")
        axis = figure.add_subplot()
        for name, word, colour, line in (
            ("iou", "intersection over union", FIRST, "-"),
            ("precision", "precision", SECOND, "--"),
            ("recall", "recall", QUIET, "-."),
        ):
            values = [_number(row, name) for row in rows]
            axis.plot(thresholds, values, line, color=colour, label=word, linewidth=1.5)
        if not math.isnan(chosen):
            axis.axvline(chosen, color=QUIET, linewidth=0.8, linestyle=":")
        axis.set_xlim(0, 1)
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlabel("threshold")
        axis.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0))
    return figure


CRACK_SEGMENTATION_PAGE = TaskPage(
    template="sections/crack_segmentation.html.jinja",
    item="image",
    group="different image",
    examples="Images, by whether anything is marked",
    example="image",
    headlines=("val_iou", "val_precision", "val_recall", "val_iou_images"),
    contents=contents,
    sentences=sentences,
    remark=remark,
)

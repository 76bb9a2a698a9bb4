"""Figures of a run in plain axes: training curves, confusion, sensitivity against false alarms.

Every figure takes data and returns a matplotlib figure; nothing is computed here that the run
folder does not hold. Colours are told apart without colour vision, and few, so that a page may
replace them by those of its style sheet.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurorun.core import Metric, require
from neurorun.reporting.words import metric_in_words
from neurorun.runs import ChosenPoint, ConfusionMatrix, EpochRow, FaCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, FIRST, SECOND = "#1c1c1e", "#5f6368", "#0b5cad", "#c2570c"

_STYLE = {
    "text.color": INK,
    "text.parse_math": False,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": QUIET,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "neurorun",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in our style, whatever the user has configured for figures of his own."""
    matplotlib = require("matplotlib", extra="report")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over epochs that share an axis: numbers by epoch, under the words for each."""

    title: str
    curves: Mapping[str, tuple[float, ...]]


def training_panels(rows: Sequence[EpochRow], metric: Metric) -> list[Panel]:
    """Losses, the monitored metric and the learning rate, as far as they were ever defined."""

    def history(name: str) -> tuple[float, ...]:
        return tuple(row.values.get(name, math.nan) for row in rows)

    monitored = f"{metric_in_words(metric.name)}, {metric.better} is better"
    wanted = (
        Panel("loss", {"training": history("train_loss"), "validation": history("val_loss")}),
        Panel(monitored, {"": history(metric.name)}),
        Panel("learning rate", {"": history("learning_rate")}),
    )
    defined = (Panel(panel.title, _ever_defined(panel.curves)) for panel in wanted)
    return [panel for panel in defined if panel.curves]


def _ever_defined(curves: Mapping[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    return {name: some for name, some in curves.items() if np.isfinite(some).any()}


def draw_training_curves(
    rows: Sequence[EpochRow], metric: Metric, *, best_epoch: int | None
) -> "Figure | None":
    """Losses, the monitored metric and the learning rate over epochs; None without any number.

    Parameters
    ----------
    rows : one per finished epoch
    metric : the one that chose the best epoch
    best_epoch : marked; None marks nothing
    """
    panels = training_panels(rows, metric)
    if not panels:
        return None
    with style():
        figure = _new_figure(3.0 * len(panels), 2.6)
        for place, panel in enumerate(panels, 1):
            axis = figure.add_subplot(1, len(panels), place)
            _draw_panel(axis, panel, [row.epoch for row in rows])
            if best_epoch is not None:
                axis.axvline(best_epoch, color=QUIET, linewidth=0.8, linestyle=":")
    return figure


def _new_figure(width_in: float, height_in: float) -> "Figure":
    """Make a figure without the state of pyplot, which nobody would close."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def _draw_panel(axis: "Axes", panel: Panel, epochs: Sequence[int]) -> None:
    """Draw curves with a gap where a value is undefined."""
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(epochs) <= 50 else ""
    for (name, values), colour in zip(panel.curves.items(), (FIRST, SECOND), strict=False):
        axis.plot(
            epochs, values, color=colour, label=name, marker=marker, markersize=3, linewidth=1.3
        )
    if len(panel.curves) > 1:
        axis.legend()
    axis.set_title(panel.title)
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def draw_confusion_matrix(
    matrix: ConfusionMatrix, *, size_in: tuple[float, float] | None = None
) -> "Figure":
    """Counts of one matrix with the share of each row; rows are what was annotated.

    Parameters
    ----------
    size_in : width and height in inches; None takes what the classes need
    """
    counts = np.asarray(matrix.matrix, dtype=np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    side_in = 1.6 + 0.9 * len(matrix.classes)
    with style():
        figure = _new_figure(*(size_in or (side_in + 0.6, side_in)))
        axis = figure.add_subplot()
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(shares):
            text = f"{int(counts[row, column]):,}\n{share:.1%}" if totals[row, 0] else "0"
            colour = "white" if share > 0.5 else "black"
            axis.text(column, row, text, ha="center", va="center", color=colour)
        axis.set_xticks(range(len(matrix.classes)), matrix.classes)
        axis.set_yticks(
            range(len(matrix.classes)), matrix.classes, rotation="vertical", va="center"
        )
        axis.set_xlabel("detected")
        axis.set_ylabel("annotated")
        axis.set_title(f"{matrix.dataset}, epoch {matrix.epoch}")
    return figure


def draw_fa_curve(curve: FaCurve, points: Sequence[ChosenPoint]) -> "Figure":
    """Sensitivity against false alarms per 24 h, with the operating points that were reached.

    The axis of false alarms is linear up to 1 and logarithmic beyond, so that 0 is on it.
    """
    with style():
        figure = _new_figure(6.0, 3.2)
        axis = figure.add_subplot()
        axis.step(curve.false_alarms_per_day, curve.sensitivity, where="post", color=FIRST)
        axis.set_xscale("symlog", linthresh=1.0)
        for point in points:
            axis.axvline(point.fa_rate, color=QUIET, linewidth=0.6, linestyle=":")
            if point.reached:
                axis.plot(point.false_alarms_per_day, point.sensitivity, "o", color=SECOND)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlim(left=-0.05)
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlabel("false alarms per 24 h")
        axis.set_ylabel("sensitivity")
    return figure

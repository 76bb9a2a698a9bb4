"""Figures of source localization: courses near each source, and error against noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import require
from neurorun.reporting.figures import FIRST, INK, QUIET, SECOND, style
from neurorun.runs import KeptEstimate, MethodEstimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_POINTS = 250
_MARKERS = ("s", "^", "D", "v", "P")


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """Mean error of one method over the levels of something.

    Parameters
    ----------
    method : shown beside the line
    means, lows, highs : one per level; NaN where unknown
    is_model : drawn before the others
    """

    method: str
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    is_model: bool


def draw_courses(kept: KeptEstimate, shown: Sequence[MethodEstimate]) -> "Figure":
    """Draw the true course at the centre of each source, and the courses of up to two methods.

    A method is drawn where it is strongest near the source. Means are taken out, and each course is
    divided by its largest deviation: methods differ in scale.
    """
    figure = _figure(9.6, 1.9)
    with style():
        n_sources = len(kept.centres)
        axes = figure.subplots(1, n_sources, squeeze=False)[0]
        for place, axis in enumerate(axes):
            _draw_course(axis, kept.at_centre[place], kept.rate_hz, colour=INK, label="true")
            for one, colour in zip(shown, (FIRST, SECOND), strict=False):
                _draw_course(
                    axis, one.at_peak[place], kept.rate_hz, colour=colour, label=one.method
                )
            axis.set_title(f"source {place + 1} of {n_sources}" if n_sources > 1 else "the source")
            axis.set_xlabel("time (ms)")
            axis.set_yticks([])
            axis.spines["left"].set_visible(False)
        figure.legend(*axes[0].get_legend_handles_labels(), fontsize=9, loc="outside right upper")
    return figure


def _draw_course(
    axis: "Axes",
    course: Float32[np.ndarray, " samples"],
    rate_hz: float,
    *,
    colour: str,
    label: str,
) -> None:
    step = max(1, len(course) // _MOST_POINTS)
    shape = relative(course)[::step]
    time_ms = np.arange(len(course))[::step] * 1000.0 / rate_hz
    axis.plot(time_ms, shape, color=colour, label=label, linewidth=1.6 if colour == INK else 1.1)


def relative(course: Float32[np.ndarray, " samples"]) -> Float64[np.ndarray, " samples"]:
    """Deviation from the mean as a share of the largest; silence stays zero.

    >>> relative(np.array([0, 4, 2], np.float32)).tolist()
    [-1.0, 1.0, 0.0]
    """
    deviation: Float64[np.ndarray, " samples"] = course - course.mean(dtype=np.float64)
    largest = float(np.abs(deviation).max())
    return deviation / largest if largest > 0 else deviation


def draw_errors(
    lines: Sequence[ErrorLine], levels: Sequence[str], *, title: str, unit: str
) -> "Figure":
    """Draw means with their intervals over levels, the model in colour, the others in grey."""
    figure = _figure(6.2, 3.0)
    with style():
        axis = figure.add_subplot()
        n_lines = max(len(lines) - 1, 1)
        for place, line in enumerate(lines):
            at = np.arange(len(levels)) + 0.28 * (place - n_lines / 2) / n_lines
            _draw_error_line(axis, line, at, _MARKERS[place % len(_MARKERS)])
        axis.set_xticks(range(len(levels)), levels)
        axis.set_xlim(-0.4, len(levels) - 0.6)
        axis.set_ylim(bottom=0)
        axis.set_ylabel(unit)
        axis.set_title(title)
        axis.legend(fontsize=8, ncols=len(lines), loc="lower center", bbox_to_anchor=(0.5, -0.34))
    return figure


def _draw_error_line(
    axis: "Axes", line: ErrorLine, at: Float64[np.ndarray, " levels"], marker: str
) -> None:
    means = np.array(line.means)
    spread = np.array([means - np.array(line.lows), np.array(line.highs) - means])
    axis.errorbar(
        at, means, np.where(np.isnan(spread), 0.0, spread), label=line.method, markersize=4.5,
        elinewidth=0.8, color=FIRST if line.is_model else QUIET,
        marker="o" if line.is_model else marker, linewidth=1.8 if line.is_model else 0.9,
        markerfacecolor=FIRST if line.is_model else "none", zorder=3 if line.is_model else 2,
    )  # fmt: skip


def _figure(width_in: float, height_in: float) -> "Figure":
    require("matplotlib", extra="report")
    from matplotlib.figure import Figure

    with style():
        return Figure(figsize=(width_in, height_in), layout="constrained")

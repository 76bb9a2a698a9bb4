"""The picture that `neurorun score --plot` draws: each recording's events on a line of time.

Of every recording there are two lanes: above what was annotated, below what was detected. Colours
follow the method ``overlap``: an annotated seizure that shares time with a detection is found, a
detection that shares time with none is a false alarm. Time without EEG is grey.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurorun.core import Event, ScoringError, Timeline, atomic_write, require

SUFFIXES = (".png", ".svg", ".pdf")
MOST_RECORDINGS = 60
"""More would make a picture that nobody can look at."""

_FOUND, _HIT, _MISSED, _FALSE, _GAP = "#2166ac", "#92c5de", "#b2182b", "#f4a582", "#e0e0e0"
_KEYS = (
    ("seizure, found", _FOUND),
    ("seizure, missed", _MISSED),
    ("detection, hit", _HIT),
    ("detection, false alarm", _FALSE),
    ("no EEG", _GAP),
)
_WIDTH_IN, _ROW_IN, _FRAME_IN = 10.0, 0.42, 1.1
_LEAST_SHARE = 0.0025
"""Least width of an event as a share of the axis, so that short ones are seen."""


def draw_timelines(path: Path, pairs: Sequence[tuple[Timeline, Timeline]]) -> int:
    """Draw reference and detected events of some recordings into a PNG, SVG or PDF.

    Parameters
    ----------
    path : where to write; its suffix decides the format
    pairs : annotated and detected timeline of every recording

    Returns
    -------
    How many recordings were drawn: at most 60, the first ones

    Raises
    ------
    ScoringError : the suffix is of no format that can be drawn
    MissingExtraError : matplotlib is not installed
    """
    check_suffix(path)
    figure_module = require("matplotlib.figure", extra="report")
    patches = require("matplotlib.patches", extra="report")
    drawn = pairs[:MOST_RECORDINGS]
    size = (_WIDTH_IN, _FRAME_IN + _ROW_IN * len(drawn))
    figure = figure_module.Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    longest_s = max(reference.duration_s for reference, _ in drawn)
    unit_s, unit = (3600.0, "h") if longest_s > 2 * 3600 else (60.0, "min")
    for row, (reference, detected) in enumerate(drawn):
        _draw_recording(
            axes, row, reference, detected, unit_s=unit_s, least_s=longest_s * _LEAST_SHARE
        )
    _label(axes, [reference.recording_id for reference, _ in drawn], unit)
    axes.set_xlim(0, longest_s / unit_s)
    figure.legend(
        handles=[patches.Patch(color=colour, label=label) for label, colour in _KEYS],
        loc="outside upper center",
        ncols=len(_KEYS),
        frameon=False,
        fontsize=8,
    )
    with atomic_write(path) as stream:
        figure.savefig(stream, format=path.suffix[1:].lower(), dpi=150)
    return len(drawn)


def check_suffix(path: Path) -> None:
    """Refuse a file that cannot be drawn, before anything is scored.

    Raises
    ------
    ScoringError : its suffix is unknown
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ScoringError(
            f"'{path}' ends in '{path.suffix}'; pictures can be {', '.join(SUFFIXES)}. Name it so."
        )


def _draw_recording(
    axes: Any, row: int, reference: Timeline, detected: Timeline, *, unit_s: float, least_s: float
) -> None:
    """Draw the frame, the gaps and both lanes of one recording."""
    axes.broken_barh(
        [(0, reference.duration_s / unit_s)], (row - 0.4, 0.8), facecolor="none", edgecolor="0.75"
    )
    gaps = [(onset_s / unit_s, (off_s - onset_s) / unit_s) for onset_s, off_s in reference.gaps]
    axes.broken_barh(gaps, (row - 0.4, 0.8), facecolor=_GAP)
    annotated, proposed = reference.seizures, detected.seizures
    lanes = (
        (row - 0.36, annotated, proposed, (_FOUND, _MISSED)),
        (row + 0.02, proposed, annotated, (_HIT, _FALSE)),
    )
    for bottom, events, others, (met, alone) in lanes:
        for event in events:
            colour = met if any(event.overlaps(other) for other in others) else alone
            axes.broken_barh(
                [_bar(event, unit_s, least_s)], (bottom, 0.34), facecolor=colour, linewidth=0
            )


def _bar(event: Event, unit_s: float, least_s: float) -> tuple[float, float]:
    """Onset and width of an event; short ones are widened about their middle."""
    width_s = max(event.duration_s, least_s)
    middle_s = (event.onset_s + event.offset_s) / 2
    return (middle_s - width_s / 2) / unit_s, width_s / unit_s


def _label(axes: Any, names: Sequence[str], unit: str) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(f"time ({unit}); of each recording the upper lane is the reference", fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)

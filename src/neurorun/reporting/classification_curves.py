"""The four panels that the first gaze experiments drew of their epochs.

Losses with their parts, accuracy, the three scores that weigh classes, precision and recall.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurorun.reporting.figures import FIRST, INK, QUIET, SECOND, style
from neurorun.runs import EpochRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE_IN = (15.0, 10.0)
_FONT_SIZE, _TITLE_SIZE = 13, 15
_COLOURS = (INK, FIRST, SECOND)

PANELS: Mapping[str, Mapping[str, str]] = {
    "training loss": {
        "total": "train_loss",
        "classification": "train_cls_loss",
        "gaze, before its weight": "train_gaze_loss",
    },
    "accuracy in percent": {"training": "train_acc", "validation": "val_acc"},
    "validation: F1 and balanced accuracy": {
        "macro F1": "val_macro_f1",
        "weighted F1": "val_weighted_f1",
        "balanced accuracy": "val_balanced_acc",
    },
    "validation: precision and recall, weighted by class": {
        "precision": "val_precision",
        "recall": "val_recall",
    },
}
"""Curves by name, by title of their panel; each is a number of every epoch."""


def draw_classification_curves(rows: Sequence[EpochRow], best_epoch: int | None) -> "Figure | None":
    """Draw the epochs of a run in two rows of two panels, 15 by 10 inches; None without any epoch.

    Parameters
    ----------
    rows : one per finished epoch; an undefined number leaves a gap
    best_epoch : marked; None marks nothing
    """
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    if not rows:
        return None
    with style():
        rcParams["font.size"], rcParams["axes.titlesize"] = _FONT_SIZE, _TITLE_SIZE
        figure = Figure(figsize=_SIZE_IN, layout="constrained")
        for axis, (title, curves) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
            axis.set_title(title)
            _draw(axis, rows, curves)
            if best_epoch is not None:
                axis.axvline(best_epoch, color=QUIET, linewidth=0.8, linestyle=":")
    return figure


def _draw(axis: "Axes", rows: Sequence[EpochRow], curves: Mapping[str, str]) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [row.epoch for row in rows]
    for (name, key), colour in zip(curves.items(), _COLOURS, strict=False):
        values = np.array([row.values.get(key, math.nan) for row in rows])
        marker = "o" if len(rows) <= 50 else ""
        axis.plot(epochs, values, color=colour, label=name, marker=marker, markersize=4)
    axis.legend()
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))

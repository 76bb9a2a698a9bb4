import math

import pytest

from neurorun.reporting.classification_curves import PANELS, draw_classification_curves
from neurorun.runs import EpochRow

pytestmark = pytest.mark.unit


def rows(n, **values):
    names = [key for curves in PANELS.values() for key in curves.values()]
    return [
        EpochRow(epoch, {**dict.fromkeys(names, 0.5), **values}, "") for epoch in range(1, n + 1)
    ]


def test_there_are_four_panels_with_the_curves_of_the_first_experiments():
    figure = draw_classification_curves(rows(3), 2)
    assert tuple(figure.get_size_inches()) == (15.0, 10.0)
    drawn = {
        axis.get_title(loc="left"): [text.get_text() for text in axis.get_legend().get_texts()]
        for axis in figure.axes
    }
    assert drawn == {title: list(curves) for title, curves in PANELS.items()}
    assert [len(curves) for curves in drawn.values()] == [3, 2, 3, 2]


def test_epochs_count_from_one_and_the_best_is_marked():
    axis = draw_classification_curves(rows(3), 2).axes[0]
    *curves, mark = axis.get_lines()
    assert all(list(curve.get_xdata()) == [1, 2, 3] for curve in curves)
    assert list(mark.get_xdata()) == [2, 2]


def test_undefined_numbers_leave_a_gap():
    axis = draw_classification_curves(rows(2, train_gaze_loss=math.nan), None).axes[0]
    assert all(math.isnan(value) for value in axis.get_lines()[2].get_ydata())


def test_without_an_epoch_there_is_no_figure():
    assert draw_classification_curves([], None) is None

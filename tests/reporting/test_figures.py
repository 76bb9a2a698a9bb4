import math
import sys

import numpy as np
import pytest

from neurorun.core import MissingExtraError, RunError
from neurorun.reporting import draw_figures, figures
from neurorun.reporting.figures import (
    draw_confusion_matrix,
    draw_fa_curve,
    draw_training_curves,
    training_panels,
)
from neurorun.reporting.pictures import inline_svg
from neurorun.runs import ConfusionMatrix, EpochRow

pytestmark = pytest.mark.unit

NAN = math.nan


def rows(**histories):
    n = len(next(iter(histories.values())))
    return [
        EpochRow(epoch + 1, {name: values[epoch] for name, values in histories.items()}, "t")
        for epoch in range(n)
    ]


def test_every_history_has_its_panel(make):
    metric = make.metrics[2]
    found = training_panels(
        rows(train_loss=[2, 1], val_loss=[3, 2], auroc=[0.5, NAN], learning_rate=[1, 1]), metric
    )
    assert [panel.title for panel in found] == ["loss", "AUROC, higher is better", "learning rate"]
    assert list(found[0].curves) == ["training", "validation"]
    np.testing.assert_array_equal(found[1].curves[""], [0.5, NAN])


def test_what_was_never_defined_has_no_panel(make):
    metric = make.metrics[2]
    found = training_panels(rows(train_loss=[2, 1], val_loss=[NAN, NAN]), metric)
    assert [(panel.title, list(panel.curves)) for panel in found] == [("loss", ["training"])]
    assert draw_training_curves(rows(auroc=[NAN]), metric, best_epoch=None) is None


def test_an_undefined_value_leaves_a_gap_and_the_best_epoch_is_marked(make):
    figure = draw_training_curves(rows(auroc=[0.5, NAN, 0.7]), make.metrics[2], best_epoch=3)
    curve, best = figure.axes[0].lines
    np.testing.assert_array_equal(curve.get_ydata(), [0.5, NAN, 0.7])
    assert list(best.get_xdata()) == [3, 3]


def test_long_curves_have_no_dots(make):
    figure = draw_training_curves(rows(auroc=[0.5] * 51), make.metrics[2], best_epoch=None)
    assert figure.axes[0].lines[0].get_marker() in ("", "None")


def test_confusion_shows_counts_and_shares_of_rows():
    matrix = ConfusionMatrix("validation", ("a", "b"), ((3, 1), (0, 0)), "t", 2)
    texts = [text.get_text() for text in draw_confusion_matrix(matrix).axes[0].texts]
    assert texts == ["3\n75.0%", "1\n25.0%", "0", "0"]


def test_points_that_were_not_reached_have_no_dot(make):
    points = [make.point(10.0), make.point(1.0, reached=False)]
    figure = draw_fa_curve(make.curve(), points)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in dots] == [(8.0, 0.5)]


def test_names_are_drawn_as_they_are_not_as_formulas():
    matrix = ConfusionMatrix("a$x", ("$\\frac", "<b>"), ((1, 0), (0, 1)), "t", 1)
    svg = inline_svg(draw_confusion_matrix(matrix), "c")
    assert "$\\frac" in svg
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_letters_that_the_font_lacks_are_no_warning(make):
    matrix = ConfusionMatrix("検証", ("背景", "発作"), ((1, 0), (0, 1)), "t", 1)
    assert "発作" in inline_svg(draw_confusion_matrix(matrix), "c")


def test_a_figure_takes_its_colours_and_letters_from_the_page(make):
    svg = inline_svg(draw_fa_curve(make.curve(), [make.point()]), "alarms")
    assert "var(--first)" in svg
    assert "var(--sans)" in svg
    assert "http" not in svg
    assert figures.INK not in svg
    assert svg.startswith("<svg")


def test_identifiers_of_two_figures_differ_and_are_all_used(make):
    first, second = (
        inline_svg(draw_fa_curve(make.curve(), [make.point()]), name) for name in ("a", "b")
    )
    assert first.replace("a-", "b-") == second.replace("a-", "b-")
    ids = [make.page(svg).ids for svg in (first, second)]
    assert ids[0]
    assert not set(ids[0]) & set(ids[1])
    assert all(f"#{one}" in first for one in ids[0])


def test_the_settings_of_the_user_change_nothing_and_stay(make):
    import matplotlib as mpl

    before = inline_svg(draw_fa_curve(make.curve(), []), "a")
    with mpl.rc_context({"lines.linewidth": 9.0, "svg.fonttype": "path"}):
        assert inline_svg(draw_fa_curve(make.curve(), []), "a") == before
        assert mpl.rcParams["lines.linewidth"] == 9.0


def test_figures_lie_in_the_run_folder(finished):
    written = draw_figures(finished)
    assert [path.name for path in written] == ["training_curves.png", "confusion_matrix.png"]
    first = [path.read_bytes() for path in written]
    assert all(content.startswith(b"\x89PNG") for content in first)
    draw_figures(finished)
    assert [path.read_bytes() for path in written] == first


def test_without_an_epoch_there_is_no_figure(make, tmp_path):
    with make.begin(tmp_path) as run:
        pass
    assert draw_figures(run.folder) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        draw_figures(tmp_path)


def test_without_matplotlib_the_command_that_installs_it_is_told(monkeypatch, finished):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "neurorun\[report\]"'):
        draw_figures(finished)


def test_nothing_is_left_to_close(finished):
    draw_figures(finished)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []

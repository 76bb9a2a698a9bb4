import numpy as np
import pytest

from neurorun.reporting.localization_figures import ErrorLine, draw_courses, draw_errors, relative
from neurorun.runs import KeptEstimate, MethodEstimate

pytestmark = pytest.mark.unit


def kept(n_sources=2, n_samples=500):
    course = np.tile(np.hanning(n_samples), (n_sources, 1)).astype(np.float32)
    places = np.arange(n_sources)
    strengths = np.ones(9, np.float32)
    method = MethodEstimate("model", strengths, course, -3 * course, places, 4.0)
    return KeptEstimate("row 1", 5.0, 500.0, places, places, strengths, course, (method,))


def test_each_source_has_a_panel_with_truth_and_methods():
    figure = draw_courses(kept(), kept().methods)
    assert [len(axis.lines) for axis in figure.axes] == [2, 2]
    assert figure.axes[1].get_title(loc="left") == "source 2 of 2"
    assert draw_courses(kept(1), ()).axes[0].get_title(loc="left") == "the source"


def test_courses_are_drawn_in_milliseconds_and_relative():
    line = draw_courses(kept(), kept().methods).axes[0].lines[1]
    assert line.get_xdata()[-1] == pytest.approx(996.0)
    assert np.abs(line.get_ydata()).max() == pytest.approx(1.0, abs=1e-3)
    assert line.get_ydata().min() == pytest.approx(-1.0, abs=1e-3)


def test_silence_stays_silent():
    assert not relative(np.full(5, 2.0, np.float32)).any()


def test_the_model_is_drawn_apart_from_the_others():
    values = (1.0, 2.0)
    lines = [
        ErrorLine("the model", values, (0.5, float("nan")), (1.5, float("nan")), True),
        ErrorLine("MNE", values, values, values, False),
    ]
    axis = draw_errors(lines, ["5 dB", "10 dB"], title="t", unit="mm").axes[0]
    drawn = [container[0] for container in axis.containers]
    assert drawn[0].get_color() != drawn[1].get_color()
    assert axis.get_legend() is not None
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["5 dB", "10 dB"]

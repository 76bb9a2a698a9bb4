import math

import pytest

from neurorun.core import Metric
from neurorun.reporting.localization_table import Comparison

pytestmark = pytest.mark.unit

ERROR = Metric("peak_error_mm", "lower", "mm", "Distance.")
RANK = Metric("auroc", "higher", "1", "Area.")
ALONE = Metric("mse", "lower", "1", "Loss.")


def row(method, metric, mean, *, by="all", value="all", low=math.nan, high=math.nan, n=8):
    return {
        "method": method,
        "by": by,
        "value": value,
        "metric": metric,
        "mean": mean,
        "low": low,
        "high": high,
        "n_examples": n,
        "n_groups": 2,
    }


def comparison():
    return Comparison(
        [
            row("model", "peak_error_mm", 12.0, low=10.0, high=14.0),
            row("model", "auroc", math.nan),
            row("model", "peak_error_mm", 15.0, by="noise", value="5 dB", n=4),
            row("model", "peak_error_mm", 9.0, by="noise", value="10 dB", n=4),
            row("MNE", "peak_error_mm", 20.0),
            row("MNE", "auroc", 0.7),
            row("sLORETA", "auroc", 0.8),
        ]
    )


def test_the_first_method_is_the_model():
    assert comparison().model == "model"
    assert comparison().methods == ("model", "MNE", "sLORETA")
    assert comparison().n_examples == 8


@pytest.mark.parametrize(("metric", "best"), [(ERROR, "model"), (RANK, "sLORETA"), (ALONE, None)])
def test_the_best_method_follows_the_direction(metric, best):
    assert comparison().best(metric) == best


def test_a_line_marks_the_best():
    line = comparison().line(ERROR)
    assert [cell.mean for cell in line.cells] == ["12.0", "20.0", "undefined"]
    assert [cell.is_best for cell in line.cells] == [True, False, False]
    assert line.cells[0].interval == "10.0 to 14.0"
    assert line.cells[1].interval == ""
    assert comparison().line(ERROR, by="noise", value="5 dB").name == "5 dB"


def test_circumstances_keep_their_order():
    assert list(comparison().circumstances()) == [("noise", ("5 dB", "10 dB"))]


def test_only_what_several_methods_have_is_compared():
    assert comparison().measured([ERROR, RANK, ALONE]) == [ERROR, RANK]

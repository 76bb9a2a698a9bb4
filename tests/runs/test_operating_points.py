import math

import pytest

from neurorun.core import RunError
from neurorun.runs.operating_points import (
    OPERATING_POINTS,
    ChosenPoint,
    FaCurve,
    read_fa_curves,
    read_operating_points,
    write_fa_curves,
    write_operating_points,
)

pytestmark = pytest.mark.unit

REACHED = ChosenPoint("sensitivity_at_10fa", 10.0, True, 0.9, 0.8, 0.75, 9.5, "any overlap 1")
UNREACHED = ChosenPoint(
    "sensitivity_at_1fa", 1.0, False, math.nan, math.nan, math.nan, math.nan, "any overlap 1"
)


def test_points_come_back_and_an_unreachable_one_stays_unreachable(tmp_path):
    write_operating_points(tmp_path, [REACHED, UNREACHED])
    assert repr(read_operating_points(tmp_path)) == repr((REACHED, UNREACHED))
    assert '"tau_on": null' in (tmp_path / OPERATING_POINTS).read_text()


@pytest.mark.parametrize(("reached", "tau"), [(True, math.nan), (False, 0.5)])
def test_only_a_reached_point_has_a_threshold(reached, tau):
    with pytest.raises(RunError, match=r"reached and has the threshold .* only a reached point"):
        ChosenPoint("x", 1.0, reached, tau, tau, math.nan, math.nan, "m")


def test_curves_come_back(tmp_path):
    curve = FaCurve("validation", "any overlap 1", (0.9, 0.5), (1.0, 10.0), (math.nan, 0.75))
    write_fa_curves(tmp_path, [curve])
    assert repr(read_fa_curves(tmp_path)) == repr((curve,))


def test_curve_needs_one_of_each_per_point():
    with pytest.raises(RunError, match="2 thresholds, 1 rates and 1 sensitivities; one of each"):
        FaCurve("validation", "m", (0.9, 0.5), (1.0,), (0.5,))

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.reporting.comparison_drawing import (
    Series,
    Setting,
    draw_curves,
    draw_dots,
    nice_ticks,
)

pytestmark = pytest.mark.unit

numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(numbers, numbers)
def test_ticks_are_round_and_hold_the_range(one, two):
    low, high = sorted((one, two))
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 12
    assert ticks == sorted(set(ticks))
    span = ticks[-1] - ticks[0]
    assert ticks[0] <= low + 1e-6 * span
    assert high - 1e-6 * span <= ticks[-1]


histories = st.lists(
    st.dictionaries(st.integers(1, 40), numbers | st.just(math.nan), min_size=1, max_size=8),
    min_size=1, max_size=10,
)  # fmt: skip


@given(histories)
def test_curves_stay_inside_and_letters_do_not_cover_each_other(values):
    series = [Series(f"A{n}", n % 8, 0, one) for n, one in enumerate(values)]
    panel = draw_curves("x", series)
    defined = [s for s in series if any(math.isfinite(v) for v in s.values.values())]
    if not defined:
        assert panel is None
        return
    assert {line.label for line in panel.lines} == {one.label for one in defined}
    heights = sorted(line.y for line in panel.lines)
    assert all(b - a > 12.9 for a, b in pairwise(heights))
    assert heights[-1] <= panel.bottom + 4.1
    for line in panel.lines:
        assert line.d.startswith("M")
        assert "nan" not in line.d
        assert panel.left - 1 <= line.x - 5 <= panel.right + 1


def test_an_undefined_value_leaves_a_gap_and_a_lone_one_a_dot():
    panel = draw_curves("x", [Series("A", 0, 0, {1: 0.0, 2: math.nan, 3: 1.0, 4: 0.5})])
    assert panel.lines[0].d.count("M") == 2
    assert panel.lines[0].d.count("h.1") == 2
    assert [tick.words for tick in panel.x_ticks] == ["1", "2", "3", "4"]


def test_values_of_settings_stand_below_each_other_with_their_intervals():
    nan = math.nan
    panel = draw_dots(
        "x",
        [
            Setting("A", (0.2, 0.4), 0.1, 0.5, 0.3),
            Setting("B", (0.6,), 0.5, 0.7, None),
            Setting("C", (nan,), nan, nan, None),
        ],
    )
    assert [name for name, _, _ in panel.names] == ["A", "B", "C"]
    hollow = [dot.hollow for dot, _ in panel.dots]
    assert hollow == [True, True, False, False]
    assert [bar.thick for bar, _ in panel.bars] == [True, False]
    (first, _), (second, _) = panel.bars
    assert first.x1 < panel.dots[0][0].x < panel.dots[2][0].x < panel.dots[1][0].x < first.x2
    assert first.y < second.y
    assert draw_dots("x", [Setting("A", (nan,), nan, nan, None)]) is None

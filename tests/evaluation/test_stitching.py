"""Windows to one probability per sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import ScoringError
from neurorun.evaluation import RollingStitcher, Stitcher, stitch_windows

pytestmark = pytest.mark.unit

METHODS = ["overlap_add", "overlap_add_weighted", "max"]


def windows(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # starts  0 |--.--.--|
        #         2       |--.--.--|
        pytest.param("overlap_add", [0.25, 0.25, 0.5, 0.75, 0.75, np.nan], id="mean"),
        pytest.param(
            "overlap_add_weighted",
            [0.25, 0.25, (0.5 * 0.25 + 0.5 * 0.75) / 1, 0.75, 0.75, np.nan],
            id="triangle",
        ),
        pytest.param("max", [0.25, 0.25, 0.75, 0.75, 0.75, np.nan], id="max"),
    ],
)
def test_two_windows(method, expected):
    p = windows([0.25, 0.25, 0.25], [0.75, 0.75, 0.75])
    assert stitch_windows(p, np.array([0, 2]), 6, method=method) == pytest.approx(
        expected, nan_ok=True
    )


def test_the_middle_of_a_window_weighs_twice_as_much_as_its_ends():
    p = windows([1, 1, 1], [0, 0, 0])
    stitched = stitch_windows(p, np.array([0, 1]), 4, method="overlap_add_weighted")
    # weights    0.5  1   0.5
    #                 0.5  1   0.5
    assert stitched == pytest.approx([1, 1 / 1.5, 0.5 / 1.5, 0])


@settings(deadline=None)
@given(
    st.data(),
    st.integers(1, 5),
    st.integers(5, 20),
    st.sampled_from(METHODS),
)
def test_batches_do_not_matter_and_values_stay_probabilities(data, length, n_samples, method):
    starts = np.array(
        sorted(data.draw(st.lists(st.integers(0, n_samples - length), min_size=1, max_size=8)))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    p = rng.random((starts.size, length), dtype=np.float32)
    at_once = stitch_windows(p, starts, n_samples, method=method)
    stitcher = Stitcher(n_samples, method=method)
    cut = data.draw(st.integers(0, starts.size))
    stitcher.add(p[:cut], starts[:cut])
    stitcher.add(p[cut:], starts[cut:])
    assert np.array_equal(stitcher.result(), at_once, equal_nan=True)
    covered = np.zeros(n_samples, dtype=bool)
    for start in starts:
        covered[start : start + length] = True
    assert np.array_equal(np.isnan(at_once), ~covered)
    assert np.all((at_once[covered] >= 0) & (at_once[covered] <= 1))


@pytest.mark.parametrize("method", METHODS)
def test_equal_windows_give_themselves(method):
    p = np.full((6, 100), 0.7, dtype=np.float32)
    stitched = stitch_windows(p, np.arange(6) * 20, 200, method=method)
    assert stitched == pytest.approx(0.7)


@pytest.mark.parametrize("start", [-1, 3])
def test_a_window_outside_the_stretch_is_refused(start):
    with pytest.raises(ScoringError, match=rf"starts at sample {start} of a stretch of 4; it must"):
        stitch_windows(windows([0.5, 0.5]), np.array([start]), 4, method="max")


@pytest.mark.parametrize("value", [np.nan, -0.5, 2.0])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(ScoringError, match="The window at sample 2 ranges from"):
        stitch_windows(windows([0.5], [value]), np.array([0, 2]), 4, method="overlap_add")


@given(
    length=st.integers(1, 12),
    stride=st.integers(1, 12),
    n_windows=st.integers(1, 9),
    last=st.integers(0, 11),
    batch=st.integers(1, 4),
    method=st.sampled_from(("overlap_add", "overlap_add_weighted", "max")),
)
def test_a_rolling_stitcher_gives_the_bits_of_the_whole(
    length, stride, n_windows, last, batch, method
):
    starts = np.arange(n_windows) * min(stride, length)
    end = starts[-1] + last % min(stride, length)
    starts = np.unique(np.append(starts, end))
    rng = np.random.default_rng(int(end))
    windows = rng.random((len(starts), length), dtype=np.float32)
    rolling = RollingStitcher(method=method)
    parts = [
        rolling.add(windows[first : first + batch], starts[first : first + batch])
        for first in range(0, len(starts), batch)
    ]
    assert sum(part.size for part in parts) == starts[-1] + 1
    parts.append(rolling.finish())
    whole = stitch_windows(windows, starts, int(starts[-1]) + length, method=method)
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_rolling_stitcher_takes_windows_in_order_only():
    rolling = RollingStitcher(method="max")
    rolling.add(np.zeros((1, 4), np.float32), np.array([2]))
    assert rolling.add(np.zeros((0, 4), np.float32), np.array([], np.int64)).size == 0
    with pytest.raises(ScoringError, match=r"start at samples \[2\] after one at 2; .* in order"):
        rolling.add(np.zeros((1, 4), np.float32), np.array([2]))
    with pytest.raises(ScoringError, match="probabilities lie in"):
        rolling.add(np.full((1, 4), 2, np.float32), np.array([3]))

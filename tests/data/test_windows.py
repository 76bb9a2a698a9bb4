import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import ConfigError, DataError, Event, Stretch, events_to_mask, whole_recording
from neurorun.data.windows import (
    Extent,
    WindowConfig,
    WindowKind,
    WindowTable,
    seizure_samples,
    tabulate_windows,
    window_starts,
)

pytestmark = pytest.mark.unit

SHORT = WindowConfig(window_size=10, stride=4, sampling_rate=1)


@pytest.mark.parametrize(
    ("n_samples", "starts"),
    [
        pytest.param(10, [0], id="exactly-one-window"),
        pytest.param(13, [0, 3], id="the-tail-is-less-than-a-stride"),
        pytest.param(14, [0, 4], id="no-tail"),
        pytest.param(19, [0, 4, 8, 9], id="tail-after-a-full-grid"),
    ],
)
def test_the_last_window_ends_with_the_signal(n_samples, starts):
    assert window_starts(n_samples, 1, SHORT).tolist() == starts


@given(n_samples=st.integers(10, 300), stride=st.integers(1, 10))
def test_every_sample_lies_in_some_window(n_samples, stride):
    config = WindowConfig(window_size=10, stride=stride, sampling_rate=1)
    starts = window_starts(n_samples, 1, config)
    covered = np.zeros(n_samples, bool)
    for start in starts:
        covered[start : start + 10] = True
    assert covered.all()
    assert (np.diff(starts) > 0).all()
    assert starts[-1] + 10 == n_samples


@given(n_samples=st.integers(10, 300), stride=st.integers(1, 10))
def test_windows_of_earlier_programs_come_first_under_the_same_number(n_samples, stride):
    config = WindowConfig(window_size=10, stride=stride, sampling_rate=1)
    earlier = [i * stride for i in range((n_samples - 10) // stride + 1)]
    assert window_starts(n_samples, 1, config).tolist()[: len(earlier)] == earlier


def test_a_signal_shorter_than_one_window_is_refused():
    with pytest.raises(DataError, match=r"of 9 s is shorter than one window of 10 s; leave it out"):
        window_starts(9, 1, SHORT)


def test_a_stride_that_skips_signal_is_refused():
    with pytest.raises(
        ValueError, match=r"stride is 12 s, windows are 10 s; it must be at most one window"
    ):
        WindowConfig(window_size=10, stride=12)


def test_a_window_that_is_no_whole_number_of_samples_is_refused():
    with pytest.raises(DataError, match=r"a positive whole number is needed"):
        _ = WindowConfig(window_size=10.3, sampling_rate=1).window_samples


def test_windows_never_cross_a_gap_and_short_stretches_are_told():
    extent = Extent("r", (Stretch(0, 12, 0.0), Stretch(12, 7, 20.0), Stretch(19, 10, 40.0)), ())
    assert extent.starts(SHORT).tolist() == [0, 2, 19]
    table = tabulate_windows([extent], SHORT)
    assert (table.left_out, table.short_s) == ((), 7.0)


def test_recordings_shorter_than_one_window_are_left_out_by_name():
    extents = [Extent("long", whole_recording(12), ()), Extent("short", whole_recording(9), ())]
    table = tabulate_windows(extents, SHORT)
    assert table.left_out == ("short",)
    assert table.recording.tolist() == [0, 0]
    with pytest.raises(DataError, match=r"'short' has 9 s without a gap, less than one window of"):
        extents[1].starts(SHORT)


def test_a_cache_without_a_single_window_is_refused():
    with pytest.raises(DataError, match=r"None of 1 recordings has 10 s without a gap"):
        tabulate_windows([Extent("short", whole_recording(9), ())], SHORT)


@pytest.mark.parametrize(
    ("seizures", "pieces"),
    [
        # stored samples   0 1 2 3 4 | 5 6 7 8 9
        # seconds          0 1 2 3 4   10 ...  14
        pytest.param([(1, 3)], ((1, 3),), id="within-a-stretch"),
        pytest.param([(3, 12)], ((3, 5), (5, 7)), id="over-a-gap"),
        pytest.param([(6, 9)], (), id="within-a-gap"),
        pytest.param([(1, 3), (2, 4)], ((1, 4),), id="overlapping"),
        pytest.param([(1, 2), (2, 4)], ((1, 4),), id="touching"),
        pytest.param([(-5, 1), (13, 99)], ((0, 1), (8, 10)), id="beyond-both-ends"),
        pytest.param([(1.4, 2.5)], ((1, 3),), id="ends-are-rounded"),
    ],
)
def test_events_become_stored_samples(seizures, pieces):
    stretches = (Stretch(0, 5, 0.0), Stretch(5, 5, 10.0))
    assert seizure_samples([Event(*times) for times in seizures], stretches, 1.0) == pieces


times = st.floats(-20, 120, allow_nan=False)
events = st.lists(
    st.tuples(times, st.floats(0.01, 40)).map(lambda x: Event(x[0], x[0] + x[1])), max_size=6
)


@given(seizures=events, rate_hz=st.sampled_from([1.0, 3.3, 8.0]))
def test_without_gaps_the_pieces_are_the_mask(seizures, rate_hz):
    n_samples = round(100 * rate_hz)
    mask = np.zeros(n_samples, bool)
    for first, stop in seizure_samples(seizures, whole_recording(n_samples), rate_hz):
        mask[first:stop] = True
    np.testing.assert_array_equal(mask, events_to_mask(seizures, n_samples, rate_hz))


@given(st.lists(st.tuples(st.integers(10, 120), events), min_size=1, max_size=5))
def test_kinds_equal_counting_masks(recordings):
    masks = [events_to_mask(seizures, n, 1.0) for n, seizures in recordings]
    extents = [
        Extent(str(i), whole_recording(n), seizure_samples(s, whole_recording(n), 1.0))
        for i, (n, s) in enumerate(recordings)
    ]
    table = tabulate_windows(extents, SHORT)
    shares = [
        np.mean(masks[r][first : first + 10])
        for r, first in zip(table.recording, table.first, strict=True)
    ]
    expected = [0 if share == 0 else 2 if share >= 0.99 else 1 for share in shares]
    assert table.kind.tolist() == expected
    assert table.n_seizure_samples.tolist() == [round(10 * share) for share in shares]


def test_windows_without_labels_are_of_no_kind():
    extents = [Extent("a", whole_recording(14), None), Extent("b", whole_recording(10), ((0, 5),))]
    table = tabulate_windows(extents, SHORT)
    assert table.kind.tolist() == [-1, -1, WindowKind.PARTIAL]
    assert table.seizure_share == 1.0
    assert np.isnan(table.take(np.array([0, 1])).seizure_share)


def test_a_table_can_be_reordered():
    column = np.arange(3, dtype=np.int32)
    table = WindowTable(column, column, np.arange(3), np.array([0, 5, 10]), 10)
    chosen = table.take(np.array([2, 0]))
    assert (chosen.first.tolist(), len(chosen)) == ([2, 0], 2)
    assert table.of_kind(WindowKind.FULL).tolist() == [2]


def test_config_errors_are_config_errors():
    assert issubclass(ConfigError, ValueError)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import Event, Stretch
from neurorun.reporting.review.detail import blocks_of, by_interest, joined

pytestmark = pytest.mark.unit

DAY = blocks_of([Stretch(0, 86_400, 0.0)], 1.0)


def first_onsets(events, n=6):
    return sorted(block.onset_s for block in by_interest(DAY, 1.0, events)[:n])


def test_the_onset_of_an_event_comes_first():
    assert first_onsets([Event(40_000, 43_000)]) == [39_980.0 + 10 * k for k in range(6)]


def test_onsets_of_all_events_come_before_the_rest_of_a_long_one():
    long, other = Event(1000, 40_000), Event(60_000, 60_020)
    assert first_onsets([long, other], 12)[6:] == [59_980.0 + 10 * k for k in range(6)]


def test_among_onsets_the_order_of_the_events_counts():
    assert first_onsets([Event(60_000, 60_020), Event(1000, 1010)], 6)[0] == 59_980.0


def test_then_more_and_more_around_an_event_is_taken():
    order = [block.onset_s for block in by_interest(DAY, 1.0, [Event(40_000, 40_100)])]
    distances = [max(40_000 - onset - 10, onset - 40_100, 0) for onset in order]
    assert distances[-1] == max(distances)
    assert max(distances[:20]) < 120


def test_without_events_time_decides():
    assert by_interest(DAY, 1.0, []) == DAY


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.lists(st.tuples(st.floats(0, 500), st.floats(1, 90)), max_size=3),
    st.sampled_from([1.0, 3.3, 7.0]),
)
def test_blocks_cover_every_sample_once_in_any_order(lengths, spans, rate_hz):
    stretches, first = [], 0
    for number, length in enumerate(lengths):
        stretches.append(Stretch(first, length, 1000.0 * number))
        first += length
    blocks = blocks_of(stretches, rate_hz)
    ordered = by_interest(blocks, rate_hz, [Event(onset, onset + long) for onset, long in spans])
    assert sorted(ordered, key=lambda one: one.first) == list(blocks)
    runs = joined(ordered)
    assert [sum(block.n_samples for block in run) for run in runs] == lengths
    assert [run[0].onset_s for run in runs] == [stretch.onset_s for stretch in stretches]

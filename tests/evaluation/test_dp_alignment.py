import pytest

from neurorun.core import Event, Timeline
from neurorun.evaluation import score_events
from neurorun.evaluation.dp_alignment import align

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("reference", "detected", "expected"),
    [
        ("", "", []),
        ("ab", "", [("a", None), ("b", None)]),
        ("", "ab", [(None, "a"), (None, "b")]),
        ("aba", "aba", [("a", "a"), ("b", "b"), ("a", "a")]),
        ("ab", "ac", [("a", "a"), ("b", "c")]),
        ("aba", "a", [("a", None), ("b", None), ("a", "a")]),
        ("ab", "aba", [("a", "a"), ("b", "b"), (None, "a")]),
        ("bab", "aba", [("b", None), ("a", "a"), ("b", "b"), (None, "a")]),
    ],
)
def test_the_cheapest_alignment(reference, detected, expected):
    assert align(list(reference), list(detected)) == expected


def test_times_do_not_matter():
    night = Timeline("r", 600.0, (Event(100, 160),))
    late = Timeline("r", 600.0, (Event(400, 410),))
    counts = score_events(night, late, method="dp").counts.of("seiz")
    assert (counts.hits, counts.misses, counts.false_alarms) == (1, 0, 0)


def test_long_sequences_take_a_band_and_not_a_square():
    reference = ["bckg", "seiz"] * 4000
    detected = ["seiz", "bckg"] * 4001
    aligned = align(reference, detected)
    assert sum(a == b for a, b in aligned) == 8000

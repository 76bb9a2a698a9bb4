import pytest

from neurorun.core import Event
from neurorun.reporting.review.moments import judge

pytestmark = pytest.mark.unit


def kinds(moments):
    return [(one.kind, one.event.onset_s) for one in moments]


@pytest.mark.parametrize(
    ("reference", "detected", "expected"),
    [
        # reference  |----|
        # detected      |----|
        pytest.param([(10, 20)], [(15, 30)], [("found", 10)], id="partial-overlap"),
        # reference  |----|
        # detected        |----|
        pytest.param(
            [(10, 20)], [(20, 30)], [("missed", 10), ("false alarm", 20)], id="touching-is-apart"
        ),
        # reference  |--|    |--|
        # detected   |----------|
        pytest.param([(1, 4), (8, 12)], [(1, 12)], [("found", 1), ("found", 8)], id="one-for-two"),
        # reference       |--|  |--|
        # detected  |--|        |--|
        pytest.param(
            [(10, 14), (20, 24)],
            [(1, 4), (20, 24)],
            [("missed", 10), ("false alarm", 1), ("found", 20)],
            id="faults-first",
        ),
        pytest.param([], [], [], id="nothing"),
        pytest.param(None, [(1, 2)], [("detected", 1)], id="no-annotations"),
        pytest.param([(1, 2)], None, [("annotated", 1)], id="no-detections"),
    ],
)
def test_any_overlap_counts(reference, detected, expected):
    sides = [
        None if side is None else [Event(*times) for times in side]
        for side in (reference, detected)
    ]
    assert kinds(judge(*sides).moments) == expected


def test_every_detection_is_judged_for_the_picture():
    judged = judge([Event(0, 10)], [Event(30, 40), Event(5, 6)])
    assert kinds(judged.detected) == [("hit", 5), ("false alarm", 30)]


@pytest.mark.parametrize(
    ("reference", "detected", "words"),
    [
        ([], [], "No seizure and no detection."),
        ([Event(0, 9)], [], "1 seizure: 1 missed, 0 found; 0 false alarms."),
        ([], [Event(0, 9)], "0 seizures: 0 missed, 0 found; 1 false alarm."),
        ([Event(0, 9)], [Event(0, 9)], "1 seizure: 0 missed, 1 found; 0 false alarms."),
        (None, None, "Neither what was annotated nor what was detected is known."),
        (None, [Event(0, 9)], "1 detection; what was annotated is not known."),
        (
            [Event(0, 9), Event(20, 29)],
            None,
            "2 seizures annotated; what was detected is not known.",
        ),
    ],
)
def test_the_counts_are_told_in_words(reference, detected, words):
    assert judge(reference, detected).in_words == words


def test_many_partners_are_counted_not_listed():
    detected = [Event(10 * k, 10 * k + 5) for k in range(9)]
    (found,) = judge([Event(0, 300)], detected).moments
    named = "0:00:00-0:00:05, 0:00:10-0:00:15, 0:00:20-0:00:25 and 6 more"
    assert found.in_words == f"0:00:00-0:05:00, 5.0 min; detected {named}"

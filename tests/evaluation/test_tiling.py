import pytest

from neurorun.core import Event, ScoringError, Timeline
from neurorun.evaluation import EventClasses
from neurorun.evaluation.tiling import ScoringPair

pytestmark = pytest.mark.unit

NEDC_MAP = EventClasses.from_lists({"seiz": ["seiz", "fnsz", "gnsz"], "bckg": ["bckg"]})


def pair(*events, duration_s=60.0, detected_s=60.0, detected=(), classes=NEDC_MAP):
    return ScoringPair(
        Timeline("n1", duration_s, events), Timeline("n1", detected_s, tuple(detected)), classes
    )


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [(0, 60, "bckg")], id="no-rows"),
        pytest.param([Event(0, 60)], [(0, 60, "seiz")], id="seizure-throughout"),
        pytest.param(
            [Event(10, 20)], [(0, 10, "bckg"), (10, 20, "seiz"), (20, 60, "bckg")], id="filled"
        ),
        pytest.param(
            [Event(10, 20), Event(20, 30)],
            [(0, 10, "bckg"), (10, 30, "seiz"), (30, 60, "bckg")],
            id="touching-rows-are-one",
        ),
        pytest.param(
            [Event(10, 20, "fnsz"), Event(20, 30, "gnsz")],
            [(0, 10, "bckg"), (10, 20, "seiz"), (20, 30, "seiz"), (30, 60, "bckg")],
            id="touching-rows-of-different-labels-stay-two",
        ),
        pytest.param(
            [Event(0, 5, "bckg"), Event(5, 9, "bckg"), Event(30, 40)],
            [(0, 30, "bckg"), (30, 40, "seiz"), (40, 60, "bckg")],
            id="written-background-joins-the-filled",
        ),
        pytest.param(
            [Event(10, 20, "fnsz"), Event(15, 30, "gnsz"), Event(16, 18)],
            [(0, 10, "bckg"), (10, 30, "seiz"), (30, 60, "bckg")],
            id="seizures-that-share-time-are-one",
        ),
        pytest.param(
            [Event(10, 20), Event(19.99999, 30)],
            [(0, 10, "bckg"), (10, 30, "seiz"), (30, 60, "bckg")],
            id="rounding-is-no-overlap",
        ),
    ],
)
def test_events_and_background_cover_the_recording(events, expected):
    assert [tuple(tile) for tile in pair(*events).reference_tiling] == expected


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Event(1, 5), Event(4, 9, "bckg")], "'seiz' to 5 s and 'bckg' from 4 s; events of diff"),
        ([Event(50, 61)], "of 60 s has an event 'seiz' from 50 s to 61 s; events must lie"),
        ([Event(-1, 5)], "from -1 s to 5 s; events must lie"),
        ([Event(1, 5, "blink")], "'blink' belongs to none of the classes seiz, bckg"),
    ],
)
def test_events_that_cannot_be_scored_are_refused(events, message):
    with pytest.raises(ScoringError, match=message):
        pair(*events).reference_tiling  # noqa: B018 - the property is what is tested


def test_recordings_of_different_lengths_are_refused():
    with pytest.raises(ScoringError, match="'n1' lasts 60 s in the reference and 61 s in the det"):
        pair(detected_s=61.0)


def test_lengths_may_differ_by_the_rounding_of_two_decimals():
    rounded = pair(
        duration_s=59.9962, detected_s=60.0, detected=[Event(50, 59.998), Event(59.9981, 60)]
    )
    assert rounded.detected_tiling[-1] == (50, 59.9962, "seiz")


def test_a_recording_too_short_for_four_decimals_is_background():
    assert [tile.label for tile in pair(duration_s=1e-5, detected_s=1e-5).reference_tiling] == [
        "bckg"
    ]


def test_events_may_pass_the_borders_by_rounding():
    assert pair(Event(-0.00001, 60.00001)).reference_tiling == ((-0.00001, 60.00001, "seiz"),)


class TestClasses:
    def test_need_a_place_for_background(self):
        with pytest.raises(ScoringError, match="have no place for the label 'bckg'"):
            EventClasses.from_lists({"seiz": ["seiz"]})

    def test_share_no_label(self):
        with pytest.raises(ScoringError, match="Label 'x' stands in the classes a and b"):
            EventClasses.from_lists({"a": ["x"], "b": ["x", "bckg"]})

    def test_by_default_hold_seizures_of_every_kind(self):
        assert [EventClasses().of(label) for label in ("cpsz", "sz_gen", "bckg")] == [
            "seiz",
            "seiz",
            "bckg",
        ]

    def test_by_default_hold_nothing_else(self):
        with pytest.raises(ScoringError, match="'Eyes open' belongs to none of the classes"):
            EventClasses().of("Eyes open")

    def test_have_one_that_tables_show(self):
        classes = EventClasses.from_lists({"null": ["bckg"], "a": ["x"], "b": ["y"]})
        assert (classes.background, classes.positive) == ("null", "a")

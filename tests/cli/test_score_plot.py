"""What the picture of events shows."""

import re

import pytest

from neurorun.cli.score_plot import draw_timelines
from neurorun.core import Event, ScoringError, Timeline

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.unit

FOUND, HIT, MISSED, FALSE, GAP = "#2166ac", "#92c5de", "#b2182b", "#f4a582", "#e0e0e0"


def colours(path) -> dict[str, int]:
    """How often each colour fills a shape, the key at the top not counted."""
    filled = re.findall(r"fill: (#[0-9a-f]{6})", path.read_text())
    return {colour: filled.count(colour) - 1 for colour in (FOUND, HIT, MISSED, FALSE, GAP)}


def recording(name, reference, detected, gaps=()):
    sides = ([Event(*pair) for pair in pairs] for pairs in (reference, detected))
    return tuple(Timeline(name, 600.0, tuple(events), gaps) for events in sides)


@pytest.mark.parametrize(
    ("pairs", "shown"),
    [
        # reference  |---|   |--|
        # detected     |---|       |--|
        pytest.param(
            [recording("a", [(10, 60), (100, 130)], [(40, 90), (200, 230)])],
            {FOUND: 1, MISSED: 1, HIT: 1, FALSE: 1, GAP: 0},
            id="one-of-each",
        ),
        pytest.param(
            [recording("a", [(10, 60)], [(60, 90)])],
            {FOUND: 0, MISSED: 1, HIT: 0, FALSE: 1, GAP: 0},
            id="touching-is-not-overlap",
        ),
        pytest.param(
            [recording("a", [], [], gaps=((100.0, 200.0),)), recording("b", [], [])],
            {FOUND: 0, MISSED: 0, HIT: 0, FALSE: 0, GAP: 1},
            id="silence-and-a-gap",
        ),
    ],
)
def test_hits_misses_and_false_alarms_have_their_colours(tmp_path, pairs, shown):
    path = tmp_path / "a.svg"
    assert draw_timelines(path, pairs) == len(pairs)
    assert colours(path) == shown


def test_background_and_non_epileptic_seizures_are_not_drawn(tmp_path):
    path = tmp_path / "a.svg"
    events = (Event(0, 50, "bckg"), Event(60, 80, "nesz"))
    draw_timelines(path, [(Timeline("a", 600.0, events), Timeline("a", 600.0, events))])
    assert set(colours(path).values()) == {0}


def test_of_very_many_recordings_the_first_are_drawn(tmp_path):
    pairs = [recording(f"r{i}", [], []) for i in range(70)]
    assert draw_timelines(tmp_path / "a.svg", pairs) == 60


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ScoringError, match=r"ends in '.bmp'; pictures can be .png, .svg, .pdf"):
        draw_timelines(tmp_path / "a.bmp", [recording("a", [], [])])

import pytest

from neurorun.core import Event
from neurorun.reporting.stories import story_of

pytestmark = pytest.mark.unit

SEIZURE, LATER, BEYOND = Event(120, 150), Event(160, 170), Event(180, 400)


@pytest.mark.parametrize(
    ("reference", "detected", "title", "sentences"),
    [
        # reference  |----|
        # detected
        pytest.param(
            (SEIZURE,),
            (),
            "missed seizure at 2:00",
            ("Seizure annotated 2:00-2:30: missed.",),
            id="missed",
        ),
        # reference  |----|
        # detected     |----|
        pytest.param(
            (SEIZURE,),
            (Event(125, 155),),
            "seizure at 2:00, found",
            ("Seizure annotated 2:00-2:30: detected 2:05-2:35.",),
            id="found",
        ),
        # reference  |-------|
        # detected   |-|   |-|
        pytest.param(
            (SEIZURE,),
            (Event(120, 125), Event(140, 150)),
            "seizure at 2:00, found",
            ("Seizure annotated 2:00-2:30: detected 2:00-2:05 and 2:20-2:30.",),
            id="found-in-pieces",
        ),
        # reference  |----|
        # detected   |----|  |--|
        pytest.param(
            (SEIZURE,),
            (SEIZURE, LATER),
            "false alarm at 2:40",
            (
                "Seizure annotated 2:00-2:30: detected 2:00-2:30.",
                "Detected 2:40-2:50: a false alarm.",
            ),
            id="found-and-false-alarm",
        ),
        # reference  |----|  |--|
        # detected           |--|
        pytest.param(
            (SEIZURE, LATER),
            (LATER,),
            "missed seizure at 2:00",
            (
                "Seizure annotated 2:00-2:30: missed.",
                "Seizure annotated 2:40-2:50: detected 2:40-2:50.",
            ),
            id="missed-comes-first",
        ),
        # strip      |----------|
        # detected           |------------|
        pytest.param(
            (),
            (BEYOND,),
            "alarm at 3:00, nothing annotated in this piece",
            ("Detected 3:00-6:40: nothing annotated in this piece.",),
            id="alarm-goes-on-beyond-the-piece",
        ),
        pytest.param((), (), "no seizure and no alarm", (), id="nothing"),
    ],
)
def test_story(make, reference, detected, title, sentences):
    story = story_of(make.strip_of("a", reference=reference, detected=detected), detected)
    assert (story.title, story.sentences) == (title, sentences)


def test_a_detection_beyond_the_strip_still_finds_the_seizure(make):
    # strip      |----------|
    # reference         |-----------|
    # detected                 |----|
    strip = make.strip_of("a", reference=(BEYOND,), detected=())
    assert story_of(strip, (Event(300, 400),)).title == "seizure at 3:00, found"
    assert story_of(strip, ()).title == "missed seizure at 3:00"


def test_a_seizure_is_not_called_missed_where_nobody_knows(make):
    story = story_of(make.strip_of("a", reference=(BEYOND,), detected=()), None)
    assert story.title == "seizure at 3:00, not detected in this piece"
    assert story.sentences == ("Seizure annotated 3:00-6:40: not detected in this piece.",)


def test_without_all_detections_those_of_the_strip_count(make):
    assert story_of(make.strip_of("a"), None).title == "seizure at 2:00, found"
    assert story_of(make.strip_of("a", detected=()), None).title == "missed seizure at 2:00"


def test_the_moment_is_where_the_event_of_the_title_begins(make):
    assert story_of(make.strip_of("a"), None).moment_s == 120
    assert story_of(make.strip_of("a", reference=(), detected=()), None).moment_s == 100

import math

import pytest

from neurorun.reporting.recordings import in_total, rank_in_words, scored_recordings

pytestmark = pytest.mark.unit


@pytest.fixture
def recordings(make):
    return scored_recordings(
        [
            make.row("good_1", seizures=2, found=2, alarms=0),
            make.row("quiet_1", seizures=0, found=0, alarms=0),
            make.row("bad_1", seizures=2, found=0, alarms=1),
            make.row("fair_1", seizures=1, found=1, alarms=0),
            make.row("noisy_1", seizures=0, found=0, alarms=2),
        ]
    )


def test_recordings_with_most_faults_come_first(recordings):
    ids = [one.recording_id for one in recordings]
    assert ids == ["bad_1", "noisy_1", "good_1", "fair_1", "quiet_1"]
    assert [one.faults for one in recordings] == [3, 2, 0.5, 0.25, 0]


@pytest.mark.parametrize(
    ("recording_id", "sentence"),
    [
        ("bad_1", "Worst of 5 recordings: 2 of 2 seizures missed, 1 false alarm, 3.00 faults"),
        ("noisy_1", "2nd worst of 5 recordings: no seizure in it, 2 false alarms, 2.00 faults"),
        ("good_1", "2nd best of the 3 recordings with seizures: all 2 seizures found, 0 false"),
        ("fair_1", "Best of the 3 recordings with seizures: its only seizure found, 0 false"),
        ("quiet_1", "A recording without seizures: no seizure in it, 0 false alarms, 0.00 faults"),
        ("unknown_1", ""),
    ],
)
def test_rank_says_where_a_recording_stands_and_why(recordings, recording_id, sentence):
    assert rank_in_words(recording_id, recordings).startswith(sentence)


def test_a_recording_alone_has_no_rank(make):
    alone = scored_recordings([make.row("a_1", seizures=1, found=0, alarms=0)])
    assert rank_in_words("a_1", alone).startswith("The only recording: its only seizure missed")


def test_the_only_recording_with_seizures_is_no_best_one(make):
    rows = [
        make.row("a_1", seizures=1, found=1, alarms=0, taes_overlap_misses=0),
        make.row("b_1", seizures=0, found=0, alarms=0),
    ]
    sentence = rank_in_words("a_1", scored_recordings(rows))
    assert sentence.startswith("The only recording with seizures: its only seizure found")


@pytest.mark.parametrize(
    ("place", "word"),
    [(1, ""), (2, "2nd "), (3, "3rd "), (4, "4th "), (11, "11th "), (23, "23rd ")],
)
def test_places_are_counted_in_english(make, place, word):
    rows = [make.row(f"r{n:02}", seizures=0, found=0, alarms=99 - n) for n in range(1, 30)]
    sentence = rank_in_words(f"r{place:02}", scored_recordings(rows))
    assert sentence.lower().startswith(f"{word}worst of 29 recordings: ")


def test_counts_are_added(recordings):
    total = in_total(recordings)
    assert (total.seizures, total.found, total.missed, total.false_alarms) == (5, 3, 2, 3)
    assert total.observed_s == 5 * 3600


@pytest.mark.parametrize("rows", [[], [{"file": "a.png", "dice": 0.5}]])
def test_rows_of_other_tasks_are_no_recordings_with_seizures(rows):
    assert scored_recordings(rows) == ()


def test_an_empty_cell_stays_undefined(make):
    row = make.row("a_1", seizures=1, found=1, alarms=0, observed_s=None)
    assert math.isnan(scored_recordings([row])[0].observed_s)

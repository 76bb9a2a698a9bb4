import pytest

from neurorun.core import Event, Timeline
from neurorun.runs.events_folder import events_of, events_path, write_run_events

pytestmark = pytest.mark.unit

TIMELINE = Timeline("p1/s1 t0", 3600.0, (Event(10, 25.5, confidence=0.75), Event(100, 130)))


def test_events_come_back(tmp_path):
    write_run_events(tmp_path, TIMELINE)
    assert events_of(tmp_path)["p1/s1 t0"] == TIMELINE
    assert list(events_of(tmp_path)) == ["p1/s1 t0"]


def test_recording_without_events_comes_back_empty(tmp_path):
    write_run_events(tmp_path, Timeline("quiet", 60.0))
    found = events_of(tmp_path)["quiet"]
    assert (found.seizures, found.duration_s) == ((), 60.0)


def test_files_are_named_as_scorers_pair_them():
    assert events_path("sub-01_run-00") == "events/sub-01_run-00_events.tsv"

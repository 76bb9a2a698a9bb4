import csv
from pathlib import Path

import numpy as np
import pytest

from neurorun.data import (
    AbnormalityDataConfig,
    annotations_of,
    find_abnormality_recordings,
    read_fixations,
)
from neurorun.formats import read_recording
from neurorun.simulation import (
    GazeCorpusPlan,
    simulate_gaze_corpus,
    simulate_read_recording,
)

pytestmark = pytest.mark.unit

PLAN = GazeCorpusPlan(n_train=4, n_eval=2, minutes=0.5, events_per_minute=10, share_with_gaze=0.7)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    simulate_gaze_corpus(folder, PLAN)
    return folder


def test_a_corpus_lies_in_the_folders_of_nmt(corpus):
    entries = find_abnormality_recordings(AbnormalityDataConfig(data_dir=corpus))
    assert [(e.label, e.split) for e in entries] == [
        (0, "train"), (1, "train"), (0, "train"), (1, "train"), (0, "test"), (1, "test"),
    ]  # fmt: skip
    assert any(e.gaze for e in entries)
    assert not all(e.gaze for e in entries)
    with (corpus / "Labels.csv").open() as stream:
        assert [row["loc"] for row in csv.DictReader(stream)][-1] == "eval"


def test_recordings_have_the_signals_of_nmt(corpus):
    recording = read_recording(next(corpus.rglob("*.edf")))
    assert len(recording.channels) == 22
    assert {"FP1", "A2", "ECG"} <= set(recording.channels)
    assert recording.duration_s == 30.0


def test_the_same_plan_gives_the_same_bytes(corpus, tmp_path):
    simulate_gaze_corpus(tmp_path, PLAN)
    for path in corpus.rglob("*.*"):
        assert (tmp_path / path.relative_to(corpus)).read_bytes() == path.read_bytes(), path


def test_gaze_falls_on_what_is_abnormal():
    plan = GazeCorpusPlan(minutes=5, share_with_gaze=1.0)
    read = simulate_read_recording(
        np.random.default_rng(3), plan, recording_id="a", is_abnormal=True
    )
    abnormal = [f.event for f in read.findings if f.is_abnormal]
    times = np.array([fixation["x"] for fixation in read.fixations])
    near = [any(e.onset_s - 0.5 < x < e.offset_s + 0.5 for e in abnormal) for x in times]
    share_of_time = sum(e.duration_s + 1 for e in abnormal) / 300
    assert np.mean(near) > 2 * min(share_of_time, 0.4)
    assert all(0 <= x < 300 for x in times)
    assert all(0.1 <= fixation["duration"] <= 2.9 for fixation in read.fixations)


def test_annotations_hold_abnormal_events_only(corpus):
    events = annotations_of(corpus, "0000002")
    assert events
    assert {event.label for event in events} <= {"Sharp Wave", "Delta Slow Wave", "Spike and Wave"}
    assert not annotations_of(corpus, "0000001")


def test_fixation_files_are_read(corpus):
    for path in (corpus / "gaze").glob("*.json"):
        assert read_fixations(path).edf_file.endswith(".edf")

from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest

from neurorun.core import Timeline
from neurorun.evaluation import RecordingPrediction
from neurorun.tasks.seizure_detection.recording_scores import PredictionFile

pytestmark = pytest.mark.unit


def test_predictions_mapped_from_a_file_are_the_same_and_not_in_memory():
    rng, given = np.random.default_rng(0), []
    for name, onsets in (("a", (0.0, 20.0)), ("b", ()), ("c", (5.0,))):
        pieces = tuple((onset, rng.random(640, dtype=np.float32)) for onset in onsets)
        given.append(RecordingPrediction(name, "p", 64.0, pieces, Timeline(name, 60.0)))
    with TemporaryFile() as file:
        kept = PredictionFile(file)
        for prediction in given:
            kept.add(prediction)
        mapped = kept.mapped()
    for mine, theirs in zip(mapped, given, strict=True):
        assert (mine.recording_id, mine.reference) == (theirs.recording_id, theirs.reference)
        assert [onset for onset, _ in mine.pieces] == [onset for onset, _ in theirs.pieces]
        for (_, values), (_, expected) in zip(mine.pieces, theirs.pieces, strict=True):
            assert isinstance(values, np.memmap)
            np.testing.assert_array_equal(values, expected)


def test_any_number_of_recordings_takes_one_open_file():
    piece = ((0.0, np.zeros(4, np.float32)),)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with TemporaryFile() as file:
        kept = PredictionFile(file)
        assert kept.mapped() == ()
        for number in range(50):
            name = str(number)
            kept.add(RecordingPrediction(name, "p", 4.0, piece, Timeline(name, 1.0)))
        mapped = kept.mapped()
    assert len(mapped) == 50
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1

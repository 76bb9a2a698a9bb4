from tempfile import TemporaryFile

import numpy as np
import pytest

from neurorun.core import Timeline
from neurorun.evaluation import RecordingPrediction
from neurorun.tasks.seizure_detection.recording_scores import on_disk

pytestmark = pytest.mark.unit


def test_predictions_moved_to_the_disk_are_the_same_and_not_in_memory():
    rng, given = np.random.default_rng(0), []
    for name, onsets in (("a", (0.0, 20.0)), ("b", ()), ("c", (5.0,))):
        pieces = tuple((onset, rng.random(640, dtype=np.float32)) for onset in onsets)
        given.append(RecordingPrediction(name, "p", 64.0, pieces, Timeline(name, 60.0)))
    with TemporaryFile() as file:
        moved = [on_disk(prediction, file) for prediction in given]
    for mine, theirs in zip(moved, given, strict=True):
        assert (mine.recording_id, mine.reference) == (theirs.recording_id, theirs.reference)
        assert [onset for onset, _ in mine.pieces] == [onset for onset, _ in theirs.pieces]
        for (_, values), (_, expected) in zip(mine.pieces, theirs.pieces, strict=True):
            assert isinstance(values, np.memmap)
            np.testing.assert_array_equal(values, expected)

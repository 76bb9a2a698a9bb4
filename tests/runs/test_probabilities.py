from pathlib import Path

import numpy as np
import pytest

from neurorun.core import FormatError, RunError
from neurorun.runs.headed_npz import HeadedFormat
from neurorun.runs.probabilities import (
    Probabilities,
    probabilities_of,
    probabilities_path,
    write_probabilities,
)

pytestmark = pytest.mark.unit

PIECES = (
    (0.0, np.linspace(0, 1, 7, dtype=np.float32)),
    (30.5, np.array([np.nan, 0.5], dtype=np.float32)),
)


@pytest.mark.parametrize("pieces", [PIECES, PIECES[:1], ()], ids=["two", "one", "none"])
def test_probabilities_come_back_as_they_were_written(tmp_path: Path, pieces):
    write_probabilities(tmp_path, Probabilities("a/b", 256.0, pieces))
    folder = probabilities_of(tmp_path)
    assert list(folder) == ["a/b"]
    found = folder["a/b"]
    assert (found.recording_id, found.rate_hz) == ("a/b", 256.0)
    assert len(found.pieces) == len(pieces)
    for (onset_s, values), (expected_s, expected) in zip(found.pieces, pieces, strict=True):
        assert onset_s == expected_s
        np.testing.assert_array_equal(values, expected)


def test_a_rate_of_zero_is_refused():
    with pytest.raises(RunError, match=r"rate of 0.0 Hz; it must be above 0"):
        Probabilities("r", 0.0, ())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"text"])
def test_a_damaged_file_is_named(tmp_path: Path, content):
    path = tmp_path / probabilities_path("r")
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(FormatError, match="is not a readable file of probabilities"):
        probabilities_of(tmp_path)["r"]


def test_an_unknown_version_is_refused(tmp_path: Path, monkeypatch):
    later = HeadedFormat("neurorun-probabilities", 2, item="file of probabilities")
    monkeypatch.setattr("neurorun.runs.probabilities._FORMAT", later)
    write_probabilities(tmp_path, Probabilities("r", 1.0, ()))
    monkeypatch.undo()
    with pytest.raises(FormatError, match="Update neurorun"):
        probabilities_of(tmp_path)["r"]

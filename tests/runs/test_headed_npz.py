import json

import numpy as np
import pytest

from neurorun.core import FormatError, RunError
from neurorun.runs.headed_npz import HeadedFormat, read_headed_npz, write_headed_npz

pytestmark = pytest.mark.unit

NOTE = HeadedFormat("neurorun-note", 1, item="note")


@pytest.fixture
def path(tmp_path):
    write_headed_npz(tmp_path / "a.npz", NOTE, {"name": "é"}, {"values": np.arange(3)})
    return tmp_path / "a.npz"


def test_header_and_arrays_come_back(path):
    header, arrays = read_headed_npz(path, NOTE, lambda header, arrays: (header, arrays))
    assert header == {"format": "neurorun-note", "format_version": 1, "name": "é"}
    np.testing.assert_array_equal(arrays["values"], [0, 1, 2])


def test_numpy_opens_it_without_pickle(path):
    with np.load(path, allow_pickle=False) as members:
        assert sorted(members.files) == ["header", "values"]
        assert json.loads(str(members["header"]))["name"] == "é"


@pytest.mark.parametrize(
    "other", [HeadedFormat("neurorun-note", 2, "note"), HeadedFormat("x", 1, "x")]
)
def test_other_formats_and_versions_are_told(path, other):
    with pytest.raises(FormatError, match=r"version \('neurorun-note', 1\); this neurorun reads"):
        read_headed_npz(path, other, lambda header, arrays: header)


def test_damage_is_told_with_what_the_file_is(path):
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(
        FormatError, match=r"a.npz' is not a readable note \(.*\); restore it, or eva"
    ):
        read_headed_npz(path, NOTE, lambda header, arrays: header)


@pytest.mark.parametrize("error", [KeyError("values"), RunError("parts do not fit")])
def test_content_that_does_not_make_an_item_is_damage(path, error):
    def make(header, arrays):
        raise error

    with pytest.raises(FormatError, match="is not a readable note"):
        read_headed_npz(path, NOTE, make)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FormatError, match=r"is not a readable note .*No such file"):
        read_headed_npz(tmp_path / "b.npz", NOTE, lambda header, arrays: header)

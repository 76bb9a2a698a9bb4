import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import (
    DataError,
    atomic_write,
    fingerprint_of,
    read_json,
    sha256_of,
    to_json,
    write_json,
    write_text,
)

pytestmark = pytest.mark.unit


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path):
    write_text(tmp_path / "a" / "b" / "c.txt", "ä\n")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "ä\n".encode()
    assert names_in(tmp_path / "a/b") == ["c.txt"]


def write_half_and_fail(path: Path) -> None:
    with atomic_write(path) as stream:
        stream.write(b"new")
        raise KeyboardInterrupt


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        write_half_and_fail(path)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"Cannot write .*file/x.json.*write permission is needed"):
        write_json(tmp_path / "file" / "x.json", {})


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_text(tmp_path / "x", "text")
    assert names_in(tmp_path) == []


def test_json_holds_plain_values_of_numpy_and_paths(tmp_path: Path):
    value = {
        "n": np.int64(3),
        "x": np.float32(0.5),
        "list": (np.arange(2), [float("inf")]),
        "path": Path("a/b"),
        5: "é",
    }
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == {
        "n": 3,
        "x": 0.5,
        "list": [[0, 1], [None]],
        "path": "a/b",
        "5": "é",
    }


def test_json_refuses_what_it_cannot_hold():
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        to_json({"a": {1}})


@pytest.mark.parametrize("content", [b"{", b"\xff"])
def test_damaged_json_is_named(tmp_path: Path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DataError, match=r"x.json' is not readable as JSON .* restore it"):
        read_json(tmp_path / "x.json")


def test_absent_json_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"x.json' does not exist; check the path"):
        read_json(tmp_path / "x.json")


def test_checksums_are_those_of_sha256(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()


def test_fingerprints_change_with_any_value():
    assert fingerprint_of({"a": [1, 2.0]}) != fingerprint_of({"a": [1, 2.5]})
    assert len(fingerprint_of({})) == 16

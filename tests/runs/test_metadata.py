import json

import pytest

from neurorun.runs.metadata import (
    METADATA,
    collect_metadata,
    read_metadata,
    with_epochs,
    write_metadata,
)
from neurorun.runs.source import PATCH

pytestmark = pytest.mark.unit


def test_metadata_begin_with_the_keys_of_gaze_experiments_and_come_back(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    data = {"dataset": "tusz", "fingerprint": "ab12"}
    metadata, patch = collect_metadata("run_1", data=data, source_dir=tmp_path, root=tmp_path)
    metadata = with_epochs(metadata, 5)
    write_metadata(tmp_path, metadata, patch=patch)
    assert read_metadata(tmp_path) == metadata
    found = json.loads((tmp_path / METADATA).read_text())
    assert list(found)[:5] == [
        "timestamp", "total_epochs", "run_directory", "storage_format", "note",
    ]  # fmt: skip
    assert (found["total_epochs"], found["run_directory"], found["data"]) == (5, "run_1", data)
    assert found["source"]["state"] == "not a git tree"
    assert not (tmp_path / PATCH).exists()


def test_patch_lies_beside_the_metadata(tmp_path):
    metadata, _ = collect_metadata("run_1", data={}, source_dir=tmp_path, root=tmp_path)
    write_metadata(tmp_path, metadata, patch=b"diff --git")
    assert (tmp_path / PATCH).read_bytes() == b"diff --git"

import hashlib

import pytest

from neurorun.runs import checksums
from neurorun.runs.checksums import checksums_of, files_of
from neurorun.runs.record import Checksum

pytestmark = pytest.mark.unit


def test_every_file_that_matters_is_listed(tmp_path):
    for name in ("run.json", ".lock", "report.html", "b.txt", "metrics/a.json", "logs/.x.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(files_of(tmp_path)) == ["b.txt", "metrics/a.json"]
    expected = Checksum(5, hashlib.sha256(b"b.txt").hexdigest())
    assert checksums_of(tmp_path)["b.txt"] == expected


def test_file_under_several_names_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    read = []
    monkeypatch.setattr(checksums, "sha256_of", lambda path: read.append(path) or "0")
    assert list(checksums_of(tmp_path)) == ["a", "b"]
    assert len(read) == 1

import pytest

from neurorun.core import RunError
from neurorun.runs.by_recording import ByRecording

pytestmark = pytest.mark.unit


@pytest.fixture
def items(tmp_path):
    for name in ("b.txt", "a%2F1.txt", ".c.txt.0f.tmp", ".d.txt", "e.npz"):
        (tmp_path / name).write_text(name)
    return ByRecording(tmp_path, ".txt", lambda path: path.read_text())


def test_files_are_known_by_recording_and_read_when_asked_for(items):
    assert list(items) == ["a/1", "b"]
    assert len(items) == 2
    assert items["a/1"] == "a%2F1.txt"
    assert "b" in items
    assert dict(items) == {"a/1": "a%2F1.txt", "b": "b.txt"}
    assert list(items.values()) == ["a%2F1.txt", "b.txt"]
    assert list(items.items())[1] == ("b", "b.txt")


def test_missing_recording_is_told(items):
    with pytest.raises(RunError, match=r"holds nothing for the recording 'x'; it holds 2 others"):
        items["x"]
    assert "x" not in items
    assert 3 not in items


def test_absent_folder_holds_nothing(tmp_path):
    assert dict(ByRecording(tmp_path / "absent", ".txt", str)) == {}

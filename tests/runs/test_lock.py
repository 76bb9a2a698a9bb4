import subprocess
import sys
from pathlib import Path

import pytest

from neurorun.core import RunError
from neurorun.runs import lock
from neurorun.runs.lock import FolderLock, is_locked

pytestmark = pytest.mark.unit


def test_lock_is_seen_while_it_is_held(tmp_path):
    assert not is_locked(tmp_path)
    held = FolderLock.take(tmp_path)
    assert is_locked(tmp_path)
    held.release()
    assert not is_locked(tmp_path)
    held.release()


def test_second_writer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE_S", 0.05)
    held = FolderLock.take(tmp_path)
    with pytest.raises(RunError, match="being written by another process; one writer at a time"):
        FolderLock.take(tmp_path)
    held.release()


def test_lock_falls_free_when_its_process_is_killed(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from neurorun.runs.lock import FolderLock;"
        "held = FolderLock.take(Path(sys.argv[1])); print('held', flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert (tmp_path / ".lock").exists()
    assert not is_locked(tmp_path)


def test_folder_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"Cannot write into run folder .* permission is needed"):
        FolderLock.take(tmp_path / "absent")


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not tell")
def test_looking_leaves_no_descriptor_open(tmp_path):
    held = FolderLock.take(tmp_path)
    before = open_files()
    for _ in range(5):
        is_locked(tmp_path)
    assert open_files() == before
    held.release()

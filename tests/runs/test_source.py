import shutil
import subprocess

import pytest

from neurorun.runs import source
from neurorun.runs.source import Source, source_of

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


def git(folder, *arguments):
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )


@pytest.fixture
def tree(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    git(tree, "init", "-q", "-b", "main")
    (tree / "train.py").write_text("a = 1\n")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "begin")
    return tree


def look(tree):
    return source_of(tree, without=tree / "runs")


def test_clean_tree_has_a_commit_and_no_patch(tree):
    found, patch = look(tree)
    assert (found.state, found.branch, found.patch, patch) == ("clean", "main", None, b"")
    assert len(found.commit) == 40
    assert found.patch_note == ""


def test_patch_turns_the_commit_into_what_ran(tree, tmp_path):
    git(tree, "clone", "-q", str(tree), str(tmp_path / "copy"))
    (tree / "train.py").write_text("a = 2\n")
    (tree / "new é.py").write_text("b = 1\n")
    found, patch = look(tree)
    assert (found.state, found.patch) == ("changed", "source.patch")
    (tmp_path / "x.patch").write_bytes(patch)
    git(tmp_path / "copy", "apply", str(tmp_path / "x.patch"))
    assert (tmp_path / "copy" / "train.py").read_text() == "a = 2\n"
    assert (tmp_path / "copy" / "new é.py").read_text() == "b = 1\n"


def test_data_and_large_files_are_never_taken(tree):
    (tree / "patient.edf").write_bytes(b"signal")
    (tree / "big.py").write_text("#" * 200_000)
    found, patch = look(tree)
    assert patch == b""
    assert found.state == "clean"
    assert found.patch_note == "2 untracked files are not in the patch"


def test_run_folders_are_no_source(tree):
    run = tree / "runs" / "1"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("a: 1\n")
    assert look(tree)[0].state == "clean"


@pytest.mark.parametrize("limit", [10, 200])
def test_patch_above_the_limit_is_left_out_and_told(tree, monkeypatch, limit):
    monkeypatch.setattr(source, "PATCH_LIMIT_BYTES", limit)
    (tree / "train.py").write_text("a = 2\n" * 20)
    for n in range(3):
        (tree / f"new_{n}.py").write_text("b = 1\n" * 20)
    found, patch = look(tree)
    assert (found.state, found.patch, patch) == ("changed", None, b"")
    assert f"more than {limit}, and was not kept" in found.patch_note


def test_looking_changes_nothing_in_the_tree(tree):
    (tree / "train.py").write_text("a = 2\n")
    index = (tree / ".git" / "index").read_bytes()
    look(tree)
    assert (tree / ".git" / "index").read_bytes() == index


def test_credentials_in_the_remote_are_cut(tree):
    git(tree, "remote", "add", "origin", "https://me:secret@example.org/x.git")
    assert look(tree)[0].remote == "https://example.org/x.git"


def test_tree_without_a_commit_is_told(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text("a = 1\n")
    found, patch = look(tmp_path)
    assert (found.state, found.commit, patch) == ("changed", None, b"")
    assert found.patch_note == "there is no commit yet"


def test_folder_outside_git_is_a_value(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert look(tmp_path) == (Source("not a git tree"), b"")


def test_missing_git_is_a_value(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert look(tmp_path) == (Source("git is not installed"), b"")


def test_git_that_hangs_is_a_value(tmp_path, monkeypatch):
    def hang(*_, **__):
        raise subprocess.TimeoutExpired("git", 20)

    monkeypatch.setattr(subprocess, "run", hang)
    assert look(tmp_path)[0].state == "git did not answer (TimeoutExpired)"

"""From which source code a run was made: commit, and what was changed since.

Not being in a git tree is a value, not an error.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PATCH = "source.patch"
PATCH_LIMIT_BYTES = 1_000_000

_SOURCE_SUFFIXES = {".cfg", ".ini", ".py", ".sh", ".toml", ".yaml", ".yml"}
_UNTRACKED_LIMIT_BYTES = 100_000
_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Source:
    """State of the source tree in which the run was started.

    Parameters
    ----------
    state : ``clean``, ``changed``, or why nothing is known (``not a git tree``, ...)
    remote : address without user name and password
    patch : file beside ``run.json`` that turns the commit into what ran, for ``git apply``; None
        if nothing was changed or the changes were not kept
    patch_note : what the patch leaves out, and why; empty if nothing
    """

    state: str
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    patch: str | None = None
    patch_note: str = ""


def source_of(folder: Path, *, without: Path) -> tuple[Source, bytes]:
    """Describe the git tree around a folder, and the changes that are not committed.

    The patch holds changes to tracked files and new untracked source and settings files (by
    suffix, up to 100 kB each); data are never taken. Above 1 MB in all it is left out.

    Parameters
    ----------
    without : folder of the runs, whose own settings are no source
    """
    git = shutil.which("git")
    if git is None:
        return Source("git is not installed"), b""
    try:
        top = _git(git, folder, "rev-parse", "--show-toplevel")
        if top is None:
            return Source("not a git tree"), b""
        return _describe(git, Path(os.fsdecode(top.strip())), without.resolve())
    except (OSError, subprocess.TimeoutExpired) as error:
        return Source(f"git did not answer ({type(error).__name__})"), b""


def _describe(git: str, tree: Path, without: Path) -> tuple[Source, bytes]:
    commit = _line(_git(git, tree, "rev-parse", "--verify", "--quiet", "HEAD"))
    changed = bool(_git(git, tree, "status", "--porcelain", "--untracked-files=no"))
    new, left_out = _new_files(git, tree, without)
    patch = _patch(git, tree, new) if commit else b""
    note = f"{left_out} untracked files are not in the patch" if left_out else ""
    if len(patch) > PATCH_LIMIT_BYTES:
        note = f"the patch has {len(patch)} bytes, more than {PATCH_LIMIT_BYTES}, and was not kept"
        patch = b""
    source = Source(
        state="changed" if changed or new else "clean",
        commit=commit,
        branch=_line(_git(git, tree, "symbolic-ref", "--quiet", "--short", "HEAD")),
        remote=_without_credentials(_line(_git(git, tree, "remote", "get-url", "origin"))),
        patch=PATCH if patch else None,
        patch_note=note if commit or not changed | bool(new) else "there is no commit yet",
    )
    return source, patch


def _new_files(git: str, tree: Path, without: Path) -> tuple[list[str], int]:
    """Untracked files that belong to the source, and how many others there are."""
    listed = _git(git, tree, "ls-files", "--others", "--exclude-standard", "-z") or b""
    found = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    names = [name for name in found if not (tree / name).is_relative_to(without)]
    kept = [name for name in names if _is_source(tree / name)]
    return kept, len(names) - len(kept)


def _is_source(path: Path) -> bool:
    return (
        path.suffix in _SOURCE_SUFFIXES
        and path.is_file()
        and path.stat().st_size <= _UNTRACKED_LIMIT_BYTES
    )


def _patch(git: str, tree: Path, new: list[str]) -> bytes:
    parts = [_git(git, tree, "diff", "--binary", "--no-ext-diff", "HEAD") or b""]
    for name in new:
        if sum(map(len, parts)) > PATCH_LIMIT_BYTES:
            break
        parts.append(
            _git(git, tree, "diff", "--binary", "--no-ext-diff", "--no-index", os.devnull, name)
            or b""
        )
    return b"".join(parts)


def _git(git: str, folder: Path, *arguments: str) -> bytes | None:
    """Answer of git, which is kept from writing anything; None if it refuses."""
    done = subprocess.run(  # noqa: S603 - fixed commands; names follow the options they belong to
        [git, "-C", str(folder), *arguments],
        capture_output=True,
        check=False,
        timeout=_TIMEOUT_S,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": ""},
    )
    differs = "--no-index" in arguments and done.returncode == 1
    return done.stdout if done.returncode == 0 or differs else None


def _line(answer: bytes | None) -> str | None:
    return os.fsdecode(answer).strip() or None if answer else None


def _without_credentials(remote: str | None) -> str | None:
    """Cut user and password from an address.

    >>> _without_credentials("https://me:secret@example.org/x.git")
    'https://example.org/x.git'
    """
    return re.sub(r"^(\w+://)[^/@]*@", r"\1", remote) if remote else None

"""Checksums of every file of a run, taken when it ends."""

from collections.abc import Iterator
from pathlib import Path

from neurorun.core import sha256_of
from neurorun.runs.record import RECORD, Checksum

REBUILDABLE = frozenset({"report.html", "training_curves.png", "confusion_matrix.png"})
"""Pages and pictures that a report makes from the rest, again and again; they are not listed."""

REVIEW = "review"
"""Folder of the review pages, which are made again and again, too."""


def checksums_of(folder: Path) -> dict[str, Checksum]:
    """Take the checksum of every file, by path relative to the folder.

    ``run.json`` itself, hidden files and what can be made again are left out. A file under
    several names is read once.
    """
    known: dict[tuple[int, int], Checksum] = {}
    return {name: _checksum(folder / name, known) for name in files_of(folder)}


def checksum_of(path: Path) -> Checksum:
    """Take the checksum of one file."""
    return Checksum(path.stat().st_size, sha256_of(path))


def files_of(folder: Path) -> Iterator[str]:
    """Paths, relative and with ``/``, of the files that checksums cover, sorted."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        left_out = name.parts[0] == REVIEW or any(part.startswith(".") for part in name.parts)
        if path.is_file() and not left_out and name.as_posix() not in REBUILDABLE | {RECORD}:
            yield name.as_posix()


def _checksum(path: Path, known: dict[tuple[int, int], Checksum]) -> Checksum:
    status = path.stat()
    identity = (status.st_dev, status.st_ino)
    if identity not in known:
        known[identity] = Checksum(status.st_size, sha256_of(path))
    return known[identity]

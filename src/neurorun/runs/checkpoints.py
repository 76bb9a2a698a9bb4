"""Weights and states of a run: one authoritative best, one to resume from, others when asked for.

``best_model.pth`` in the root of the folder is the best; ``checkpoints/best.pt`` and
``checkpoints/best_model.pth`` are further names of the same file (hard links; where the file
system has none, relative symbolic links; as a last resort copies).
"""

import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

from neurorun.core import RunError, atomic_write

BEST = "best_model.pth"
LAST = "checkpoints/last.pt"
BEST_LINKS = ("checkpoints/best.pt", "checkpoints/best_model.pth")

Save = Callable[[IO[bytes]], None]
"""Writes one checkpoint into an open file, for example ``partial(torch.save, state)``."""


def checkpoint_path(folder: Path, name: str) -> Path:
    """Where a checkpoint lies.

    Parameters
    ----------
    name : ``best``, ``last``, or ``epoch_NNN`` with at least three digits

    Raises
    ------
    RunError : another name

    Examples
    --------
    >>> checkpoint_path(Path("run"), "epoch_012").as_posix()
    'run/checkpoints/epoch_012.pth'
    """
    if name == "best":
        return folder / BEST
    if name == "last":
        return folder / LAST
    if re.fullmatch(r"epoch_\d{3,}", name):
        return folder / "checkpoints" / f"{name}.pth"
    raise RunError(
        f"A checkpoint was called '{name}'; best, last and epoch_NNN (three digits or more) are "
        "allowed. Rename it."
    )


def write_checkpoint(folder: Path, name: str, save: Save) -> Path:
    """Save a checkpoint, whole or not at all; the links follow a new best.

    Raises
    ------
    RunError : the name is not one of a checkpoint
    DataError : the folder cannot be written; an older checkpoint stays as it was
    """
    path = checkpoint_path(folder, name)
    with atomic_write(path) as stream:
        save(stream)
    if name == "best":
        link_best(folder)
    return path


def link_best(folder: Path) -> None:
    """Make every further name of the best checkpoint show the file in the root."""
    best = folder / BEST
    for name in BEST_LINKS:
        link = folder / name
        if link.exists() and link.samefile(best):
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary = link.with_name(f".{link.name}.{secrets.token_hex(4)}.tmp")
        _link(best, temporary)
        temporary.replace(link)


def _link(target: Path, link: Path) -> None:
    for make in (_hard_link, _symbolic_link):
        try:
            make(target, link)
        except (OSError, NotImplementedError):  # exFAT, some network shares, Windows without rights
            continue
        return
    shutil.copyfile(target, link)


def _hard_link(target: Path, link: Path) -> None:
    link.hardlink_to(target)


def _symbolic_link(target: Path, link: Path) -> None:
    link.symlink_to(os.path.relpath(target, link.parent))

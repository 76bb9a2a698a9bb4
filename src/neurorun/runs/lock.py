"""The lock that tells a running run from an interrupted one.

The process that writes a run holds a lock on ``.lock`` inside the folder. The operating system
frees it when the process ends, however it ends, so a run whose ``run.json`` says ``running``
while the lock is free was interrupted.
"""

import os
import sys
import time
from pathlib import Path

from neurorun.core import RunError

LOCK = ".lock"
_PATIENCE_S = 1.0  # readers hold the lock for microseconds while they look


class FolderLock:
    """The right to write into one run folder, held by one process on one machine."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, folder: Path) -> "FolderLock":
        """Take the lock, waiting a moment for readers that are looking at it.

        Raises
        ------
        RunError : another process writes into the folder, or the folder cannot be written
        """
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunError(
                f"Cannot write into run folder '{folder}': {error.strerror}. Write permission is "
                "needed; change it, or work on a copy."
            ) from error
        give_up = time.monotonic() + _PATIENCE_S
        while not _try_lock(descriptor, shared=False):
            if time.monotonic() > give_up:
                os.close(descriptor)
                raise RunError(
                    f"Run folder '{folder}' is being written by another process; one writer at a "
                    "time is allowed. Wait for it, or stop it first."
                )
            time.sleep(0.02)
        return cls(descriptor)

    def release(self) -> None:
        """Free the lock; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(folder: Path) -> bool:
    """Whether some process holds the lock of a run folder; a folder without one is free."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, shared: bool) -> bool:  # noqa: ARG001 - one kind only
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

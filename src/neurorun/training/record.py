"""What the training loop knows of a run folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable


@runtime_checkable
class TrainingRecord(Protocol):
    """Keeps what outlives the process; every call leaves the folder whole."""

    @property
    def folder(self) -> Path:
        """Where everything of this run lies."""
        ...

    @property
    def run_id(self) -> str:
        """Identity of the run, unique for all time."""
        ...

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Append the figures of an epoch, 1-based; NaN is undefined."""
        ...

    def save_checkpoint(self, name: str, save: Callable[[IO[bytes]], None]) -> Any:
        """Replace the checkpoint ``last``, ``best`` or ``epoch_NNN`` by what ``save`` writes."""
        ...

    def rewind(self, epoch: int) -> Any:
        """Forget the figures of all epochs after this one."""
        ...

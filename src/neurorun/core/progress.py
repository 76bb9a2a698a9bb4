"""How long work tells that it is moving; the command line decides how that looks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable


@runtime_checkable
class Advance(Protocol):
    """Called after each piece of work; named figures are shown beside the bar."""

    def __call__(self, n: int = 1, /, **figures: float) -> None:
        """Count ``n`` more pieces as done."""
        ...


@runtime_checkable
class Progress(Protocol):
    """Shows phases of work one after the other."""

    def phase(self, name: str, total: int) -> AbstractContextManager[Advance]:
        """Announce ``total`` pieces of work; the block calls what it is given after each."""
        ...


class _Silent:
    @contextmanager
    def phase(self, name: str, total: int) -> Iterator[Advance]:  # noqa: ARG002
        yield _ignore


def _ignore(n: int = 1, /, **figures: float) -> None:
    """Take note of nothing."""


SILENT: Progress = _Silent()
"""Shows nothing: the default where nobody watches."""

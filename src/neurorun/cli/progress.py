"""Progress on a terminal as a bar, and in a log as a line every half minute."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from neurorun.core import Advance

logger = logging.getLogger(__name__)

HEARTBEAT_S = 30.0


class TerminalProgress:
    """Shows each phase as a bar on stderr if it is a terminal, and logs a heartbeat always."""

    def __init__(self, console: Console | None = None, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._console = console or Console(stderr=True)
        self._heartbeat_s = heartbeat_s

    @contextmanager
    def phase(self, name: str, total: int) -> Iterator[Advance]:
        """Show ``total`` pieces of work; the block calls what it is given after each."""
        heartbeat = _Heartbeat(name, total, every_s=self._heartbeat_s)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        ) as bar:
            task = bar.add_task(name, total=total, figures="")

            def advance(n: int = 1, /, **figures: float) -> None:
                shown = "  ".join(f"{key} {value:.4g}" for key, value in figures.items())
                bar.update(task, advance=n, figures=shown)
                heartbeat.advance(n, shown)

            yield advance
        heartbeat.finish()


class _Heartbeat:
    """Logs how far a phase is, at most once in a while, and how long it took."""

    def __init__(self, name: str, total: int, *, every_s: float) -> None:
        self._name, self._total, self._every_s = name, total, every_s
        self._done = 0
        self._start = self._last = time.monotonic()

    def advance(self, n: int, figures: str) -> None:
        self._done += n
        now = time.monotonic()
        if now - self._last >= self._every_s:
            self._last = now
            logger.info("%s: %d of %d  %s", self._name, self._done, self._total, figures)

    def finish(self) -> None:
        elapsed_s = time.monotonic() - self._start
        logger.debug("%s: %d of %d in %.1f s", self._name, self._done, self._total, elapsed_s)

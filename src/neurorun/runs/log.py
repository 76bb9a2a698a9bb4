"""``logs/training.log``: what was said while the run ran, from its first moment on."""

import logging
import time
import warnings
from pathlib import Path
from types import TracebackType
from typing import TextIO

from neurorun.core import RunError

LOG = "logs/training.log"
TENSORBOARD = "logs/tensorboard"

_PACKAGE = "neurorun"


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - of logging
        """Lose the line of a full disk quietly: the next row of metrics tells of it."""


class RunLog:
    """Copies every log line and warning of this process into the file until it is closed.

    Lines of neurorun are taken from INFO on, those of other libraries as they are configured.
    Times are UTC.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOG
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handler = _LogFile(path, encoding="utf-8")
        except OSError as error:
            raise RunError(
                f"Cannot write '{path}': {error.strerror}. Write permission is needed; change it, "
                "or choose another folder."
            ) from error
        formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ - %(levelname)s - %(message)s")
        formatter.converter = time.gmtime
        formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
        self._handler.setFormatter(formatter)
        logging.getLogger().addHandler(self._handler)
        self._open = True
        self._level = logging.getLogger(_PACKAGE).level
        if self._level == logging.NOTSET:
            logging.getLogger(_PACKAGE).setLevel(logging.INFO)
        self._show = warnings.showwarning
        warnings.showwarning = self._log_warning

    def _log_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        self._emit(
            logging.WARNING, f"{category.__name__}: {message} ({Path(filename).name}:{lineno})"
        )
        self._show(message, category, filename, lineno, file, line)

    def fault(self, error: BaseException) -> None:
        """Write a traceback into the file only; the screen gets it from whoever catches it."""
        self._emit(
            logging.ERROR,
            f"Ended by {type(error).__name__}.",
            (type(error), error, error.__traceback__),
        )

    def _emit(
        self,
        level: int,
        message: str,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | None = None,
    ) -> None:
        self._handler.handle(
            logging.LogRecord(_PACKAGE, level, __file__, 0, message, None, exc_info)
        )

    def close(self) -> None:
        """Let go of the file and of warnings; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        logging.getLogger(_PACKAGE).setLevel(self._level)
        if warnings.showwarning == self._log_warning:
            warnings.showwarning = self._show

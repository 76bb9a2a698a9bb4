"""A logger for Lightning's ``Trainer`` that keeps a run folder.

``from neurorun.runs.lightning import RunLogger``, then
``Trainer(logger=RunLogger("runs", "mine", monitor="val_loss", better="lower"))``. Figures of single
steps stay with other loggers; whatever Lightning measures per epoch becomes a row, and grows while
more of the same epoch is measured, so that a kill at any moment loses nothing that was told.
"""

import logging
import shutil
import sys
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from neurorun.core import require
from neurorun.runs.create import amend_run, resume_run, start_run
from neurorun.runs.run import open_run
from neurorun.runs.scores import SplitScores
from neurorun.runs.writer import RunWriter

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")

logger = logging.getLogger(__name__)


def __getattr__(name: str) -> Any:
    """``RunLogger`` is made when it is first asked for: only then Lightning is needed."""
    if name == "RunLogger":
        return run_logger_class()
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


@cache
def run_logger_class() -> type[Any]:
    """Make the class ``RunLogger``, a logger of the Lightning that this process uses.

    Raises
    ------
    MissingExtraError : Lightning is not installed
    """
    package = next((one for one in reversed(_PACKAGES) if one in sys.modules), _PACKAGES[0])
    base = require(f"{package}.loggers", extra="lightning").Logger
    return type("RunLogger", (_RunLogging, base), {"__doc__": _RunLogging.__doc__})


class _RunLogging:
    """Keeps a Lightning training in a run folder.

    Parameters
    ----------
    root : folder of the run folders
    experiment : name of the experiment
    monitor, better : the number that chooses the best epoch, and its direction
    config : settings; hyperparameters that Lightning tells are added under ``hyperparameters``
    options : further arguments of `start_run`

    Notes
    -----
    Lightning counts epochs from 0, a run folder from 1. Names that end in ``_step`` are left out.
    Numbers that ``trainer.test`` measures become scores of the split ``test``. Checkpoints that
    Lightning writes lie in ``checkpoints/``; a copy of the best is ``best_model.pth``.
    """

    def __init__(
        self,
        root: Path | str,
        experiment: str,
        *,
        monitor: str,
        better: Literal["higher", "lower"],
        config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._root, self._experiment_name = Path(root), experiment
        self._options = {"monitor": monitor, "better": better, **options}
        self._config = dict(config or {})
        self._run: RunWriter | None = None
        self._folder: Path | None = None
        self._best: tuple[str, float] | None = None

    @property
    def name(self) -> str:
        """Nothing: `version` alone names the folder below `save_dir`."""
        return ""

    @property
    def version(self) -> str:
        """Name of the run folder; one is made if there is none yet."""
        return self._known_folder().name if _is_first() else ""

    @property
    def save_dir(self) -> str:
        """Folder of the run folders."""
        return str(self._root)

    @property
    def log_dir(self) -> str:
        """The run folder."""
        return str(self._known_folder() if _is_first() else self._root)

    @property
    def experiment(self) -> RunWriter:
        """The run while it is written."""
        return self._writer()

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        """Keep hyperparameters among the settings; those told after the first row are late."""
        if not _is_first():
            return
        told = params if isinstance(params, Mapping) else vars(params)
        if self._run is None and self._folder is None:
            self._config = {**self._config, "hyperparameters": {**told}}
        elif self._run is not None and not self._run.rows:
            self._run.add_settings({"hyperparameters": {**told}})
        else:
            logger.warning("Hyperparameters came after the first figures, and are not kept.")

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:  # noqa: ARG002
        """Make numbers of an epoch a row, or a longer one; those of a test are scores."""
        if not _is_first():
            return
        values = {
            name.replace("/", "_"): value
            for name, value in metrics.items()
            if name != "epoch" and not name.endswith("_step")
        }
        tested = {name: value for name, value in values.items() if name.startswith("test")}
        if tested:
            self._keep_test(tested)
        elif values and "epoch" in metrics:
            self._keep(int(metrics["epoch"]) + 1, values)

    def _keep(self, epoch: int, values: Mapping[str, Any]) -> None:
        run = self._writer()
        last = run.rows[-1].epoch if run.rows else 0
        if epoch == last:
            run.extend_epoch(values)
        elif epoch > last:
            run.log_epoch(epoch, values)
        else:
            run.rewind(epoch - 1)
            run.log_epoch(epoch, values)

    def _keep_test(self, values: Mapping[str, Any]) -> None:
        numbers = {name: float(value) for name, value in values.items()}
        run = self._run
        epochs = (run.rows if run else self._ended_rows()) or ()
        scores = SplitScores("test", epochs[-1].epoch if epochs else 0, numbers, {})
        if run is not None:
            run.write_scores(scores)
            return
        with amend_run(self._known_folder()) as amended:
            amended.write_scores(scores)

    def _ended_rows(self) -> Any:
        return open_run(self._known_folder()).epoch_rows

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Keep a copy of the best weights where a run folder has them."""
        path, score = checkpoint_callback.best_model_path, checkpoint_callback.best_model_score
        found = (str(path), float("nan") if score is None else float(score))
        if not _is_first() or not path or found == self._best or self._run is None:
            return
        with Path(path).open("rb") as source:
            self._run.save_checkpoint("best", partial(shutil.copyfileobj, source))
        self._best = found

    def save(self) -> None:
        """Do nothing: every row is on the disk already."""

    def finalize(self, status: str) -> None:
        """End the run as Lightning tells it ended."""
        if self._run is None:
            return
        kind, error, traceback = sys.exc_info()
        run, self._run = self._run, None
        if status == "success":
            run.finish("Lightning ended the training")
        elif error is not None:
            run.__exit__(kind, error, traceback)
        else:
            run.abandon()

    def _known_folder(self) -> Path:
        if self._folder is None:
            self._writer()
        assert self._folder is not None
        return self._folder

    def _writer(self) -> RunWriter:
        if self._run is None and self._folder is not None:
            self._run = resume_run(self._folder)
        elif self._run is None:
            self._run = start_run(
                self._root, self._experiment_name, config=self._config, **self._options
            )
            self._folder = self._run.folder
        return self._run


def _is_first() -> bool:
    """Whether this is the process that writes; Lightning numbers them."""
    rank: int = require("lightning_utilities.core.rank_zero", extra="lightning").rank_zero_only.rank
    return rank == 0

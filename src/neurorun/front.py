"""The one call that does what the command `neurorun train` does."""

import logging
from collections.abc import Sequence
from pathlib import Path

from neurorun.core import SILENT, MissingExtraError, Progress

logger = logging.getLogger(__name__)


def train(
    config: Path | str | None = None,
    *,
    overrides: Sequence[str] = (),
    resume: Path | str | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Train one run, draw its figures, write its report, and return its folder.

    `neurorun.experiment.train` is the same without figures and report, which are left out with a
    warning where the extra ``report`` is not installed.

    Parameters
    ----------
    config : YAML file; may be left out to resume
    overrides : ``section.key=value``
    resume : folder of an interrupted run to go on with
    progress : shows what is being done

    Raises
    ------
    ConfigError, DataError, RunError, TrainingError : see `neurorun.experiment.train`
    """
    from neurorun import experiment
    from neurorun.reporting import write_pages

    folder = experiment.train(config, overrides=overrides, resume=resume, progress=progress)
    if experiment.is_first_process():
        try:
            write_pages(folder)
        except MissingExtraError as error:
            logger.warning("No report was written. %s", error)
    return folder

"""Begin a run in a folder of its own, or go on with one."""

import errno
import itertools
import logging
import secrets
import shutil
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from neurorun import __version__
from neurorun.core import DataError, Metric, RunError
from neurorun.runs.checkpoints import BEST, link_best
from neurorun.runs.environment import environment_now
from neurorun.runs.lock import FolderLock
from neurorun.runs.metadata import Metadata, collect_metadata, read_metadata, write_metadata
from neurorun.runs.names import RUN_NAME, run_folder_name
from neurorun.runs.plain import plain_settings
from neurorun.runs.record import RunRecord, read_record, utc_now, write_record
from neurorun.runs.settings import Headline, read_config, write_config
from neurorun.runs.summary import hardware_seen
from neurorun.runs.writer import RunWriter

logger = logging.getLogger(__name__)


def create_run(
    root: Path | str,
    experiment: str,
    *,
    config: Any,
    metrics: Sequence[Metric],
    monitor: str,
    run_name: str = RUN_NAME,
    seed: int | None = None,
    command: Sequence[str] | None = None,
    data_identity: Mapping[str, Any] | None = None,
    device: str | None = None,
    resumed_from: str | None = None,
    source_dir: Path | None = None,
) -> RunWriter:
    """Make the folder of a new run and return its writer.

    The folder appears under its name with everything that is known at the start already inside;
    an existing folder is never written into: on a clash the name gets ``-2``, ``-3`` ...

    Parameters
    ----------
    root : folder of the run folders, made if needed
    config : every setting, resolved; see `plain_settings` for what it may hold
    metrics : declarations of what will be measured on validation
    monitor : name of the metric that chooses the best epoch
    run_name : pattern with ``{timestamp}`` (local time) and ``{experiment}``
    command : what was typed; by default ``sys.argv``
    data_identity : names, counts and fingerprints of the data
    device : in use for training, for example ``cpu`` or ``cuda:0``
    resumed_from : run_id of another run whose checkpoint this one starts from
    source_dir : where to look for the git tree; by default the working directory

    Raises
    ------
    RunError : the folder cannot be made, a setting has no plain form, or the monitored metric is
        not declared
    ConfigError : ``run_name`` names no folder

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> root = mkdtemp()
    >>> loss = Metric("val_loss", "lower", "1", "Mean cross-entropy over validation windows.")
    >>> with create_run(root, "demo", config={}, metrics=[loss], monitor="val_loss") as run:
    ...     run.log_epoch(1, {"train_loss": 0.7, "val_loss": 0.6})
    >>> run.best_epoch
    1
    """
    settings = plain_settings(config)
    headline = Headline.of(settings)
    now = datetime.now()  # by the clock of those who will look for it
    name = run_folder_name(run_name, experiment=experiment, started=now)
    record = RunRecord(
        run_id=uuid.uuid4().hex,
        name=name,
        experiment=experiment,
        status="running",
        started_at=utc_now(),
        command=tuple(sys.argv if command is None else command),
        metrics=tuple(metrics),
        monitor=monitor,
        seed=seed,
        epochs_planned=headline.training_epochs,
        neurorun_version=__version__,
        resumed_from=resumed_from,
    )
    metadata, patch = collect_metadata(
        name,
        data=plain_settings(data_identity or {}),
        source_dir=source_dir or Path.cwd(),
        root=Path(root),
    )
    path = _appear(Path(root), record, metadata, settings=settings, patch=patch)
    writer = _open_writer(path, device=device)
    logger.info("Run %s begins.", writer.name)
    return writer


def start_run(
    root: Path | str,
    experiment: str,
    *,
    monitor: str,
    better: Literal["higher", "lower"],
    config: Any = None,
    metrics: Sequence[Metric] = (),
    run_name: str = RUN_NAME,
    seed: int | None = None,
    data_identity: Mapping[str, Any] | None = None,
) -> RunWriter:
    """Begin a run from a training loop of your own.

    Parameters
    ----------
    monitor, better : the number that chooses the best epoch, and its direction
    config : the settings, of any kind that `plain_settings` takes
    metrics : declarations of further numbers, if unit and definition should be recorded
    root, experiment, run_name, seed, data_identity : as for `create_run`

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> with start_run(mkdtemp(), "mine", monitor="val_iou", better="higher") as run:
    ...     for epoch in (1, 2):
    ...         run.log_epoch(epoch, {"train_loss": 1 / epoch, "val_iou": 0.3 * epoch})
    >>> run.best_epoch
    2
    """
    declared = {metric.name: metric for metric in metrics}
    if monitor not in declared:
        declared[monitor] = Metric(monitor, better, "1", "As the training loop measured it.")
    elif declared[monitor].better != better:
        raise RunError(
            f"better is '{better}', but metric '{monitor}' is declared as '"
            f"{declared[monitor].better}'; they must agree. Correct one of them."
        )
    return create_run(
        root,
        experiment,
        config={} if config is None else config,
        metrics=tuple(declared.values()),
        monitor=monitor,
        run_name=run_name,
        seed=seed,
        data_identity=data_identity,
    )


def resume_run(path: Path | str, *, device: str | None = None) -> RunWriter:
    """Go on with a run that was interrupted, failed or completed.

    A torn last line is cut, the further names of the best checkpoint are made again, and leftovers
    of interrupted writing are removed. Call ``rewind`` next, with the epoch of the checkpoint.

    Raises
    ------
    RunError : not a run folder, or another process writes into it
    """
    folder = Path(path)
    writer = _open_writer(folder, device=device)
    try:
        _tidy(folder)
        writer.reopen()
    except BaseException:
        writer.abandon()
        raise
    logger.info("Run %s goes on after epoch %d.", writer.name, len(writer.rows))
    _tell_changed_packages(folder)
    return writer


def amend_run(path: Path | str) -> RunWriter:
    """Add results to a run that has ended, for example the scores of another split.

    Status and times stay as they are; checksums are renewed for what is written, and only for it.

    Raises
    ------
    RunError : not a run folder, or another process writes into it
    """
    folder = Path(path)
    writer = _open_writer(folder, device=None, amending=True)
    logger.info("Results are added to run %s.", writer.name)
    return writer


def _open_writer(folder: Path, *, device: str | None, amending: bool = False) -> RunWriter:
    read_record(folder)
    lock = FolderLock.take(folder)
    try:
        return RunWriter(
            folder,
            read_record(folder),  # again, now that nobody else writes
            lock=lock,
            headline=Headline.of(read_config(folder)),
            hardware=hardware_seen(device),
            amending=amending,
        )
    except BaseException:
        lock.release()
        raise


def _appear(
    root: Path, record: RunRecord, metadata: Metadata, *, settings: dict[str, Any], patch: bytes
) -> Path:
    """Fill a hidden folder, then give it the first free name: at no moment is it half made."""
    hidden = root / f".{secrets.token_hex(8)}.new"
    try:
        hidden.mkdir(parents=True)
        write_config(hidden, settings)
        for number in itertools.count(1):
            name = record.name if number == 1 else f"{record.name}-{number}"
            write_metadata(hidden, replace(metadata, run_directory=name), patch=patch)
            write_record(hidden, replace(record, name=name))
            if _rename_to_free(hidden, root / name):
                break
    except (OSError, DataError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunError(
            f"Cannot make a run folder in '{root}': {reason}. A folder with room and write "
            "permission is needed; set experiment.output_dir to one."
        ) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return root / name


def _rename_to_free(folder: Path, target: Path) -> bool:
    if target.exists():
        return False
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another process was faster
            return False
        raise
    return True


def _tidy(folder: Path) -> None:
    """Remove what interrupted writing left, and let every name of the best checkpoint show it."""
    try:
        for leftover in folder.rglob(".*.tmp"):
            leftover.unlink()
        if (folder / BEST).exists():
            link_best(folder)
    except OSError as error:
        raise RunError(
            f"Cannot write into run folder '{folder}': {error.strerror}. Write permission is "
            "needed; change it, or work on a copy."
        ) from error


def _tell_changed_packages(folder: Path) -> None:
    before, now = read_metadata(folder).environment.packages, environment_now().packages
    changed = {n for n in before.keys() | now.keys() if before.get(n) != now.get(n)}
    for name in sorted(changed):
        logger.warning(
            "Resumed with %s %s; the run was begun with %s.",
            name,
            now.get(name, "(absent)"),
            before.get(name, "(absent)"),
        )

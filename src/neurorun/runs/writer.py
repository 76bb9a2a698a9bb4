"""The writing side of a run folder, from its first epoch to its last checksum."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, final

from neurorun.core import DataError, NeurorunError, RunError
from neurorun.runs.checkpoints import BEST_LINKS, Save, checkpoint_path, write_checkpoint
from neurorun.runs.checksums import checksum_of, checksums_of
from neurorun.runs.epoch_table import EPOCH_TABLE, write_epoch_table
from neurorun.runs.files_writer import RunFiles
from neurorun.runs.lock import FolderLock
from neurorun.runs.log import LOG, TENSORBOARD, RunLog
from neurorun.runs.metadata import METADATA, read_metadata, with_epochs, write_metadata
from neurorun.runs.metrics_log import METRICS_LOG, EpochRow, MetricsLog, best_row, check_names
from neurorun.runs.plain import measured_number, plain_settings
from neurorun.runs.record import Fault, Resumption, RunRecord, Status, utc_now, write_record
from neurorun.runs.scores import (
    FINAL_RESULTS,
    VALIDATION,
    validation_scores,
    write_final_results,
    write_validation_scores,
)
from neurorun.runs.settings import CONFIG, Headline, read_config, write_config
from neurorun.runs.summary import SUMMARY, HardwareInfo, summarize, write_summary
from neurorun.runs.summary_text import SUMMARY_TEXT, write_summary_text

DERIVED = (EPOCH_TABLE, SUMMARY, VALIDATION, FINAL_RESULTS)
"""Files that are written anew from the rows after every epoch."""

logger = logging.getLogger(__name__)


@final
class RunWriter(RunFiles):
    """One run while it is written: made by `create_run`, `resume_run` or `amend_run`.

    Used in a ``with`` block, the run is completed when the block ends, failed when an exception
    leaves it, interrupted when that was Ctrl+C or an exit. If the process dies without any of
    these, its lock falls free and readers see the run as interrupted.

    Every file is written whole or not at all; only one process writes.
    """

    def __init__(
        self,
        path: Path,
        record: RunRecord,
        *,
        lock: FolderLock,
        headline: Headline,
        hardware: HardwareInfo,
        amending: bool = False,
    ) -> None:
        self.folder = path
        self._record = record
        self._lock = lock
        self._headline = headline
        self._hardware = hardware
        self._amending = amending
        self._touched: set[str] = {LOG}
        self._open = True
        self._metadata = read_metadata(path)
        self._metrics = MetricsLog(path / METRICS_LOG, [metric.name for metric in record.metrics])
        if amending:
            self._unsign((LOG,))
        self._log = RunLog(path)
        self._elapsed_before_s = _elapsed_s(self._metrics.rows)
        self._clock_s = time.monotonic()

    @property
    def name(self) -> str:
        """Name of the run, as its folder was made."""
        return self._record.name

    @property
    def run_id(self) -> str:
        """Identity of the run, unique for all time."""
        return self._record.run_id

    @property
    def rows(self) -> tuple[EpochRow, ...]:
        """What was measured so far, one row per epoch."""
        return self._metrics.rows

    @property
    def best_epoch(self) -> int | None:
        """Earliest epoch with the best monitored value; None while it was never defined."""
        best = best_row(self._metrics.rows, self._record.monitored)
        return best.epoch if best else None

    @property
    def tensorboard_dir(self) -> Path:
        """Where event files for TensorBoard belong."""
        return self.folder / TENSORBOARD

    def add_settings(self, settings: Mapping[str, Any]) -> None:
        """Add settings that became known after the run was made, but before its first epoch.

        Raises
        ------
        RunError : an epoch was logged already, or a setting has no plain form
        """
        if self.rows:
            raise RunError(
                f"Run '{self.name}' has {len(self.rows)} epochs; settings may be added before the "
                "first. Give them when the run is made."
            )
        config = {**read_config(self.folder), **plain_settings(settings)}
        self._headline = Headline.of(config)
        with self._writing(CONFIG):
            write_config(self.folder, config)

    def log_epoch(self, epoch: int, values: Mapping[str, Any]) -> None:
        """Record an epoch that has ended; when this returns, its row is on the disk.

        Parameters
        ----------
        epoch : counted from 1, higher than any before
        values : numbers by name, those of declared metrics and any others (``train_loss``,
            ``val_loss``, ``learning_rate``); None or NaN where undefined

        Raises
        ------
        RunError : the epoch does not follow, a value is not a number, or the disk refuses
        """
        measured = _measured(values)
        elapsed_s = self._elapsed_before_s + time.monotonic() - self._clock_s
        with self._writing(METRICS_LOG):
            self._metrics.append(
                epoch, {**measured, "elapsed_s": round(elapsed_s, 3)}, timestamp=utc_now()
            )
        self._write_derived()

    def extend_epoch(self, values: Mapping[str, Any]) -> None:
        """Add numbers to the epoch that was logged last, measured after its row was written.

        Raises
        ------
        RunError : no epoch was logged yet, a value is not a number, or the disk refuses
        """
        measured = _measured(values)
        with self._writing(METRICS_LOG):
            self._metrics.extend(measured)
        self._write_derived()

    def rewind(self, epoch: int) -> None:
        """Forget what was measured after an epoch; 0 forgets all. The cut is recorded.

        Called on resume with the epoch of the checkpoint, whose successor will be run again.
        """
        with self._writing(METRICS_LOG):
            n_cut = self._metrics.cut(epoch)
        self._elapsed_before_s = _elapsed_s(self._metrics.rows)
        self._clock_s = time.monotonic()
        if n_cut:
            self._write_derived()
        self._note(Resumption(utc_now(), after_epoch=epoch, epochs_cut=n_cut))

    def save_checkpoint(self, name: str, save: Save) -> Path:
        """Save weights and state, whole or not at all, and return where.

        Parameters
        ----------
        name : ``best``, ``last``, or ``epoch_NNN``
        save : writes them into an open file, for example ``partial(torch.save, state)``
        """
        path = checkpoint_path(self.folder, name)
        with self._writing(path.relative_to(self.folder).as_posix()):
            write_checkpoint(self.folder, name, save)
        if name == "best":
            self._touched |= set(BEST_LINKS)
        return path

    def finish(self, reason: str = "every planned epoch was run") -> None:
        """End the run as completed and take the checksums of its files.

        Parameters
        ----------
        reason : one sentence that says why it ended here
        """
        self._require_open()
        try:
            self._end("completed", reason, error=None)
        finally:
            self.abandon()

    def reopen(self) -> None:
        """Make an ended run a running one again; `resume_run` does."""
        self._save(
            replace(
                self._record,
                status="running",
                finished_at=None,
                exit_reason=None,
                error=None,
                files=None,
            )
        )
        with self._writing(METRICS_LOG):
            self._metrics.tidy()
        self._write_derived()

    def abandon(self) -> None:
        """Let go of the folder without recording an end; readers see an interrupted run."""
        self._open = False
        self._log.close()
        self._lock.release()

    def __enter__(self) -> "RunWriter":
        """Return the run itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the run, unless it was finished before."""
        if not self._open:
            return
        if error is None:
            self.finish()
            return
        by_hand = isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
        try:
            self._log.fault(error)
            self._end(
                "interrupted" if by_hand else "failed",
                f"ended by {type(error).__name__}",
                error=Fault(type(error).__name__, str(error)),
            )
        except (NeurorunError, OSError) as refused:
            logger.warning("The end of the run could not be recorded: %s", refused)
        finally:
            self.abandon()

    def _end(self, status: Status, reason: str, *, error: Fault | None) -> None:
        if self._amending:
            self._log.close()
            self._save(replace(self._record, files=self._amended_files()))
            return
        ended = replace(
            self._record, status=status, exit_reason=reason, error=error, finished_at=utc_now()
        )
        with self._writing(SUMMARY_TEXT):
            write_summary_text(self.folder, ended, rows=self.rows, headline=self._headline)
        logger.info("Run %s: %s.", status, reason)
        self._log.close()
        self._save(replace(ended, files=checksums_of(self.folder)))

    def _amended_files(self) -> Any:
        """Old checksums for what was not touched, so that damage is not signed as sound."""
        if self._record.files is None:
            return None
        names = sorted(name for name in self._touched if (self.folder / name).is_file())
        return {**self._record.files, **{name: checksum_of(self.folder / name) for name in names}}

    def _write_derived(self) -> None:
        rows, record = self.rows, self._record
        with self._writing(METADATA):
            write_metadata(self.folder, with_epochs(self._metadata, len(rows)))
        if not rows:
            self._drop_derived()
            return
        summary = summarize(
            rows,
            headline=self._headline,
            metrics=record.metrics,
            monitored=record.monitored,
            hardware=self._hardware,
            timestamp=utc_now(),
        )
        scores = validation_scores(rows, metrics=record.metrics, monitored=record.monitored)
        with self._writing(*DERIVED):
            write_epoch_table(self.folder, rows)
            write_summary(self.folder, summary)
            write_validation_scores(self.folder, scores)
            write_final_results(self.folder, scores.final)

    def _drop_derived(self) -> None:
        with self._writing(*DERIVED):
            for name in DERIVED:
                (self.folder / name).unlink(missing_ok=True)

    def _note(self, resumption: Resumption) -> None:
        self._save(replace(self._record, resumptions=(*self._record.resumptions, resumption)))

    def _save(self, record: RunRecord) -> None:
        with self._writing():
            write_record(self.folder, record)
        self._record = record

    @contextmanager
    def _writing(self, *names: str) -> Iterator[None]:
        """Note which files change, and tell a refusing disk as a fault of the run."""
        self._require_open()
        if self._amending:
            self._unsign(names)
        try:
            yield
        except (OSError, DataError) as error:
            if isinstance(error, DataError) and not isinstance(error.__cause__, OSError):
                raise
            raise RunError(str(error)) from error
        self._touched |= set(names)

    def _unsign(self, names: Sequence[str]) -> None:
        """Forget checksums before files change, so that a crash leaves no wrong one behind."""
        files = self._record.files or {}
        if not files.keys().isdisjoint(names):
            kept = {name: checksum for name, checksum in files.items() if name not in names}
            self._record = replace(self._record, files=kept)
            write_record(self.folder, self._record)

    def _require_open(self) -> None:
        if not self._open:
            raise RunError(
                f"Run '{self.name}' has been finished; nothing more is written into it. Open it "
                "with amend_run to add results, or with resume_run to train on."
            )


def _measured(values: Mapping[str, Any]) -> dict[str, float]:
    check_names(values)
    if "elapsed_s" in values:
        raise RunError("A number is called 'elapsed_s', which is measured here; rename it.")
    return {name: measured_number(value, name=name) for name, value in values.items()}


def _elapsed_s(rows: Sequence[EpochRow]) -> float:
    return rows[-1].values.get("elapsed_s", 0.0) if rows else 0.0

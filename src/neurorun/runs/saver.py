"""Save a finished training of any framework as a run folder, in one call.

Its files are those that readers of such records expect, and those that make the folder one that
`open_run` opens. All input is checked before the first byte is written.
"""

import logging
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from neurorun import __version__
from neurorun.core import DataError, Metric, RunError, atomic_write
from neurorun.runs.checkpoints import BEST, BEST_LINKS, link_best
from neurorun.runs.checksums import checksum_of
from neurorun.runs.epoch_table import EPOCH_TABLE, write_epoch_table
from neurorun.runs.histories import History, known_metrics, metric_behind, rows_of
from neurorun.runs.log import LOG
from neurorun.runs.metadata import METADATA, collect_metadata, with_epochs, write_metadata
from neurorun.runs.metrics_log import METRICS_LOG, EpochRow, best_row, write_rows
from neurorun.runs.plain import measured_number, plain_number, plain_settings
from neurorun.runs.record import RECORD, Checksum, RunRecord, utc_now, write_record
from neurorun.runs.scores import (
    FINAL_RESULTS,
    VALIDATION,
    ValidationScores,
    write_final_results,
    write_validation_scores,
)
from neurorun.runs.settings import CONFIG, HEADLINE_KEYS, Headline, to_yaml, write_config
from neurorun.runs.source import PATCH
from neurorun.runs.summary import SUMMARY, Summary, hardware_seen, write_summary
from neurorun.runs.summary_text import SUMMARY_TEXT, write_summary_text

logger = logging.getLogger(__name__)


def save_experiment_data(
    experiment_dir: Path | str,
    experiment_config: Any,
    final_metrics: Any,
    *,
    best_epoch: Any,
    training_time: Any,
    train_losses: History,
    val_losses: History,
    val_ious: History,
    val_f1s: History,
    val_precisions: History,
    val_recalls: History,
    val_dices: History,
    val_accuracies: History,
    best_metrics: Any,
    log_file: Path | str = "training.log",
    overwrite: bool = False,
    **further_histories: History,
) -> dict[str, Path]:
    """Save the results of a training that has ended.

    Epochs without any number get no row; a number that was not measured (a gap, None, NaN) is
    ``null``. Numbers may be Python's, NumPy's or PyTorch's.

    Parameters
    ----------
    experiment_dir : made if needed
    experiment_config : mapping, dataclass, pydantic model, namespace or OmegaConf object with
        ``experiment.name``, ``project_name``, ``model._target_`` (or ``model.name``),
        ``training.epochs``, ``training.batch_size`` and ``training.learning_rate``
    final_metrics : of the last epoch, names with ``val_``
    best_epoch : counted from 1
    training_time : seconds, >= 0
    train_losses, ..., val_accuracies : number per epoch; None if never measured
    best_metrics : of the best epoch, names without ``val_``
    log_file : copied to ``logs/training.log``; a missing one is warned about
    overwrite : whether files of an earlier call, and another ``config.yaml``, may be replaced
    further_histories : more columns, named as the argument without the plural: ``val_maes``
        becomes ``val_mae``, ``gradient_norms`` becomes ``gradient_norm``

    Returns
    -------
    Path of each file that was written, under ``summary, metrics, validation, logs,
    final_results, config, metadata, epochs, text, best_model, run``; what was not there to be
    kept (log, weights) is left out.

    Raises
    ------
    RunError : input is missing or of the wrong kind, the folder holds such files already, or it
        cannot be written
    """
    histories = {
        "train_losses": train_losses,
        "val_losses": val_losses,
        "val_ious": val_ious,
        "val_f1s": val_f1s,
        "val_precisions": val_precisions,
        "val_recalls": val_recalls,
        "val_dices": val_dices,
        "val_accuracies": val_accuracies,
        **further_histories,
    }
    folder = Path(experiment_dir)
    settings = plain_settings(experiment_config)
    saved = _Saved(
        settings=settings,
        headline=_complete_headline(settings),
        rows=rows_of(histories, timestamp=utc_now()),
        final=_numbers(final_metrics, "final_metrics"),
        best=_numbers(best_metrics, "best_metrics"),
        best_epoch=_epoch(best_epoch),
        training_time_s=plain_number(training_time, name="training_time"),
    )
    _check_folder(folder, Path(log_file), overwrite=overwrite)
    return _write_all(folder, saved, log_file=Path(log_file), overwrite=overwrite)


@dataclass(frozen=True)
class _Saved:
    """Everything that will be written, checked."""

    settings: dict[str, Any]
    headline: Headline
    rows: tuple[EpochRow, ...]
    final: dict[str, float]
    best: dict[str, float]
    best_epoch: int
    training_time_s: float

    def __post_init__(self) -> None:
        if not self.training_time_s >= 0:
            raise RunError(
                f"training_time is {self.training_time_s}; seconds, at least 0, are needed. Take "
                "the difference of two time.time()."
            )
        told = self.best.get("epoch", self.best_epoch)
        if told != self.best_epoch:
            raise RunError(
                f"best_metrics holds the epoch {told:g}, best_epoch is {self.best_epoch}; they "
                "must agree. Leave the one in best_metrics out."
            )

    @property
    def monitored(self) -> Metric:
        return metric_behind(self.best_epoch, self.rows)

    def summary(self) -> Summary:
        return Summary(
            **asdict(self.headline),
            final_metrics=self.final,
            best_epoch=self.best_epoch,
            total_training_time=self.training_time_s,
            timestamp=utc_now(),
            hardware_info=hardware_seen(),
            epochs_run=len(self.rows),
        )

    def scores(self) -> ValidationScores:
        best = {name: value for name, value in self.best.items() if name != "epoch"}
        return ValidationScores(self.final, self.best_epoch, best)

    def record(self, name: str) -> RunRecord:
        known = {metric.name: metric for metric in known_metrics()}
        now = utc_now()
        return RunRecord(
            run_id=uuid.uuid4().hex,
            name=name,
            experiment=str(self.headline.experiment_name),
            status="completed",
            exit_reason="saved after training by save_experiment_data",
            started_at=now,
            finished_at=now,
            command=tuple(sys.argv),
            metrics=tuple(known[key] for key in self.rows[0].values if key in known),
            monitor=self.monitored.name,
            seed=None,
            epochs_planned=self.headline.training_epochs,
            neurorun_version=__version__,
        )


def _epoch(value: Any) -> int:
    number = plain_number(value, name="best_epoch")
    if not (number >= 0 and number.is_integer()):
        raise RunError(
            f"best_epoch is {value!r}; the number of an epoch is needed. Give the epoch in which "
            "the validation metric was best."
        )
    return int(number)


def _complete_headline(settings: Mapping[str, Any]) -> Headline:
    """The settings that the summary tells; the data set alone may be unknown."""
    headline = Headline.of(settings)
    missing = [
        keys[0]
        for field, keys in HEADLINE_KEYS.items()
        if getattr(headline, field) is None and field != "dataset"
    ]
    if missing:
        raise RunError(
            f"experiment_config lacks {', '.join(missing)}; the summary of the run tells them. "
            "Add them to the configuration."
        )
    return headline


def _numbers(values: Any, name: str) -> dict[str, float]:
    if not isinstance(values, Mapping):
        raise RunError(
            f"{name} is a {type(values).__name__}; a dict from name to number is allowed. Give "
            "one, empty if nothing was measured."
        )
    return {
        str(key): measured_number(value, name=f"{name}['{key}']") for key, value in values.items()
    }


def _check_folder(folder: Path, log_file: Path, *, overwrite: bool) -> None:
    there = [name for name in _FILES if (folder / name).exists()]
    log = folder / LOG
    if log.exists() and log_file.exists() and not log.samefile(log_file):
        there.append(LOG)
    if there and not overwrite:
        raise RunError(
            f"'{folder}' already holds {', '.join(there)}; results are replaced only when asked. "
            "Choose another folder, or pass overwrite=True."
        )


_FILES = (
    SUMMARY, METRICS_LOG, VALIDATION, FINAL_RESULTS, METADATA, EPOCH_TABLE, SUMMARY_TEXT, RECORD,
)  # fmt: skip


class _Folder:
    """The folder being filled: says of each file whether it was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: dict[str, Path] = {}

    def write(self, key: str, name: str, how: Callable[[], object]) -> None:
        """Write one file by calling ``how``.

        Raises
        ------
        RunError : the folder cannot be written
        """
        with self._telling(name):
            how()
        logger.info("Wrote '%s'.", self.path / name)
        self.written[key] = self.path / name

    def remove(self, name: str) -> None:
        """Remove a file of an earlier call, if there is one."""
        with self._telling(name):
            (self.path / name).unlink(missing_ok=True)

    def checksums(self, *also: str) -> dict[str, Checksum]:
        """Checksums of what was written; other files in the folder are none of ours."""
        paths = sorted([*self.written.values(), *(self.path / name for name in also)])
        return {path.relative_to(self.path).as_posix(): checksum_of(path) for path in paths}

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        try:
            yield
        except (OSError, DataError) as error:
            path = self.path / name
            told = error if isinstance(error, DataError) else f"Cannot write '{path}': {error}"
            logger.error("Could not write '%s'.", path)  # noqa: TRY400 - one line per file
            raise RunError(str(told)) from error


def _write_all(path: Path, saved: _Saved, *, log_file: Path, overwrite: bool) -> dict[str, Path]:
    """Write file after file, ``run.json`` last: without it the folder is not a run."""
    rows, record = saved.rows, saved.record(path.resolve().name)
    metadata, patch = collect_metadata(record.name, data={}, source_dir=Path.cwd(), root=path)
    _warn_of_disagreement(saved)
    folder = _Folder(path)
    write = folder.write
    folder.remove(RECORD)
    folder.remove(PATCH)
    write("summary", SUMMARY, lambda: write_summary(path, saved.summary()))
    write(
        "metrics", METRICS_LOG, lambda: write_rows(path / METRICS_LOG, rows, list(rows[0].values))
    )
    write("validation", VALIDATION, lambda: write_validation_scores(path, saved.scores()))
    _keep_log(folder, log_file)
    write("final_results", FINAL_RESULTS, lambda: write_final_results(path, saved.final))
    _keep_config(folder, saved.settings, overwrite=overwrite)
    metadata = with_epochs(metadata, len(rows))
    write("metadata", METADATA, lambda: write_metadata(path, metadata, patch=patch))
    write("epochs", EPOCH_TABLE, lambda: write_epoch_table(path, rows))
    write(
        "text",
        SUMMARY_TEXT,
        lambda: write_summary_text(path, record, rows=rows, headline=saved.headline),
    )
    if (path / BEST).is_file():
        write("best_model", BEST_LINKS[1], lambda: link_best(path))
    sealed = replace(record, files=folder.checksums(*([PATCH] if patch else [])))
    write("run", RECORD, lambda: write_record(path, sealed))
    return folder.written


def _keep_log(folder: _Folder, log_file: Path) -> None:
    target = folder.path / LOG
    if not log_file.is_file():
        logger.warning("'%s' does not exist; the run is saved without a log.", log_file)
    elif target.exists() and target.samefile(log_file):
        folder.written["logs"] = target
    else:
        folder.write("logs", LOG, lambda: _copy(log_file, target))


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, atomic_write(target) as writing:
        shutil.copyfileobj(reading, writing)


def _keep_config(folder: _Folder, settings: Mapping[str, Any], *, overwrite: bool) -> None:
    target = folder.path / CONFIG
    if target.exists() and not overwrite and target.read_bytes() != to_yaml(settings).encode():
        logger.warning("'%s' is there already and is kept as it is.", target)
    else:
        folder.write("config", CONFIG, lambda: write_config(folder.path, settings))


def _warn_of_disagreement(saved: _Saved) -> None:
    best = best_row(saved.rows, saved.monitored)
    if best is None or best.epoch != saved.best_epoch:
        logger.warning(
            "best_epoch is %d, but the histories have their best %s in epoch %s.",
            saved.best_epoch,
            saved.monitored.name,
            best.epoch if best else "(none)",
        )

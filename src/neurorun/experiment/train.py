"""One run: data are prepared, a model is trained, its best checkpoint is scored and kept."""

import logging
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lightning_fabric import Fabric

from neurorun.core import SILENT, ConfigError, Progress, RunError
from neurorun.experiment.config import Experiment, experiment_from, load_experiment
from neurorun.experiment.records import record_data, record_scores
from neurorun.runs import Run, RunWriter, create_run, flat, open_run, resume_run
from neurorun.tasks import PreparedTask
from neurorun.training import (
    MAY_CHANGE,
    check_resumable,
    check_trackers,
    fit,
    launch,
    monitored_metric,
    noticing_lost_processes,
    seed_everything,
)

logger = logging.getLogger(__name__)


def train(
    config: Path | str | None = None,
    *,
    overrides: Sequence[str] = (),
    resume: Path | str | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Train one run and return its folder.

    Parameters
    ----------
    config : YAML file; may be left out to resume
    overrides : ``section.key=value``
    resume : folder of an interrupted run to go on with
    progress : shows what is being done

    Raises
    ------
    ConfigError : the configuration is wrong, or is not that of the run to resume
    DataError : there is nothing to learn from
    RunError : the run cannot be written, or the one to resume has ended
    TrainingError : the loss does not stay finite, or another process of the training is gone
    """
    if resume is not None:
        return _resume(open_run(resume), config, overrides, progress)
    if config is None:
        raise ConfigError("No configuration; give a file such as configs/local.yaml.")
    return _train(load_experiment(Path(config), overrides), earlier=None, progress=progress)


def _resume(
    run: Run, config: Path | str | None, overrides: Sequence[str], progress: Progress
) -> Path:
    if run.status == "completed":
        raise RunError(
            f"Run '{run.name}' has ended ({run.record.exit_reason}); there is nothing to go on "
            "with. Train a new run, or give another folder."
        )
    experiment = experiment_from(run.config, source=str(run.path / "config.yaml"))
    if config is not None or overrides:
        source = Path(config) if config is not None else run.path / "config.yaml"
        asked = load_experiment(source, overrides)
        _check_same(asked, experiment, run)
        experiment = asked
    return _train(experiment, earlier=run, progress=progress)


_MAY_CHANGE = frozenset(f"training.{key}" for key in MAY_CHANGE)


def _check_same(asked: Experiment, stored: Experiment, run: Run) -> None:
    """Refuse to go on with other settings: the curves would not be of one experiment."""
    first, second = flat(asked.resolved), flat(stored.resolved)
    differing = sorted(
        key
        for key in first | second
        if first.get(key) != second.get(key) and key not in _MAY_CHANGE
    )
    if differing:
        found = ", ".join(f"{key} = {second.get(key)}" for key in differing[:5])
        raise ConfigError(
            f"Run '{run.name}' was begun with {found}; the configuration differs there. Resume "
            "without a configuration, or train a new run."
        )


def _train(experiment: Experiment, *, earlier: Run | None, progress: Progress) -> Path:
    settings = experiment.settings
    fabric = launch(settings.training, device=settings.experiment.device)
    with noticing_lost_processes(fabric):
        return _train_with(fabric, experiment, earlier=earlier, progress=progress)


def _train_with(
    fabric: Fabric, experiment: Experiment, *, earlier: Run | None, progress: Progress
) -> Path:
    settings = experiment.settings
    _check_before_work(fabric, experiment, earlier)
    with fabric.rank_zero_first():
        prepared = experiment.task.prepare(settings, progress=progress)
    seed_everything(settings.experiment.seed)
    model = prepared.build_model()
    with ExitStack() as stack:
        stack.enter_context(_logging_from(settings.experiment.log_level))
        record = None
        if fabric.is_global_zero:
            record = stack.enter_context(_open_record(experiment, prepared, fabric, earlier))
            stack.enter_context(_telling_how_to_go_on(record.folder))
        result = fit(
            prepared,
            model,
            settings.training,
            fabric=fabric,
            seed=settings.experiment.seed,
            record=record,
            resume_from=_checkpoint_of(earlier),
            settings=experiment.resolved,
            logging=settings.logging,
            wandb=settings.experiment.wandb,
            mlflow=settings.experiment.mlflow,
            progress=progress,
        )
        if record is not None:
            _finish(record, experiment, prepared, fabric, progress)
            record.finish(result.stop_reason)
        return Path(fabric.broadcast("" if record is None else str(record.folder)))


def _check_before_work(fabric: Fabric, experiment: Experiment, earlier: Run | None) -> None:
    """Refuse what can be known to fail, before caches are made or a run folder is touched."""
    settings = experiment.settings
    check_trackers(settings.experiment.wandb, settings.experiment.mlflow)
    checkpoint = _checkpoint_of(earlier)
    if checkpoint is not None and checkpoint.exists():
        check_resumable(
            checkpoint,
            seed=settings.experiment.seed,
            config=settings.training,
            n_processes=fabric.world_size,
        )


@contextmanager
def _logging_from(level: str) -> Iterator[None]:
    """Log what is at least as grave as this, while a run is written."""
    ours = logging.getLogger("neurorun")
    before = ours.level
    ours.setLevel(level)
    try:
        yield
    finally:
        ours.setLevel(before)


@contextmanager
def _telling_how_to_go_on(folder: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        logger.warning("To go on: neurorun train --resume %s", shlex.quote(str(folder)))
        raise


def _tell_changes(experiment: Experiment, earlier: Run) -> None:
    """Log with which other settings a run goes on; its configuration stays what it began with."""
    begun = flat(experiment_from(earlier.config, source=str(earlier.path)).resolved)
    for key, value in flat(experiment.resolved).items():
        if value != begun[key]:
            logger.info("%s is %s from here on; the run began with %s.", key, value, begun[key])


def _open_record(
    experiment: Experiment, prepared: PreparedTask, fabric: Fabric, earlier: Run | None
) -> RunWriter:
    device = str(fabric.device)
    if earlier is not None:
        record = resume_run(earlier.path, device=device)
        _tell_changes(experiment, earlier)
        return record
    settings = experiment.settings
    monitored = monitored_metric(prepared.metrics, settings.training.early_stopping)
    declared = dict.fromkeys((*prepared.metrics, monitored))
    record = create_run(
        settings.experiment.output_dir,
        settings.experiment.name,
        config=experiment.resolved,
        metrics=tuple(declared),
        monitor=monitored.name,
        run_name=settings.experiment.run_name,
        seed=settings.experiment.seed,
        data_identity=prepared.data_identity(),
        device=device,
    )
    record_data(record, prepared)
    return record


def _checkpoint_of(earlier: Run | None) -> Path | None:
    """``last.pt`` of the run to go on with; None if it was stopped before it had one."""
    path = None if earlier is None else earlier.path / "checkpoints" / "last.pt"
    return path if path is not None and path.is_file() else None


def _finish(
    record: RunWriter,
    experiment: Experiment,
    prepared: PreparedTask,
    fabric: Fabric,
    progress: Progress,
) -> None:
    """Score the best checkpoint on validation, then once on the test split, if there is one.

    What was chosen on validation is used on the test split as it is.
    """
    if record.best_epoch is None:
        logger.warning("No epoch was the best, so nothing is scored; see the log for the reason.")
        return
    settings, task = experiment.settings, experiment.task
    weights = open_run(record.folder).checkpoint("best")["model_state_dict"]
    model = task.open_model(settings, weights).to(fabric.device)
    prepared.results(model, progress=progress).keep(record, epoch=record.best_epoch)
    run = open_run(record.folder)
    if run.splits.test:
        tested = task.score(settings, model, run, split="test", progress=progress)
        record_scores(record, tested, epoch=record.best_epoch)

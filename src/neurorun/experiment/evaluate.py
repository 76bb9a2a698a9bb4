"""Score the best checkpoint of a run again: on its own splits, or on other data."""

from pathlib import Path
from typing import Literal

from neurorun.core import SILENT, Progress, RunError
from neurorun.experiment.config import experiment_from
from neurorun.experiment.records import record_scores, record_validation_scores
from neurorun.runs import Run, amend_run, open_run
from neurorun.tasks import Results
from neurorun.training import resolve_device


def evaluate(
    run: Path | str,
    data: Path | None = None,
    *,
    split: Literal["validation", "test"] = "test",
    progress: Progress = SILENT,
) -> Results:
    """Score the best checkpoint with everything that was chosen on validation left as it is.

    Parameters
    ----------
    run : folder of the run; the metrics are added to it
    data : other data, all of which are scored; None takes a split of the run
    split : ``validation`` or ``test`` of the run; other data are named after their folder
    progress : shows what is being done

    Raises
    ------
    RunError : the run cannot be used, or has no such split
    DataError : data are missing or not annotated
    """
    opened = open_run(run)
    if data is None:
        _check_split(opened, split)
    experiment = experiment_from(opened.config, source=str(opened.path / "config.yaml"))
    checkpoint = opened.checkpoint("best")
    model = experiment.task.open_model(experiment.settings, checkpoint["model_state_dict"])
    results = experiment.task.score(
        experiment.settings,
        model.to(resolve_device(experiment.settings.experiment.device)),
        opened,
        split=split,
        data=data,
        progress=progress,
    )
    keep = record_validation_scores if results.split == "validation" else record_scores
    with amend_run(opened.path) as record:
        keep(record, results, epoch=int(checkpoint["epoch"]))
    return results


def _check_split(run: Run, split: str) -> None:
    if not run.splits.by_name.get(split):
        raise RunError(
            f"Run '{run.name}' has nothing in the split '{split}'; it has "
            f"{', '.join(name for name, some in run.splits.by_name.items() if some)}. Choose one "
            "of these, or give other data."
        )

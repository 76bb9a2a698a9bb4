"""Score the best checkpoint of a run again: on its own splits, or on other data."""

from pathlib import Path
from typing import Literal

from neurorun.core import SILENT, ConfigError, Progress, RunError
from neurorun.experiment.config import experiment_from
from neurorun.experiment.opening import open_network
from neurorun.experiment.records import record_scores, record_validation_scores
from neurorun.runs import Run, amend_run, open_run
from neurorun.tasks import OtherData, Results
from neurorun.training import Device


def evaluate(
    run: Path | str,
    data: Path | None = None,
    *,
    split: Literal["validation", "test"] = "test",
    name: str | None = None,
    device: Device = "auto",
    progress: Progress = SILENT,
) -> Results:
    """Score the best checkpoint with everything that was chosen on validation left as it is.

    Parameters
    ----------
    run : folder of the run; the metrics are added to it
    data : other data, all of which are scored; None takes a split of the run
    split : ``validation`` or ``test`` of the run; ignored where there are other data
    name : under which the run keeps the scores of other data; None names them after their folder
        or file, and keeps scores of data from elsewhere. A given name replaces what has it
    device : where the network computes; see `open_network`
    progress : shows what is being done

    Raises
    ------
    ConfigError : a name that is that of a split, or is given to a split; a device that is not there
    RunError : the run cannot be used, has no such split, or has scores of data from elsewhere
        under the name
    DataError : data are missing or not annotated
    """
    opened = open_run(run)
    other = None
    if data is not None:
        other = OtherData.at(data, name=name)
        _check_name(opened, other, chosen=name is not None)
    elif name is None:
        _check_split(opened, split)
    else:
        raise ConfigError(
            f"The name '{name}' was given, but no data; splits have their own. Give other data, "
            "or leave the name out."
        )
    experiment = experiment_from(opened.config, source=str(opened.path / "config.yaml"))
    checkpoint = opened.checkpoint("best")
    results = experiment.task.score(
        experiment.settings,
        open_network(experiment, checkpoint["model_state_dict"], device=device),
        opened,
        split=split,
        data=other,
        progress=progress,
    )
    epoch, place = int(checkpoint["epoch"]), None if other is None else other.place
    with amend_run(opened.path) as record:
        if results.split == "validation":
            record_validation_scores(record, results, epoch=epoch)
        else:
            record_scores(record, results, epoch=epoch, place=place)
    return results


def _check_name(run: Run, data: OtherData, *, chosen: bool) -> None:
    if chosen or data.name not in run.scored_splits:
        return
    place = run.scores(data.name).data
    if place != str(data.place):
        known = "data whose place is not recorded" if place is None else f"'{place}'"
        raise RunError(
            f"Run '{run.name}' has scores of {known} under the name '{data.name}', which "
            f"'{data.place}' would take, too. Choose a name for these (--name); the same name "
            "replaces the scores."
        )


def _check_split(run: Run, split: str) -> None:
    if not run.splits.by_name.get(split):
        raise RunError(
            f"Run '{run.name}' has nothing in the split '{split}'; it has "
            f"{', '.join(name for name, some in run.splits.by_name.items() if some)}. Choose one "
            "of these, or give other data."
        )

"""Score the best checkpoint of a run again: on its own splits, or on other data."""

from pathlib import Path
from typing import Literal

from neurorun.core import SILENT, Progress, RunError
from neurorun.data import FOLDER_OF_SPLIT, Cache, Corpus
from neurorun.experiment.config import experiment_from
from neurorun.experiment.records import operating_points_of, record_scores
from neurorun.runs import Run, amend_run, open_run
from neurorun.tasks import Results, SeizureDetectionSections, results_of, sections_of
from neurorun.training import resolve_device


def evaluate(
    run: Path | str,
    data: Path | None = None,
    *,
    split: Literal["validation", "test"] = "test",
    progress: Progress = SILENT,
) -> Results:
    """Score the best checkpoint with the thresholds that were frozen on validation.

    Parameters
    ----------
    run : folder of the run; the metrics are added to it
    data : other recordings, all of which are scored; None takes a split of the run
    split : ``validation`` or ``test`` of the run; other data are named after their folder
    progress : shows what is being done

    Raises
    ------
    RunError : the run cannot be used, or has no such split
    DataError : recordings are missing or not annotated
    """
    opened = open_run(run)
    experiment = experiment_from(opened.config, source=str(opened.path / "config.yaml"))
    sections = sections_of(experiment.settings)
    checkpoint = opened.checkpoint("best")
    model = experiment.task.open_model(experiment.settings, checkpoint["model_state_dict"])
    name = split if data is None else data.resolve().name
    results = results_of(
        model.to(resolve_device(experiment.settings.experiment.device)),
        tuple(_recordings(opened, sections, data, split, progress)),
        sections,
        split=name,
        operating_points=None if name == "validation" else operating_points_of(opened),
        progress=progress,
    )
    with amend_run(opened.path) as record:
        record_scores(record, results, epoch=int(checkpoint["epoch"]))
    return results


def _recordings(
    run: Run,
    sections: SeizureDetectionSections,
    data: Path | None,
    split: Literal["validation", "test"],
    progress: Progress,
) -> Cache:
    if data is not None:
        other = sections.data.model_copy(update={"data_dir": data, "dataset": "auto"})
        corpus = Corpus.find(other, sections.preprocessing, progress=progress)
        folder = other.cache_dir / f"other-{data.resolve().name}"
        return corpus.cache(None, folder, progress=progress)
    members = run.splits.by_name.get(split)
    if not members:
        raise RunError(
            f"Run '{run.name}' has no recordings in the split '{split}'; it has "
            f"{', '.join(name for name, some in run.splits.by_name.items() if some)}. Choose one "
            "of these, or give other data."
        )
    corpus = Corpus.find(sections.data, sections.preprocessing, progress=progress)
    folder = sections.data.cache_dir / FOLDER_OF_SPLIT[split]
    return corpus.cache(tuple(members), folder, progress=progress)

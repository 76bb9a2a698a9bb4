"""What a task found becomes what a run folder keeps."""

from dataclasses import replace
from pathlib import Path

from neurorun.runs import ClassDistribution, RunWriter, Splits, SplitScores, utc_now
from neurorun.tasks import PreparedTask, Results


def record_data(record: RunWriter, prepared: PreparedTask) -> None:
    """Keep which examples a run has: its splits and how many of each kind there are."""
    members = {name: dict(some) for name, some in prepared.members().items()}
    record.write_splits(Splits(**members, shared_patients=prepared.shared_patients()))
    record.write_class_distributions(
        [
            ClassDistribution(dataset, dict(counts), sum(counts.values()), utc_now())
            for dataset, counts in prepared.class_distributions().items()
        ]
    )


def record_scores(
    record: RunWriter, results: Results, *, epoch: int, place: Path | None = None
) -> None:
    """Keep what a checkpoint gives on another split, or on other data; the scores come last.

    What was kept of it before is forgotten, so that nothing is left of an earlier scoring.

    Parameters
    ----------
    place : where other data lie
    """
    record.forget(results.split)
    results.keep(record, epoch=epoch)
    scores = _scores_of(results, epoch)
    record.write_scores(replace(scores, data=None if place is None else str(place)))


def record_validation_scores(record: RunWriter, results: Results, *, epoch: int) -> None:
    """Record the metrics of validation scored again; all else of it is as training left it.

    Thresholds were chosen by what is kept of validation, so it is not replaced.
    """
    record.write_scores(_scores_of(results, epoch))


def _scores_of(results: Results, epoch: int) -> SplitScores:
    return SplitScores(results.split, epoch, dict(results.metrics), dict(results.methods))

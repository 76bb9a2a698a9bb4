"""What a task found becomes what a run folder keeps."""

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


def record_scores(record: RunWriter, results: Results, *, epoch: int) -> None:
    """Keep the metrics of another split, or of other data, and the rows that they rest on."""
    scores = SplitScores(results.split, epoch, dict(results.metrics), dict(results.methods))
    record.write_scores(scores)
    if results.rows and results.split != "validation":
        record.write_predictions(results.rows, split=results.split)

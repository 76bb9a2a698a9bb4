"""What a task found becomes what a run folder keeps."""

from neurorun.evaluation import METHODS, OperatingPoint, sensitivity_key
from neurorun.runs import (
    ChosenPoint,
    ClassDistribution,
    ConfusionMatrix,
    FaCurve,
    Probabilities,
    Run,
    RunWriter,
    Splits,
    SplitScores,
    Strip,
    utc_now,
)
from neurorun.tasks import Excerpt, PreparedTask, Results

FA_METHOD = f"overlap ({METHODS['overlap'].version})"
"""The method by which false alarms of operating points are counted."""


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


def record_validation(record: RunWriter, results: Results, *, epoch: int) -> None:
    """Keep what the best checkpoint gives on validation."""
    record.write_predictions(results.rows)
    record.write_confusion_matrices(
        [ConfusionMatrix(results.split, results.classes, results.confusion, utc_now(), epoch)]
    )
    record.write_operating_points([_chosen(point) for point in results.operating_points])
    record.write_fa_curves([_curve(results)])
    for timeline in results.detected:
        record.write_events(timeline)
    for prediction in results.predictions:
        record.write_probabilities(
            Probabilities(prediction.recording_id, prediction.rate_hz, prediction.pieces)
        )
    for excerpt in results.excerpts:
        record.write_strip(_strip(excerpt))


def record_scores(record: RunWriter, results: Results, *, epoch: int) -> None:
    """Keep the metrics of another split, or of other data."""
    scores = SplitScores(results.split, epoch, dict(results.metrics), dict(results.methods))
    record.write_scores(scores)


def operating_points_of(run: Run) -> tuple[OperatingPoint, ...]:
    """The thresholds that a run chose on validation."""
    return tuple(
        OperatingPoint(
            point.fa_rate,
            point.reached,
            tau_on=point.tau_on,
            tau_off=point.tau_off,
            sensitivity=point.sensitivity,
            false_alarms_per_24h=point.false_alarms_per_day,
        )
        for point in run.operating_points
    )


def _chosen(point: OperatingPoint) -> ChosenPoint:
    return ChosenPoint(
        metric=sensitivity_key(point.fa_rate),
        fa_rate=point.fa_rate,
        reached=point.reachable,
        tau_on=point.tau_on,
        tau_off=point.tau_off,
        sensitivity=point.sensitivity,
        false_alarms_per_day=point.false_alarms_per_24h,
        method=FA_METHOD,
    )


def _curve(results: Results) -> FaCurve:
    return FaCurve(
        split=results.split,
        method=FA_METHOD,
        thresholds=tuple(point.tau_on for point in results.curve),
        false_alarms_per_day=tuple(point.false_alarms_per_24h for point in results.curve),
        sensitivity=tuple(point.sensitivity for point in results.curve),
    )


def _strip(excerpt: Excerpt) -> Strip:
    return Strip(
        recording_id=excerpt.recording_id,
        channels=excerpt.channels,
        rate_hz=excerpt.rate_hz,
        onset_s=excerpt.onset_s,
        signal_uv=excerpt.signal_uv,
        probabilities=excerpt.probabilities,
        probability_rate_hz=excerpt.probability_rate_hz,
        reference=excerpt.reference,
        detected=excerpt.detected,
    )

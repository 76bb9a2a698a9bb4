"""What seizure detection measured on one split, and how a run folder keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from neurorun.core import Event, Timeline
from neurorun.evaluation import (
    METHODS,
    CurvePoint,
    OperatingPoint,
    RecordingPrediction,
    sensitivity_key,
)
from neurorun.runs import (
    Cell,
    ChosenPoint,
    ConfusionMatrix,
    FaCurve,
    KeptWriter,
    Probabilities,
    Run,
    RunWriter,
    Strip,
    utc_now,
)

FA_METHOD = f"overlap ({METHODS['overlap'].version})"
"""The method by which false alarms of operating points are counted."""


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A piece of one recording that is worth looking at.

    Parameters
    ----------
    recording_id, channels : whose piece, and its rows
    rate_hz, onset_s : samples per second, and where it begins in the recording
    signal_uv : microvolts
    probabilities : beginning at the same time
    probability_rate_hz : probabilities per second
    reference, detected : events that touch the piece
    """

    recording_id: str
    channels: tuple[str, ...]
    rate_hz: float
    onset_s: float
    signal_uv: Float32[np.ndarray, "channels samples"]
    probabilities: Float32[np.ndarray, " steps"]
    probability_rate_hz: float
    reference: tuple[Event, ...]
    detected: tuple[Event, ...]


@dataclass(frozen=True)
class SeizureResults:
    """Scores of a detector on one split, with the material that they rest on.

    Parameters
    ----------
    split : the split
    metrics : by declared name; NaN where undefined
    methods : scoring method and version behind each group of metrics
    rows : one per recording, equal keys
    classes, confusion : names of the classes, and counts ``[reference][predicted]``
    detected : detected events of every recording
    operating_points, curve : thresholds chosen on validation, and all that were tried
    excerpts : pieces for the report
    predictions : probabilities of every recording, if they are to be kept
    """

    split: str
    metrics: Mapping[str, float]
    methods: Mapping[str, str]
    rows: tuple[Mapping[str, Cell], ...]
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    detected: tuple[Timeline, ...] = ()
    operating_points: tuple[OperatingPoint, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    predictions: tuple[RecordingPrediction, ...] = ()

    def keep(self, record: RunWriter, *, epoch: int) -> None:
        """Write what the best checkpoint gives on the split into its run.

        Thresholds are those of validation; other splits leave them as they are.

        Parameters
        ----------
        epoch : of the best checkpoint
        """
        record.write_predictions(self.rows, split=self.split)
        record.write_confusion_matrices(
            [ConfusionMatrix(self.split, self.classes, self.confusion, utc_now(), epoch)]
        )
        if self.split == "validation":
            record.write_operating_points([_chosen(point) for point in self.operating_points])
        record.write_fa_curves([self._fa_curve()])
        self._keep_recordings(record.of(self.split))

    def _keep_recordings(self, kept: KeptWriter) -> None:
        for timeline in self.detected:
            kept.write_events(timeline)
        for prediction in self.predictions:
            kept.write_probabilities(
                Probabilities(prediction.recording_id, prediction.rate_hz, prediction.pieces)
            )
        for excerpt in self.excerpts:
            kept.write_strip(_strip(excerpt))

    def _fa_curve(self) -> FaCurve:
        return FaCurve(
            split=self.split,
            method=FA_METHOD,
            thresholds=tuple(point.tau_on for point in self.curve),
            false_alarms_per_day=tuple(point.false_alarms_per_24h for point in self.curve),
            sensitivity=tuple(point.sensitivity for point in self.curve),
        )


def frozen_points(run: Run) -> tuple[OperatingPoint, ...]:
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

"""What an evaluation found, in one recording and in all of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from neurorun.core import SEIZURE, Timeline
from neurorun.evaluation.operating_points import CurvePoint, OperatingPoint
from neurorun.evaluation.postprocessing import PostprocessingConfig
from neurorun.evaluation.sample_metrics import SampleCounts
from neurorun.evaluation.score import Score


@dataclass(frozen=True)
class RecordingResult:
    """What was found in one recording.

    Parameters
    ----------
    patient : the person
    predicted_s : seconds that were predicted
    reference, detected : events as annotated and as detected, over the same time
    scores : by method
    samples : predicted samples by what was annotated and detected
    """

    patient: str
    predicted_s: float
    reference: Timeline
    detected: Timeline
    scores: Mapping[str, Score]
    samples: SampleCounts

    @property
    def detected_s(self) -> float:
        """Seconds inside detected events."""
        return sum(event.duration_s for event in self.detected.events)

    def to_row(self) -> dict[str, str | float]:
        """Return plain values for one row of a table; the columns are always the same."""
        row: dict[str, str | float] = {
            "recording_id": self.reference.recording_id,
            "patient": self.patient,
            "duration_s": self.reference.duration_s,
            "observed_s": self.reference.observed_s,
            "predicted_s": self.predicted_s,
            "detected_s": self.detected_s,
            "n_reference": len(self.reference.seizures),
            "n_detected": len(self.detected.events),
        }
        for name, score in self.scores.items():
            counts = score.counts.of(SEIZURE)
            column = name.replace("-", "_")
            row[f"{column}_targets"] = counts.targets
            row[f"{column}_hits"] = counts.hits
            row[f"{column}_misses"] = counts.misses
            row[f"{column}_false_alarms"] = counts.false_positives
        samples = self.samples
        return row | {"tp": samples.tp, "fp": samples.fp, "fn": samples.fn, "tn": samples.tn}


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Parameters
    ----------
    metrics : every declared metric, in order of declaration; NaN where undefined
    operating_points : one per rate of false alarms, in the order of the configuration
    curve : found seizures and false alarms from the highest threshold to the lowest
    recordings : one result per recording, in the order in which they came
    scores : by method, over all recordings
    samples : predicted samples of all recordings by what was annotated and detected
    postprocessing : the thresholds and lengths that events and scores are of
    """

    metrics: Mapping[str, float]
    operating_points: tuple[OperatingPoint, ...]
    curve: tuple[CurvePoint, ...]
    recordings: tuple[RecordingResult, ...]
    scores: Mapping[str, Score]
    samples: SampleCounts
    postprocessing: PostprocessingConfig

    @property
    def fa_curve(self) -> list[tuple[float, float]]:
        """Pairs of false alarms per 24 h and sensitivity, from the highest threshold down."""
        return [(point.false_alarms_per_24h, point.sensitivity) for point in self.curve]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files; the recordings are rows, see `RecordingResult.to_row`."""
        return {
            "metrics": dict(self.metrics),
            "operating_points": [asdict(point) for point in self.operating_points],
            "curve": [point.to_dict() for point in self.curve],
            "scores": {name: score.to_dict() for name, score in self.scores.items()},
            "samples": asdict(self.samples),
            "postprocessing": self.postprocessing.model_dump(mode="json"),
        }

"""Evaluate the predictions of a split: events, scores, operating points, metrics.

Every recording is post-processed and scored by itself, over its true duration; counts are added
over recordings, and rates are made of the sums.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add, length_hint

import numpy as np

from neurorun.core import SEIZURE, SILENT, Progress, ScoringError, Timeline
from neurorun.evaluation.epoch import EPOCH
from neurorun.evaluation.measures import ratio
from neurorun.evaluation.metrics import EvaluationConfig, metric_declarations
from neurorun.evaluation.operating_points import (
    OperatingPoint,
    ThresholdSweep,
    choose_operating_points,
    measure_operating_points,
    reached_key,
    sensitivity_key,
)
from neurorun.evaluation.overlap import OVERLAP
from neurorun.evaluation.postprocessing import PostprocessingConfig
from neurorun.evaluation.predictions import RecordingPrediction
from neurorun.evaluation.results import Evaluation, RecordingResult
from neurorun.evaluation.sample_metrics import Calibration, RankedSamples, SampleCounts
from neurorun.evaluation.score import Score, score_pair
from neurorun.evaluation.szcore_event import SZCORE_EVENT
from neurorun.evaluation.taes_overlap import TAES_OVERLAP
from neurorun.evaluation.tiling import ScoringPair

METHODS_OF_ROWS = (TAES_OVERLAP, OVERLAP, EPOCH, SZCORE_EVENT)
"""Scoring methods whose counts are kept for every recording."""


class Evaluator:
    """Takes the predictions of a split one by one and keeps only counts, events and ranks.

    Parameters
    ----------
    postprocessing, evaluation, operating_points : as for `evaluate_recordings`
    """

    def __init__(
        self,
        postprocessing: PostprocessingConfig,
        evaluation: EvaluationConfig,
        operating_points: Sequence[OperatingPoint] | None = None,
    ) -> None:
        self._postprocessing, self._evaluation = postprocessing, evaluation
        self._frozen = None
        if operating_points is not None:
            self._frozen = _in_order(operating_points, evaluation.fa_rates)
        thresholds = [(p.tau_on, p.tau_off) for p in self._frozen or () if p.reachable]
        self._sweep = ThresholdSweep(postprocessing, thresholds)
        self._ranked = RankedSamples()
        self._needs_ranks = not {"auroc", "auprc"}.isdisjoint(evaluation.metrics)
        self._calibration = Calibration()
        self._needs_calibration = not {"ece", "brier"}.isdisjoint(evaluation.metrics)
        self._results: dict[str, RecordingResult] = {}

    def add(self, prediction: RecordingPrediction) -> RecordingResult:
        """Detect and score the events of one recording.

        Raises
        ------
        ScoringError : the recording was added before
        """
        if prediction.recording_id in self._results:
            raise ScoringError(
                f"Recording '{prediction.recording_id}' is predicted twice; every recording counts "
                "once. Join its pieces into one prediction."
            )
        detected = prediction.detect(self._postprocessing)
        self._sweep.add(prediction)
        pair = ScoringPair(prediction.reference, detected)
        result = RecordingResult(
            patient=prediction.patient,
            predicted_s=prediction.predicted_s,
            reference=prediction.reference,
            detected=detected,
            scores={method.name: score_pair(pair, method) for method in METHODS_OF_ROWS},
            samples=self._samples(prediction, detected),
        )
        self._results[prediction.recording_id] = result
        return result

    def _samples(self, prediction: RecordingPrediction, detected: Timeline) -> SampleCounts:
        counts = SampleCounts()
        masks = zip(
            prediction.masks_of(prediction.reference), prediction.masks_of(detected), strict=True
        )
        for (_, p), (is_seizure, is_detected) in zip(prediction.pieces, masks, strict=True):
            is_known = ~np.isnan(p)
            counts += SampleCounts.between(is_seizure[is_known], is_detected[is_known])
            if self._needs_ranks:
                self._ranked.add(p, is_seizure)
            if self._needs_calibration:
                self._calibration.add(p, is_seizure)
        return counts

    def result(self) -> Evaluation:
        """Measure all recordings added so far.

        Raises
        ------
        ScoringError : there is none
        """
        results = tuple(self._results.values())
        if not results:
            raise ScoringError(
                "There are no recordings to evaluate; at least one is needed. Check the split."
            )
        curve = self._sweep.curve()
        points = (
            choose_operating_points(curve, self._evaluation.fa_rates)
            if self._frozen is None
            else measure_operating_points(curve, self._frozen)
        )
        scores = {
            method.name: reduce(add, (result.scores[method.name] for result in results))
            for method in METHODS_OF_ROWS
        }
        samples = reduce(add, (result.samples for result in results))
        return Evaluation(
            metrics=self._metrics(results, scores, samples, points),
            operating_points=points,
            curve=curve,
            recordings=results,
            scores=scores,
            samples=samples,
            postprocessing=self._postprocessing,
        )

    def _metrics(
        self,
        results: Sequence[RecordingResult],
        scores: Mapping[str, Score],
        samples: SampleCounts,
        points: Sequence[OperatingPoint],
    ) -> dict[str, float]:
        observed_s = sum(result.reference.observed_s for result in results)
        detected_s = sum(result.detected_s for result in results)
        overlap = scores[OVERLAP.name].counts.measures(SEIZURE, duration_s=observed_s)
        measured = {
            **overlap,
            "taes": scores[TAES_OVERLAP.name].f1,
            "szcore_f1": scores[SZCORE_EVENT.name].f1,
            "specificity": samples.specificity,
            "detected_time_fraction": ratio(detected_s, observed_s),
        }
        for point in points:
            measured[sensitivity_key(point.fa_rate)] = point.sensitivity
            measured[reached_key(point.fa_rate)] = point.false_alarms_per_24h
        if self._needs_ranks:
            measured |= {"auroc": self._ranked.auroc(), "auprc": self._ranked.auprc()}
        if self._needs_calibration:
            measured |= {"ece": self._calibration.ece(), "brier": self._calibration.brier()}
        return {
            metric.name: measured[metric.name] for metric in metric_declarations(self._evaluation)
        }


def _in_order(
    points: Sequence[OperatingPoint], fa_rates: Sequence[float]
) -> tuple[OperatingPoint, ...]:
    by_rate = {point.fa_rate: point for point in points}
    if missing := [rate for rate in fa_rates if rate not in by_rate]:
        raise ScoringError(
            f"There is no operating point for {missing[0]:g} false alarms per 24 h; those chosen "
            f"on validation are for {', '.join(f'{rate:g}' for rate in by_rate) or 'none'}. Set "
            "evaluation.fa_rates to these, or choose again on validation."
        )
    return tuple(by_rate[rate] for rate in fa_rates)


def evaluate_recordings(
    predictions: Iterable[RecordingPrediction],
    *,
    postprocessing: PostprocessingConfig,
    evaluation: EvaluationConfig,
    operating_points: Sequence[OperatingPoint] | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Detect events in every recording, score them, and measure the split as a whole.

    Parameters
    ----------
    predictions : of one split; an iterator is used up one by one, and no prediction is kept
    postprocessing : its thresholds give the events, and all metrics that name no rate
    evaluation : which metrics, and at which rates of false alarms
    operating_points : chosen on ``validation``; they are applied as they are
        None if this is ``validation``: then they are chosen here.

    Raises
    ------
    ScoringError : there are no recordings, one comes twice, or the operating points are for
        other rates than asked for
    """
    evaluator = Evaluator(postprocessing, evaluation, operating_points)
    with progress.phase("scoring recordings", length_hint(predictions)) as advance:
        for prediction in predictions:
            evaluator.add(prediction)
            advance()
    return evaluator.result()

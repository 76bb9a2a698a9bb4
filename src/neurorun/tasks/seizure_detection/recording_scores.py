"""Predict recordings, score them, and keep what a run folder keeps."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from typing import IO

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from neurorun.core import SILENT, DataError, Progress
from neurorun.data import CachedRecording
from neurorun.evaluation import (
    METHODS,
    Evaluation,
    OperatingPoint,
    RecordingPrediction,
    evaluate_recordings,
)
from neurorun.tasks.seizure_detection.excerpts import choose_excerpts
from neurorun.tasks.seizure_detection.recording_prediction import RecordingPredictor, Watch
from neurorun.tasks.seizure_detection.results import SeizureResults
from neurorun.tasks.seizure_detection.sections import SeizureDetectionSections

CLASSES = ("background", "seizure")


def predictor_of(model: nn.Module, sections: SeizureDetectionSections) -> RecordingPredictor:
    """Cut, batch and stitch as the settings say."""
    return RecordingPredictor(
        model,
        sections.data.prediction_windows,
        batch_size=sections.data.batch_size,
        stitching=sections.postprocessing.stitching,
    )


def evaluate_model(
    model: nn.Module,
    recordings: Sequence[CachedRecording],
    sections: SeizureDetectionSections,
    *,
    operating_points: Sequence[OperatingPoint] | None = None,
    watch: Watch | None = None,
    keep: Callable[[RecordingPrediction], None] | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Predict whole recordings and score them.

    Recordings that nobody annotated cannot be scored and are left out.

    Parameters
    ----------
    model : in evaluation mode
    recordings : of one split, prepared
    operating_points : chosen on validation; None if this is validation
    watch : sees logits and targets of every batch
    keep : gets the prediction of every recording

    Raises
    ------
    DataError : no recording is annotated
    """
    predictor = predictor_of(model, sections)
    labelled = [recording for recording in recordings if recording.timeline is not None]
    if not labelled:
        raise DataError(
            f"None of {len(recordings)} recordings is annotated, so nothing can be scored; give "
            "their annotations, or use `neurorun detect`."
        )
    total = sum(predictor.n_batches(recording) for recording in labelled)
    with progress.phase("Predicting recordings", total) as advance:
        return evaluate_recordings(
            _kept(_predictions(predictor, labelled, watch, advance), keep),
            postprocessing=sections.postprocessing,
            evaluation=sections.evaluation,
            operating_points=operating_points,
        )


def _predictions(
    predictor: RecordingPredictor,
    recordings: Sequence[CachedRecording],
    watch: Watch | None,
    advance: Callable[[], None],
) -> Iterator[RecordingPrediction]:
    for recording in recordings:
        assert recording.timeline is not None, "recordings without annotations were left out"
        with torch.no_grad():
            pieces = predictor.predict(recording, watch=watch, advance=advance)
        yield RecordingPrediction(
            recording.recording_id,
            recording.patient,
            recording.rate_hz,
            pieces,
            recording.timeline,
        )


def _kept(
    predictions: Iterator[RecordingPrediction], keep: Callable[[RecordingPrediction], None] | None
) -> Iterator[RecordingPrediction]:
    for prediction in predictions:
        if keep is not None:
            keep(prediction)
        yield prediction


class PredictionFile:
    """Predictions of a whole split, whose probabilities lie in a file.

    Those of 435 hours are 1.6 GB, which need not be in memory together.

    Parameters
    ----------
    file : new; it may be closed, even deleted, once `mapped` was called
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._kept: list[tuple[RecordingPrediction, list[tuple[float, slice]]]] = []

    def add(self, prediction: RecordingPrediction) -> None:
        """Write the probabilities of one recording."""
        places = [(onset_s, self._append(values)) for onset_s, values in prediction.pieces]
        self._kept.append((replace(prediction, pieces=()), places))

    def _append(self, values: Float32[np.ndarray, " samples"]) -> slice:
        first = self._file.tell() // values.itemsize
        self._file.write(values.tobytes())
        return slice(first, first + values.size)

    def mapped(self) -> tuple[RecordingPrediction, ...]:
        """All of them, their probabilities mapped from the file."""
        self._file.flush()
        is_empty = self._file.tell() == 0
        whole = np.zeros(0, np.float32) if is_empty else np.memmap(self._file, np.float32, mode="r")
        return tuple(
            replace(prediction, pieces=tuple((onset_s, whole[place]) for onset_s, place in places))
            for prediction, places in self._kept
        )


def results_of(
    model: nn.Module,
    recordings: Sequence[CachedRecording],
    sections: SeizureDetectionSections,
    *,
    split: str,
    operating_points: Sequence[OperatingPoint] | None = None,
    progress: Progress = SILENT,
) -> SeizureResults:
    """Score a model on a split and gather everything that a run folder keeps of it.

    Raises
    ------
    DataError : no recording is annotated
    """
    with TemporaryFile() as file:
        kept = PredictionFile(file)
        found = evaluate_model(
            model,
            recordings,
            sections,
            operating_points=operating_points,
            keep=kept.add if sections.evaluation.save_predictions else None,
            progress=progress,
        )
        predictions = kept.mapped()
    samples = found.samples
    predictor = predictor_of(model, sections)
    return SeizureResults(
        split=split,
        metrics=found.metrics,
        methods={name: METHODS[name].version for name in found.scores},
        rows=tuple(result.to_row() for result in found.recordings),
        classes=CLASSES,
        confusion=((samples.tn, samples.fp), (samples.fn, samples.tp)),
        detected=tuple(result.detected for result in found.recordings),
        operating_points=found.operating_points,
        curve=found.curve,
        excerpts=choose_excerpts(found.recordings, recordings, predictor, progress=progress),
        predictions=predictions,
    )


class MeanLoss:
    """Mean of a loss over all windows that pass by.

    Parameters
    ----------
    criterion : logits and targets in, mean over their samples out
    """

    def __init__(self, criterion: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._criterion = criterion
        self._total, self._n_windows = 0.0, 0

    def add(
        self, logits: Float[Tensor, "batch samples"], targets: Float[Tensor, "batch samples"]
    ) -> None:
        """Take one batch into account."""
        self._total += float(self._criterion(logits, targets)) * len(logits)
        self._n_windows += len(logits)

    @property
    def mean(self) -> float:
        """Mean so far, NaN before the first window."""
        return self._total / self._n_windows if self._n_windows else float("nan")

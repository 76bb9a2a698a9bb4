"""What a model says about one whole recording, beside what was annotated in it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32

from neurorun.core import ScoringError, Timeline, events_to_mask
from neurorun.evaluation.postprocessing import (
    PostprocessingConfig,
    check_probabilities,
    detect_events,
)


@dataclass(frozen=True, eq=False)
class RecordingPrediction:
    """Probabilities of one recording, in pieces that nothing along time crosses.

    Parameters
    ----------
    recording_id, patient : names, not empty
    rate_hz : probabilities per second, > 0
    pieces : ``(onset_s, probabilities)`` of every stretch that was predicted, in order of time
        Gaps, and stretches shorter than a window, are simply not there. Probabilities are in
        [0, 1], NaN where none was given.
    reference : what was annotated, over the true duration of the recording

    Raises
    ------
    ScoringError : the pieces leave the recording or each other's time, hold something else than
        probabilities, or belong to another recording than the reference

    Examples
    --------
    >>> p = np.full(512, 0.5, dtype=np.float32)
    >>> prediction = RecordingPrediction("a", "p1", 256.0, ((0.0, p),), Timeline("a", 60.0))
    >>> prediction.predicted_s
    2.0
    """

    recording_id: str
    patient: str
    rate_hz: float
    pieces: tuple[tuple[float, Float32[np.ndarray, " _"]], ...]
    reference: Timeline

    def __post_init__(self) -> None:
        if self.recording_id != self.reference.recording_id:
            raise ScoringError(
                f"Predictions of recording '{self.recording_id}' come with the reference of "
                f"'{self.reference.recording_id}'; both must be of one recording. Pair them by "
                "recording_id."
            )
        if not self.rate_hz > 0:
            raise ScoringError(
                f"Predictions of recording '{self.recording_id}' have a rate of {self.rate_hz} Hz; "
                "it must be above 0. Give the samples per second of the model's output."
            )
        clock_s = 0.0
        for onset_s, probabilities in self.pieces:
            offset_s = onset_s + probabilities.size / self.rate_hz
            self._check_time(onset_s, offset_s, clock_s)
            check_probabilities(probabilities)
            clock_s = offset_s

    def _check_time(self, onset_s: float, offset_s: float, clock_s: float) -> None:
        one_sample_s = 1 / self.rate_hz
        end_s = self.reference.duration_s
        if onset_s < clock_s - one_sample_s or offset_s > end_s + one_sample_s:
            raise ScoringError(
                f"Recording '{self.recording_id}' of {end_s:g} s has predictions from {onset_s:g} "
                f"s to {offset_s:g} s after others that end at {clock_s:g} s; pieces must follow "
                "each other within the recording. Check their onsets and the rate."
            )

    @property
    def predicted_s(self) -> float:
        """Seconds with a prediction."""
        n_unknown = sum(int(np.isnan(p).sum()) for _, p in self.pieces)
        return (sum(p.size for _, p in self.pieces) - n_unknown) / self.rate_hz

    def masks_of(self, timeline: Timeline) -> tuple[Bool[np.ndarray, " _"], ...]:
        """Mark the samples of every piece that lie in seizure events of a timeline."""
        return tuple(
            events_to_mask(
                (event.shifted(-onset_s) for event in timeline.seizures),
                probabilities.size,
                self.rate_hz,
            )
            for onset_s, probabilities in self.pieces
        )

    def detect(self, config: PostprocessingConfig) -> Timeline:
        """Detect events in every piece; none reaches across the time between two pieces."""
        end_s = self.reference.duration_s
        events = (
            event
            for onset_s, probabilities in self.pieces
            for event in detect_events(probabilities, self.rate_hz, config, onset_s=onset_s)
        )
        within = (replace(event, offset_s=min(event.offset_s, end_s)) for event in events)
        return replace(self.reference, events=tuple(within))

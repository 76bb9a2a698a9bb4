"""Choose the pieces of recordings that a reader of the report should see."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32

from neurorun.core import SEIZURE, SILENT, Event, Progress
from neurorun.data import CachedRecording
from neurorun.evaluation import RecordingResult
from neurorun.tasks.seizure_detection.recording_prediction import Piece, RecordingPredictor
from neurorun.tasks.seizure_detection.results import Excerpt

logger = logging.getLogger(__name__)

N_WORST = 2
N_BEST = 2
MARGIN_S = 20.0
LONGEST_S = 90.0
_THINNING = 2
_PROBABILITY_HZ = 8.0


def choose_excerpts(
    results: Sequence[RecordingResult],
    recordings: Sequence[CachedRecording],
    predictor: RecordingPredictor,
    *,
    progress: Progress = SILENT,
) -> tuple[Excerpt, ...]:
    """Cut a piece out of the worst and the best recordings.

    Worst are those with most missed seizures and false alarms, best those with seizures and
    fewest of both. The piece is around the first fault, or the first seizure.
    """
    by_id = {recording.recording_id: recording for recording in recordings}
    chosen = _worst_and_best(results)
    excerpts = []
    with progress.phase("Cutting excerpts", len(chosen)) as advance:
        for result in chosen:
            excerpts += _excerpts(result, by_id[result.reference.recording_id], predictor)
            advance()
    return tuple(excerpts)


def _excerpts(
    result: RecordingResult, recording: CachedRecording, predictor: RecordingPredictor
) -> list[Excerpt]:
    """One piece of a recording; none where its microvolts or its probabilities are unknown."""
    if recording.header.unit != "uV":
        logger.info("No excerpt of %s: its microvolts are unknown.", recording.recording_id)
        return []
    with torch.no_grad():
        pieces = predictor.predict(recording)
    return [_excerpt(result, recording, pieces)] if pieces else []


def _worst_and_best(results: Sequence[RecordingResult]) -> list[RecordingResult]:
    ranked = sorted(results, key=lambda r: (-_n_faults(r), r.reference.recording_id))
    worst = [result for result in ranked[:N_WORST] if _n_faults(result) > 0]
    left = [result for result in reversed(ranked) if result not in worst]
    return worst + [result for result in left if result.reference.seizures][:N_BEST]


def _n_faults(result: RecordingResult) -> float:
    counts = result.scores["taes-overlap"].counts.of(SEIZURE)
    return counts.misses + counts.false_positives


def _point_of_interest(result: RecordingResult) -> Event | None:
    """First missed seizure, else first false alarm, else first seizure."""
    reference, detected = result.reference.seizures, result.detected.events
    missed = [one for one in reference if not any(one.overlaps(other) for other in detected)]
    false = [one for one in detected if not any(one.overlaps(other) for other in reference)]
    return next(iter([*missed, *false, *reference]), None)


def _excerpt(
    result: RecordingResult, recording: CachedRecording, pieces: Sequence[Piece]
) -> Excerpt:
    """Cut around the point of interest, within the stretch that was predicted nearest to it."""
    rate_hz = recording.rate_hz
    event = _point_of_interest(result)
    middle_s = pieces[0][0] if event is None else event.onset_s
    onset_s, probabilities = min(
        pieces, key=lambda piece: _distance_s(middle_s, piece[0], piece[1].size / rate_hz)
    )
    begin = max(0, round((middle_s - MARGIN_S - onset_s) * rate_hz))
    end = min(probabilities.size, begin + round(LONGEST_S * rate_hz))
    stretch = next(one for one in recording.stretches if one.onset_s == onset_s)
    start_s, stop_s = onset_s + begin / rate_hz, onset_s + end / rate_hz
    step = round(rate_hz / _PROBABILITY_HZ)
    return Excerpt(
        recording_id=recording.recording_id,
        channels=recording.channels,
        rate_hz=rate_hz / _THINNING,
        onset_s=start_s,
        signal_uv=_thinned(recording, stretch.first + begin, stretch.first + end),
        probabilities=probabilities[begin:end:step],
        probability_rate_hz=rate_hz / step,
        reference=_touching(result.reference.seizures, start_s, stop_s),
        detected=_touching(result.detected.events, start_s, stop_s),
    )


def _distance_s(time_s: float, onset_s: float, duration_s: float) -> float:
    """Seconds from a time to a stretch, 0 within it."""
    return max(onset_s - time_s, time_s - onset_s - duration_s, 0.0)


def _thinned(
    recording: CachedRecording, first: int, stop: int
) -> Float32[np.ndarray, "channels samples"]:
    """Microvolts of a piece at half the rate, nothing above the new Nyquist frequency."""
    from scipy.signal import decimate

    steps = recording.signal[:, first:stop]
    signal_uv = steps * recording.scale[:, None] + recording.offset[:, None]
    return np.ascontiguousarray(
        decimate(signal_uv, _THINNING, ftype="fir", axis=1), dtype=np.float32
    )


def _touching(events: Sequence[Event], start_s: float, stop_s: float) -> tuple[Event, ...]:
    return tuple(one for one in events if one.overlaps(Event(start_s, stop_s)))

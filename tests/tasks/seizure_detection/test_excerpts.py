import numpy as np
import pytest

from neurorun.core import Event, Recording, Timeline, whole_recording
from neurorun.data import CachedRecording
from neurorun.evaluation import (
    EvaluationConfig,
    PostprocessingConfig,
    RecordingPrediction,
    evaluate_recordings,
)
from neurorun.tasks.seizure_detection.excerpts import _excerpt, _worst_and_best

pytestmark = pytest.mark.unit

RATE_HZ = 64.0
DURATION_S = 300.0


def result(name: str, reference: list[tuple[float, float]], detected: list[tuple[float, float]]):
    """What is found where the probability is 1 in the detected spans and 0 elsewhere."""
    probabilities = np.zeros(round(DURATION_S * RATE_HZ), np.float32)
    for onset_s, offset_s in detected:
        probabilities[round(onset_s * RATE_HZ) : round(offset_s * RATE_HZ)] = 1
    events = tuple(Event(*span) for span in reference)
    prediction = RecordingPrediction(
        name, "p", RATE_HZ, ((0.0, probabilities),), Timeline(name, DURATION_S, events)
    )
    found = evaluate_recordings(
        [prediction],
        postprocessing=PostprocessingConfig.model_validate(
            {"hysteresis": {"min_onset_samples": 1, "min_offset_samples": 1}}
        ),
        evaluation=EvaluationConfig(),
    )
    return found.recordings[0], prediction.pieces


PERFECT = ("perfect", [(100, 120)], [(100, 120)])
MISSED = ("missed", [(200, 220)], [])
FALSE = ("false", [], [(50, 60), (150, 160)])
QUIET = ("quiet", [], [])


def test_worst_are_those_with_faults_and_best_those_with_found_seizures():
    results = [result(*case)[0] for case in (PERFECT, QUIET, MISSED, FALSE)]
    chosen = [one.reference.recording_id for one in _worst_and_best(results)]
    assert chosen == ["false", "missed", "perfect"]


def slow_wave(times_s):
    return 10 * np.sin(2 * np.pi * times_s / 5)


def recording(name: str) -> CachedRecording:
    """One channel with a wave of 0.2 Hz, so that any piece of it is recognised."""
    signal = slow_wave(np.arange(round(DURATION_S * RATE_HZ)) / RATE_HZ)[None]
    whole = whole_recording(signal.shape[1])
    return CachedRecording.from_recording(
        Recording(name, "p", ("C3",), RATE_HZ, signal.astype(np.float32), whole), None
    )


@pytest.mark.parametrize(
    ("case", "onset_s", "duration_s"),
    [
        pytest.param(PERFECT, 80.0, 90.0, id="around-the-seizure"),
        pytest.param(MISSED, 180.0, 90.0, id="around-what-was-missed"),
        pytest.param(FALSE, 30.0, 90.0, id="around-the-first-false-alarm"),
        pytest.param(("late", [(290, 299)], []), 270.0, 30.0, id="cut-at-the-end"),
        pytest.param(("early", [(3, 9)], []), 0.0, 90.0, id="cut-at-the-start"),
    ],
)
def test_an_excerpt_lies_around_what_matters(case, onset_s, duration_s):
    found, pieces = result(*case)
    excerpt = _excerpt(found, recording(case[0]), pieces)
    assert excerpt.onset_s == onset_s
    assert excerpt.signal_uv.shape[1] / excerpt.rate_hz == pytest.approx(duration_s)
    assert excerpt.probabilities.size / excerpt.probability_rate_hz == pytest.approx(duration_s)
    times_s = excerpt.onset_s + np.arange(excerpt.signal_uv.shape[1]) / excerpt.rate_hz
    expected = slow_wave(times_s)
    np.testing.assert_allclose(excerpt.signal_uv[0, 50:-50], expected[50:-50], atol=0.1)

"""Scoring a validation set of hundreds of hours, once its probabilities exist; JSON lines.

The set is as large as the one of TUSZ: 1832 recordings of 14 minutes, 435 hours at 256 Hz, a fifth
of them with seizures. Probabilities are given one recording at a time, as they come from a network,
and scored by everything that an epoch reports: events, four scoring methods, operating points by a
sweep of thresholds, AUROC, calibration. Making them up is not counted. Memory is the most that the
process ever held beyond what it had before.

Run it from the root of the repository: `python benchmarks/validation.py [hours]`.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator

import numpy as np

from neurorun.core import Event, Timeline
from neurorun.evaluation import (
    EvaluationConfig,
    PostprocessingConfig,
    RecordingPrediction,
    evaluate_recordings,
)

RATE_HZ = 256
HOURS, N_RECORDINGS = 435.0, 1832
N_DISTINCT = 16


class Probabilities:
    """Predictions of recordings, made one by one; knows how long making them took."""

    def __init__(self, n_recordings: int, duration_s: float) -> None:
        self.n_recordings, self.duration_s = n_recordings, duration_s
        self.making_s = self.making_cpu_s = 0.0
        n_samples = round(duration_s * RATE_HZ)
        self._distinct = [smooth(n_samples, np.random.default_rng(i)) for i in range(N_DISTINCT)]

    def __iter__(self) -> Iterator[RecordingPrediction]:
        for number in range(self.n_recordings):
            begun, begun_cpu = time.perf_counter(), time.process_time()
            made = self._make(number)
            self.making_s += time.perf_counter() - begun
            self.making_cpu_s += time.process_time() - begun_cpu
            yield made

    def _make(self, number: int) -> RecordingPrediction:
        """Another recording: one of a few, shifted and scaled, with events where it is high."""
        rng = np.random.default_rng(number)
        p = np.roll(self._distinct[number % N_DISTINCT], int(rng.integers(RATE_HZ * 600)))
        p = np.power(p, np.float32(rng.uniform(0.8, 1.2)))
        events: tuple[Event, ...] = ()
        if number % 5 == 0:
            onset_s = float(p[: -60 * RATE_HZ].argmax()) / RATE_HZ
            events = (Event(onset_s, onset_s + float(rng.uniform(10, 60))),)
        name = f"r{number:04d}"
        reference = Timeline(name, self.duration_s, events)
        return RecordingPrediction(name, f"p{number % 53}", RATE_HZ, ((0.0, p),), reference)


def smooth(n: int, rng: np.random.Generator) -> np.ndarray:
    """Probabilities that rise and fall over seconds and jitter from sample to sample."""
    slow = np.repeat(np.cumsum(rng.normal(0, 0.4, n // RATE_HZ + 1)), RATE_HZ)[:n]
    logits = 8 * np.sin(slow / 3) - 6 + rng.normal(0, 0.2, n)
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def held_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else HOURS
    n_recordings = round(N_RECORDINGS * hours / HOURS)
    predictions = Probabilities(n_recordings, hours * 3600 / n_recordings)
    before_mb, begun, begun_cpu = held_mb(), time.perf_counter(), time.process_time()
    found = evaluate_recordings(
        iter(predictions), postprocessing=PostprocessingConfig(), evaluation=EvaluationConfig()
    )
    took_s = time.perf_counter() - begun - predictions.making_s
    took_cpu_s = time.process_time() - begun_cpu - predictions.making_cpu_s
    figures = {
        "figure": f"validation set of {hours:g} h in {n_recordings} recordings: scored",
        "value": round(took_s, 2),
        "unit": "s on the clock",
        "cpu_s": round(took_cpu_s, 2),
        "memory_mb": round(held_mb() - before_mb),
        "auroc": round(found.metrics["auroc"], 3),
        "n_detected": sum(len(one.detected.events) for one in found.recordings),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

"""Post-processing of 24 h at 256 Hz, beside the plain ways of doing it; one JSON line per figure.

Run: python benchmarks/postprocessing.py [hours]
Every pair is measured side by side, alternating, and gives equal results (checked). Seconds are
processor time, so that a busy machine changes little.
"""

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from neurorun.core import Event, Timeline
from neurorun.evaluation import (
    EvaluationConfig,
    EventDetector,
    HysteresisConfig,
    PostprocessingConfig,
    RankedSamples,
    RecordingPrediction,
    detect_events,
    evaluate_recordings,
    stitch_windows,
)
from neurorun.evaluation.hysteresis import hysteresis_spans
from neurorun.evaluation.levels import Levels
from neurorun.evaluation.operating_points import GRID, ThresholdSweep
from neurorun.evaluation.spans import mask_of

RATE_HZ = 256
SIMPLE = HysteresisConfig(min_onset_samples=1, min_offset_samples=1)


def smooth(n: int, rng: np.random.Generator) -> np.ndarray:
    """Probabilities that rise and fall over seconds and jitter from sample to sample."""
    slow = np.repeat(np.cumsum(rng.normal(0, 0.4, n // 256 + 1)), 256)[:n]
    logits = 8 * np.sin(slow / 3) - 4 + rng.normal(0, 0.2, n)
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def looped(p: np.ndarray, config: HysteresisConfig) -> np.ndarray:
    mask = np.zeros(p.size, dtype=bool)
    tau_on, tau_off = np.float32(config.tau_on), np.float32(config.tau_off)
    min_onset, min_offset = config.min_onset_samples, config.min_offset_samples
    detecting, n_high, n_low, first = False, 0, 0, 0
    for i, value in enumerate(p.tolist()):
        n_high = n_high + 1 if value >= tau_on else 0
        n_low = 0 if value >= tau_off else n_low + 1
        if not detecting and n_high >= min_onset:
            detecting, first = True, i - n_high + 1
        elif detecting and n_low >= min_offset:
            detecting = False
            mask[first : i - n_low + 1] = True
    if detecting:
        mask[first:] = True
    return mask


def dense(p: np.ndarray, config: HysteresisConfig) -> np.ndarray:
    """State of every sample, the undecided ones filled from the left."""
    is_on, is_low = p >= np.float32(config.tau_on), p < np.float32(config.tau_off)
    decided = np.where(is_on | is_low, np.arange(p.size), 0)
    return is_on[np.maximum.accumulate(decided)]


def seconds(work: Callable[[], Any], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def report(figure: str, ours: Callable[[], Any], other: Callable[[], Any], **about: Any) -> None:
    ours_s, other_s = float("inf"), float("inf")
    for _ in range(3):
        ours_s, other_s = min(ours_s, seconds(ours, 1)), min(other_s, seconds(other, 1))
    line = {"figure": figure, "ours_s": ours_s, "other_s": other_s, "ratio": other_s / ours_s}
    print(json.dumps({key: _rounded(value) for key, value in (line | about).items()}), flush=True)


def _rounded(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def hysteresis(p: np.ndarray, kind: str, hours: float) -> None:
    usual = HysteresisConfig()
    about = {"input": kind, "hours": hours}
    assert np.array_equal(mask_of(hysteresis_spans(p, usual), p.size), looped(p, usual))
    assert np.array_equal(mask_of(hysteresis_spans(p, SIMPLE), p.size), dense(p, SIMPLE))
    report(
        "hysteresis / sample loop",
        lambda: hysteresis_spans(p, usual),
        lambda: looped(p, usual),
        **about,
    )
    report(
        "hysteresis / dense numpy",
        lambda: hysteresis_spans(p, SIMPLE),
        lambda: dense(p, SIMPLE),
        **about,
    )


def sweep(p: np.ndarray, kind: str, hours: float) -> None:
    config = HysteresisConfig()
    pairs = [(tau_on, max(tau_on - 0.08, 0.0)) for tau_on in GRID]

    def at_once() -> list[np.ndarray]:
        levels = Levels(p, [tau for pair in pairs for tau in pair], config)
        return [levels.spans(*pair) for pair in pairs]

    def one_by_one() -> list[np.ndarray]:
        asked = [config.model_copy(update={"tau_on": a, "tau_off": b}) for a, b in pairs]
        return [hysteresis_spans(p, settings) for settings in asked]

    assert all(map(np.array_equal, at_once(), one_by_one()))
    about = {"input": kind, "hours": hours, "thresholds": len(pairs)}
    report("sweep / one threshold after the other", at_once, one_by_one, **about)


def many_thresholds(p: np.ndarray, reference: Timeline, kind: str, hours: float) -> None:
    """The curve of 200 thresholds, with the memory that it takes beside the probabilities."""
    further = np.linspace(0.0101, 0.9899, 200 - len(GRID)).round(6).tolist()
    pairs = [(tau_on, max(tau_on - 0.08, 0.0)) for tau_on in further]
    prediction = RecordingPrediction("day", "p", float(RATE_HZ), ((0.0, p),), reference)

    def swept() -> int:
        sweep = ThresholdSweep(PostprocessingConfig(), pairs)
        sweep.add(prediction)
        return len(sweep.curve())

    n_thresholds = swept()
    sweep_s = seconds(swept, 3)
    tracemalloc.start()
    swept()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    line = {
        "figure": "curve of found seizures and false alarms",
        "input": kind,
        "hours": hours,
        "thresholds": n_thresholds,
        "ours_s": _rounded(sweep_s),
        "memory / probabilities": _rounded(peak / p.nbytes),
    }
    print(json.dumps(line), flush=True)


def stream(p: np.ndarray, hours: float) -> None:
    config = PostprocessingConfig()

    def in_chunks() -> list[Event]:
        detector = EventDetector(config, RATE_HZ)
        events = [e for i in range(0, p.size, 2560) for e in detector.process(p[i : i + 2560])]
        return [*events, *detector.flush()]

    assert tuple(in_chunks()) == detect_events(p, RATE_HZ, config)
    report(
        "stream in 10 s chunks / offline",
        in_chunks,
        lambda: detect_events(p, RATE_HZ, config),
        hours=hours,
    )


def ranking(p: np.ndarray, reference: np.ndarray, hours: float) -> None:
    from sklearn.metrics import roc_auc_score

    def ours() -> float:
        samples = RankedSamples()
        samples.add(p, reference)
        return samples.auroc()

    error = abs(ours() - roc_auc_score(reference, p))
    report(
        "auroc / scikit-learn", ours, lambda: roc_auc_score(reference, p), hours=hours, error=error
    )


def whole(p: np.ndarray, reference: Timeline, hours: float) -> None:
    prediction = RecordingPrediction("day", "p", float(RATE_HZ), ((0.0, p),), reference)
    config, asked = PostprocessingConfig(), EvaluationConfig()
    evaluate_s = seconds(
        lambda: evaluate_recordings([prediction], postprocessing=config, evaluation=asked), 3
    )
    print(
        json.dumps(
            {"figure": "evaluate_recordings", "ours_s": _rounded(evaluate_s), "hours": hours}
        )
    )


def stitching(p: np.ndarray, hours: float) -> None:
    starts = np.arange(0, p.size - 15_359, 2560)
    windows = np.lib.stride_tricks.sliding_window_view(p, 15_360)[::2560]
    stitch_s = seconds(lambda: stitch_windows(windows, starts, p.size, method="overlap_add"), 1)
    print(
        json.dumps(
            {
                "figure": "stitch_windows, 60 s every 10 s",
                "ours_s": _rounded(stitch_s),
                "hours": hours,
            }
        )
    )


def main() -> None:
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
    rng = np.random.default_rng(0)
    n = int(hours * 3600) * RATE_HZ
    inputs = {"smooth": smooth(n, rng), "white noise": rng.random(n, dtype=np.float32)}
    for kind, p in inputs.items():
        hysteresis(p, kind, hours)
        sweep(p, kind, hours)
    p = inputs["smooth"]
    stream(p, hours)
    events = detect_events(p, RATE_HZ, PostprocessingConfig())[::3]
    reference = Timeline("day", n / RATE_HZ, tuple(events))
    mask = np.zeros(n, dtype=bool)
    for event in events:
        mask[int(event.onset_s * RATE_HZ) : int(event.offset_s * RATE_HZ)] = True
    for kind, probabilities in inputs.items():
        many_thresholds(probabilities, reference, kind, hours)
    ranking(p, mask, hours)
    whole(p, reference, hours)
    stitching(p, hours)


if __name__ == "__main__":
    main()

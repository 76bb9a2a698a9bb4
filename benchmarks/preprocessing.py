"""CPU time of preparing one hour of 19 channels, ours beside the earlier chain.

Prints one JSON line per figure. Both chains get the same simulated signal in rounds that take
turns; the figure is the median of the ratios of a round, so that a busy machine slows both sides
alike. A recording of 3593 s, a prime number, is there because Fourier resampling is slow for it.
"""

import argparse
import json
import statistics
import time

import numpy as np

from neurorun.core import Recording, whole_recording
from neurorun.data import PreprocessingConfig, channel_statistics, prepare, standardized
from neurorun.simulation import CorpusPlan, draw_patients, simulate_recording

CHAINS = {
    "legacy": PreprocessingConfig(preset="legacy"),
    "causal": PreprocessingConfig(),
    "zero": PreprocessingConfig(phase="zero"),
}
CASES = [(256.0, 3600.0), (250.0, 3600.0), (400.0, 3593.0), (400.0, 3600.0)]


def hour(rate_hz, duration_s):
    patient = draw_patients(CorpusPlan())[0]
    short, _ = simulate_recording(
        np.random.default_rng(0), patient, recording_id="hour", duration_s=60.0, n_seizures=0
    )
    n_samples = round(duration_s * rate_hz)
    signal_uv = np.tile(short.signal_uv, n_samples // short.n_samples + 1)[:, :n_samples]
    noise = np.random.default_rng(1).standard_normal(signal_uv.shape, np.float32)
    return Recording(
        recording_id="hour",
        patient="p",
        channels=short.channels,
        rate_hz=rate_hz,
        signal_uv=signal_uv + noise,
        stretches=whole_recording(n_samples),
    )


def run(recording, config):
    prepared = prepare(recording, config, rate_hz=256.0)
    return standardized(prepared.signal_uv, channel_statistics(prepared, config), config)


def cpu_s(recording, config):
    start = time.process_time()
    run(recording, config)
    return time.process_time() - start


def report(name, value, unit, **context):
    line = {"benchmark": "preprocessing", "figure": name, "value": round(value, 4), "unit": unit}
    print(json.dumps(line | context))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for rate_hz, duration_s in CASES:
        recording = hour(rate_hz, duration_s)
        context = {"rate_hz": rate_hz, "seconds": duration_s, "channels": 19}
        rounds = [
            {name: cpu_s(recording, config) for name, config in CHAINS.items()}
            for _ in range(options.rounds)
        ]
        for name in CHAINS:
            report(f"{name}_cpu", statistics.median(r[name] for r in rounds), "s", **context)
        for name in ("causal", "zero"):
            ratios = [r["legacy"] / r[name] for r in rounds]
            report(f"{name}_times_faster_than_legacy", statistics.median(ratios), "1", **context)
    ours, legacy = (run(recording, CHAINS[name])[:, 7680:-7680] for name in ("causal", "legacy"))
    rms = float(np.sqrt(np.mean((ours - legacy) ** 2)))
    report("causal_minus_legacy_rms", rms, "standard deviations", **context)


if __name__ == "__main__":
    main()

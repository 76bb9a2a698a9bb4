from types import SimpleNamespace

import numpy as np
import pytest

from neurorun.core import Event, Stretch

RATE_HZ = 64.0


class Signal:
    """EEG in memory, a gap of five seconds after twenty."""

    rate_hz = RATE_HZ

    def __init__(self, channels, seconds):
        rng = np.random.default_rng(0)
        n_samples = round(seconds * RATE_HZ)
        self.channels = channels
        noise = rng.normal(scale=20, size=(len(channels), n_samples))
        self.signal_uv = noise.astype(np.float32)
        cut = round(20 * RATE_HZ)
        self.stretches = (Stretch(0, cut, 0.0), Stretch(cut, n_samples - cut, 25.0))

    def microvolts(self, first, n_samples):
        return self.signal_uv[:, first : first + n_samples]


@pytest.fixture(scope="session")
def material_of():
    """A minute with a missed and a found seizure and a false alarm; parts may be others."""

    def made(*, channels=("Fp1", "Cz"), seconds=55, **changes):
        steps = np.linspace(0, 1, round(60 * RATE_HZ), dtype=np.float32)
        parts = {
            "recording_id": "night_1",
            "patient": "night",
            "duration_s": float(seconds + 5),
            "gaps": ((20.0, 25.0),),
            "reference": (Event(5, 15), Event(30, 40)),
            "detected": (Event(8, 16, confidence=0.9), Event(50, 55)),
            "probabilities": ((0.0, steps),),
            "probability_rate_hz": RATE_HZ,
            "signal": Signal(channels, seconds),
            "missing": (),
        }
        return SimpleNamespace(**(parts | changes))

    return made

from pathlib import Path

import numpy as np
import pytest

from neurorun.core import Recording, whole_recording
from neurorun.formats import write_recording

SIGNALS = (
    "FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "F7",
    "F8", "T3", "T4", "T5", "T6", "FZ", "PZ", "CZ", "A1", "A2", "ECG",
)  # fmt: skip


@pytest.fixture
def write_edf(tmp_path):
    """Write a recording of noise below the folder of the corpus."""

    def write(place: str, *, seconds=20, rate_hz=100.0, channels=SIGNALS, seed=0, flat=()) -> Path:
        rng = np.random.default_rng(seed)
        signal = (20 * rng.standard_normal((len(channels), int(seconds * rate_hz)))).astype(
            np.float32
        )
        for name in flat:
            signal[channels.index(name)] = 0
        path = tmp_path / "corpus" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        stem = path.stem
        whole = whole_recording(signal.shape[1])
        write_recording(path, Recording(stem, stem, channels, rate_hz, signal, whole))
        return path

    return write

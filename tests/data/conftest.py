"""A small corpus: EDF files of two channels at 64 Hz, each with its events beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import Event, Recording, Stretch, Timeline, whole_recording
from neurorun.data import CorpusEntry, PreprocessingConfig, WindowConfig, write_recording
from neurorun.formats import write_events

RATE_HZ = 64.0


def make_recording(
    name: str = "p1_s1", *, seconds: int = 40, seed: int = 0, gap: bool = False
) -> Recording:
    n_samples = int(seconds * RATE_HZ)
    noise = np.random.default_rng(seed).standard_normal((2, n_samples)).cumsum(axis=1)
    signal_uv = (8 * (noise - noise.mean(axis=1, keepdims=True))).astype(np.float32)
    half = n_samples // 2
    stretches = (Stretch(0, half, 0.0), Stretch(half, n_samples - half, half / RATE_HZ + 5.0))
    return Recording(
        recording_id=name,
        patient=name.partition("_")[0],
        channels=("C3", "C4"),
        rate_hz=RATE_HZ,
        signal_uv=signal_uv,
        stretches=stretches if gap else whole_recording(n_samples),
    )


def make_entry(
    folder: Path, recording: Recording, seizures: Sequence[tuple[float, float]] = ()
) -> CorpusEntry:
    path = folder / f"{recording.recording_id}.edf"
    write_recording(path, recording)
    annotation = path.with_suffix(".tsv")
    events = tuple(Event(*times) for times in seizures)
    write_events(annotation, Timeline(recording.recording_id, recording.duration_s, events))
    return CorpusEntry(recording.recording_id, recording.patient, path, None, annotation, "events")


@pytest.fixture
def recording() -> Callable[..., Recording]:
    """Make a recording."""
    return make_recording


@pytest.fixture
def entry() -> Callable[..., CorpusEntry]:
    """Write a recording and its events."""
    return make_entry


@pytest.fixture
def corpus(tmp_path: Path) -> list[CorpusEntry]:
    """Three recordings of 40 s, 30 s and 20 s; the first has seizures, the last a gap."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    return [
        make_entry(folder, make_recording("p1_s1", seed=1), [(10, 21), (30.5, 33)]),
        make_entry(folder, make_recording("p1_s2", seconds=30, seed=2)),
        make_entry(folder, make_recording("p2_s1", seconds=20, seed=3, gap=True), [(8, 16)]),
    ]


@pytest.fixture
def preprocessing() -> PreprocessingConfig:
    """Settings that fit the corpus."""
    return PreprocessingConfig(montage=("C3", "C4"), bandpass=(0.5, 20.0), notch_freq=None)


@pytest.fixture
def windows() -> WindowConfig:
    """Windows of 8 s every 2 s."""
    return WindowConfig(window_size=8, stride=2, sampling_rate=RATE_HZ)

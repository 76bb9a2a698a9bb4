import numpy as np
import pytest
from scipy import signal as sps

from neurorun.core import Recording, whole_recording
from neurorun.data.legacy import LegacyChain
from neurorun.data.preprocessing import Preparation, PreprocessingConfig
from neurorun.data.standardization import channel_statistics, standardized

pytestmark = pytest.mark.unit

LEGACY = PreprocessingConfig(preset="legacy")


def earlier_chain(signal_uv, source_hz):
    """The chain of the earlier work, written down again from its description."""
    x = signal_uv.astype(np.float64)
    if source_hz != 256:
        x = sps.resample(x, round(x.shape[1] * 256 / source_hz), axis=1)
    x = sps.lfilter(*sps.butter(3, [0.5 / 128, 120 / 128], btype="band"), x, axis=1)
    x = sps.lfilter(*sps.iirnotch(60, 30, 256), x, axis=1)
    x = (x - x.mean(axis=1, keepdims=True)) / (x.std(axis=1, keepdims=True) + 1e-8)
    return np.clip(x, -10, 10).astype(np.float32)


def drifting_eeg(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    eeg = rng.standard_normal((3, n_samples)) * 30 + np.cumsum(
        rng.standard_normal((3, n_samples)), 1
    )
    return (eeg + 300).astype(np.float32)


@pytest.mark.parametrize(
    ("source_hz", "n_samples"), [(256.0, 5000), (250.0, 7501), (400.0, 9001), (512.0, 5001)]
)
def test_equals_the_earlier_chain(source_hz, n_samples):
    signal_uv = drifting_eeg(n_samples)
    chain = Preparation(LEGACY, 3, source_hz=source_hz, rate_hz=256.0)
    prepared = np.hstack([chain.push(signal_uv), chain.finish()])
    recording = Recording(
        "r", "p", ("a", "b", "c"), 256.0, prepared, whole_recording(prepared.shape[1])
    )
    ours = standardized(prepared, channel_statistics(recording, LEGACY), LEGACY)
    theirs = earlier_chain(signal_uv, source_hz)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_blocks_are_put_together():
    signal_uv = drifting_eeg(4000)
    whole, blocks = (LegacyChain(400.0, 256.0, bandpass=(0.5, 120), notch_freq=60) for _ in "ab")
    whole.push(signal_uv)
    for first in range(0, 4000, 700):
        assert blocks.push(signal_uv[:, first : first + 700]).shape == (3, 0)
    np.testing.assert_array_equal(blocks.finish(), whole.finish())


def test_a_stretch_shorter_than_a_sample_becomes_empty():
    chain = LegacyChain(5000.0, 256.0, bandpass=(0.5, 120), notch_freq=60)
    chain.push(np.ones((1, 3), np.float32))
    assert chain.finish().shape == (1, 0)


def test_an_offset_shrinks_the_recording_which_is_why_it_is_not_the_default():
    signal_uv = drifting_eeg(256 * 60) + 5000
    ours = Preparation(PreprocessingConfig(), 3, source_hz=256.0, rate_hz=256.0)
    legacy = Preparation(LEGACY, 3, source_hz=256.0, rate_hz=256.0)
    legacy.push(signal_uv)
    assert legacy.finish().std() > 4 * ours.push(signal_uv).std()

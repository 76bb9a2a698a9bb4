import numpy as np
import pytest

from neurorun.core import DataError, Recording, Stretch
from neurorun.data import (
    CachedRecording,
    PreprocessingConfig,
    prepare,
    read_recording,
    stream_mne,
    stream_recording,
)
from neurorun.formats import open_mne_raw, to_mne_raw, write_recording

pytestmark = pytest.mark.unit

CONFIG = PreprocessingConfig(montage=("C3", "C4"), bandpass=(0.5, 40), notch_freq=50)
WHOLE = (Stretch(0, 2400, 0.0),)
STRETCHES = (Stretch(0, 1500, 0.0), Stretch(1500, 900, 20.0))


def recording(stretches=WHOLE, seed=0):
    signal = 30 * np.random.default_rng(seed).standard_normal((3, stretches[-1].stop))
    channels = ("EEG C4", "EEG C3", "EOG")
    return Recording("r", "p", channels, 100.0, signal.astype(np.float32), stretches)


def whole(stream):
    """All stretches one after the other, standardized."""
    return [np.hstack(list(stream.blocks(stretch))) for stretch in stream.stretches]


@pytest.mark.parametrize("standardize", ["zscore", "robust", "fixed"])
def test_a_file_gives_the_bits_of_its_cache(tmp_path, standardize, monkeypatch):
    monkeypatch.setattr("neurorun.data.recording_stream._BLOCK_S", 3.7)
    path = tmp_path / "r.edf"
    write_recording(path, recording())
    config = CONFIG.model_copy(update={"standardize": standardize})
    prepared = prepare(read_recording(path), config, rate_hz=128.0)
    cached = CachedRecording.from_recording(prepared, None, config)
    stream = stream_recording(path, config, rate_hz=128.0)
    (found,) = whole(stream)
    np.testing.assert_array_equal(found, cached.window(0, cached.n_samples))
    assert stream.stretches == cached.stretches
    assert stream.header.statistics.keys() == cached.header.statistics.keys()
    for kind, expected in cached.header.statistics.items():
        np.testing.assert_array_equal(stream.header.statistics[kind].spread, expected.spread)


def test_stretches_are_prepared_each_on_its_own():
    one = recording(STRETCHES)
    stream = stream_mne(to_mne_raw(one), CONFIG, rate_hz=128.0)
    cached = CachedRecording.from_recording(prepare(one, CONFIG, rate_hz=128.0), None, CONFIG)
    assert stream.header.gaps == ((15.0, 20.0),)
    assert stream.duration_s == 29.0
    for stretch, found in zip(cached.stretches, whole(stream), strict=True):
        np.testing.assert_array_equal(found, cached.window(stretch.first, stretch.n_samples))


def test_a_flat_recording_is_refused(tmp_path):
    one = recording()
    one.signal_uv[:] = 3
    one.signal_uv[2, 0] = 4
    path = tmp_path / "r.edf"
    write_recording(path, one)
    stream = stream_recording(path, CONFIG, rate_hz=128.0)
    with pytest.raises(DataError, match="All 2 channels are flat"):
        assert stream.header


def test_a_missing_channel_is_named():
    with pytest.raises(DataError, match="Cz"):
        stream_mne(
            to_mne_raw(recording()), CONFIG.model_copy(update={"montage": ("Cz",)}), rate_hz=128.0
        )


@pytest.mark.parametrize(("first", "n"), [(0, 2400), (1400, 200), (1499, 2), (2399, 1), (700, 0)])
def test_a_raw_is_read_by_blocks_across_its_gaps(first, n):
    one = recording(STRETCHES)
    source = open_mne_raw(to_mne_raw(one))
    found = source.read(("EEG C3", "EOG"), first, n)
    np.testing.assert_allclose(found, one.signal_uv[[1, 2], first : first + n], rtol=1e-6)

from pathlib import Path

import numpy as np
import pytest

from neurorun.data import (
    CachedRecording,
    CorpusEntry,
    PreprocessingConfig,
    prepare,
    read_recording,
)
from neurorun.data.recording_builder import BuildJob, build_recording

pytestmark = pytest.mark.unit

REAL = Path(__file__).resolve().parents[2] / "../shared/data/eeg_seizure/edf_with_seizure"


def built(folder, source, config, rate_hz):
    job = BuildJob(source, folder, config, rate_hz, fingerprint="f")
    row = build_recording(job)
    return row, CachedRecording.from_file(job.path, config)


@pytest.mark.parametrize(
    ("changes", "rate_hz", "gap"),
    [
        pytest.param({}, 64.0, False, id="same-rate"),
        pytest.param({}, 50.0, False, id="slower"),
        pytest.param({}, 100.0, True, id="faster-with-a-gap"),
        pytest.param({"phase": "zero"}, 50.0, True, id="zero-phase"),
        pytest.param({"bandpass": None}, 64.0, True, id="unfiltered"),
        pytest.param({"montage": ("C3-C4",)}, 50.0, False, id="derivation"),
    ],
)
def test_a_stream_of_blocks_gives_what_preparing_the_whole_gives(
    tmp_path, preprocessing, entry, recording, monkeypatch, changes, rate_hz, gap
):
    monkeypatch.setattr("neurorun.data.recording_builder._BLOCK_S", 1.7)
    config = preprocessing.model_copy(update=changes)
    source = entry(tmp_path, recording(gap=gap, seed=9), [(4, 9)])
    row, streamed = built(tmp_path, source, config, rate_hz)
    whole = prepare(read_recording(source.path), config, rate_hz=rate_hz)
    assert row.action == "built"
    assert streamed.stretches == whole.stretches
    assert streamed.channels == whole.channels
    decoded = streamed.to_recording().signal_uv
    np.testing.assert_allclose(decoded, whole.signal_uv, atol=0.51 * float(streamed.scale.max()))


@pytest.mark.integration
@pytest.mark.skipif(not REAL.exists(), reason="shared data are absent")
@pytest.mark.parametrize(("montage", "n_channels"), [("10-20", 19), ("double-banana", 18)])
def test_real_recordings_can_be_built(tmp_path, montage, n_channels):
    path = REAL / "iiic_SZ_sample1.edf"
    source = CorpusEntry("iiic", "iiic", path, None, path.with_suffix(".csv_bi"))
    config = PreprocessingConfig(montage=montage)
    row, streamed = built(tmp_path, source, config, 256.0)
    whole = prepare(read_recording(path), config, rate_hz=256.0)
    assert (row.row.status, len(streamed.channels)) == ("ok", n_channels)
    assert streamed.extent.seizures == ((5120, 7680),)
    decoded = streamed.to_recording().signal_uv
    error = np.abs(decoded - whole.signal_uv).max(axis=1)
    assert (error <= 0.51 * streamed.scale + 1e-3).all()

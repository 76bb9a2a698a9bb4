from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import DataError
from neurorun.data import PreprocessingConfig
from neurorun.data.signal_spool import FULL_SCALE, SignalSpool

pytestmark = pytest.mark.unit

CONFIG = PreprocessingConfig()


def spooled(signal_uv, blocks=None, folder=None):
    with closing(SignalSpool(("C3", "C4"), CONFIG, folder=folder)) as spool:
        for block in blocks or [signal_uv]:
            spool.push(block)
        spool.finish()
        scale, offset = spool.scale_and_offset()
        steps = np.concatenate(list(spool.pieces(scale, offset))).reshape(2, -1)
        return steps, scale, offset, spool.statistics(), spool


def noise(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, n_samples)) * [[30], [5]] + [[3], [-200]]).astype(np.float32)


def test_decoding_is_exact_to_half_a_step():
    signal_uv = noise(200_000)
    steps, scale, offset, _, _ = spooled(signal_uv)
    decoded = steps * scale[:, None].astype(np.float64) + offset[:, None]
    error = np.abs(decoded - signal_uv).max(axis=1)
    assert (error <= 0.5 * scale + 1e-4).all()
    assert (scale < np.array([30, 5]) * 20 / FULL_SCALE).all()


@settings(max_examples=15)
@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=6))
def test_other_blocks_give_the_same_bits(lengths):
    signal_uv = noise(140_000)
    cuts = [c for c in np.cumsum(lengths).tolist() if c < 140_000]
    blocks = np.split(signal_uv, cuts, axis=1)
    whole, parts = spooled(signal_uv), spooled(signal_uv, blocks)
    for first, second in zip(whole[:3], parts[:3], strict=True):
        np.testing.assert_array_equal(first, second)
    for kind in ("zscore", "robust"):
        np.testing.assert_array_equal(whole[3][kind].center, parts[3][kind].center)
        np.testing.assert_array_equal(whole[3][kind].spread, parts[3][kind].spread)


def test_a_long_signal_goes_through_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("neurorun.data.signal_spool._MAX_IN_MEMORY", 1000)
    in_memory = spooled(noise(100_000))[0]
    np.testing.assert_array_equal(spooled(noise(100_000), folder=tmp_path)[0], in_memory)
    assert list(tmp_path.iterdir()) == []


def test_a_rail_voltage_does_not_coarsen_the_eeg():
    signal_uv = noise(100_000)
    signal_uv[0, 5000] = 1e6
    steps, scale, _, _, spool = spooled(signal_uv)
    assert steps[0, 5000] == FULL_SCALE
    assert spool.n_limited == 1
    assert spool.notes() == ("1 values beyond 20 deviations of their channel limited.",)
    assert scale[0] * FULL_SCALE == pytest.approx(20 * signal_uv[0].std(dtype=np.float64), rel=1e-5)


def test_nothing_is_said_of_a_signal_within_the_limit():
    assert spooled(noise(1000))[4].notes() == ()


def test_a_constant_channel_keeps_its_value():
    signal_uv = noise(1000)
    signal_uv[1] = 7.5
    steps, scale, offset, statistics, _ = spooled(signal_uv)
    assert (steps[1] * scale[1] + offset[1] == 7.5).all()
    assert statistics["zscore"].flat == ("C4",)


def test_mostly_constant_recordings_have_no_robust_statistics():
    signal_uv = np.zeros((2, 1000), np.float32)
    signal_uv[:, :200] = noise(200)
    statistics = spooled(signal_uv)[3]
    assert statistics["robust"] is None
    assert statistics["zscore"].spread.min() > 1


def test_flat_recordings_are_refused():
    with pytest.raises(DataError, match=r"All 2 channels are flat"):
        spooled(np.zeros((2, 1000), np.float32))


def test_samples_are_counted():
    with closing(SignalSpool(("C3", "C4"), CONFIG)) as spool:
        spool.push(noise(70_000))
        assert spool.n_samples == 70_000

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.data.filters import Stage
from neurorun.data.resampling import Resampler, resampled_length

pytestmark = pytest.mark.unit

RATES_HZ = [100.0, 128.0, 199.98, 200.0, 250.0, 256.0, 400.0, 500.0, 512.0, 1000.0, 5000.0]


def resampled(block, source_hz, rate_hz=256.0, cuts=()):
    resampler = Resampler(len(block), source_hz, rate_hz)
    borders = [0, *sorted(cuts), block.shape[1]]
    pieces = [resampler.push(block[:, a:b]) for a, b in itertools.pairwise(borders)]
    return np.hstack([*pieces, resampler.finish()])


def sine(hz, rate_hz, duration_s=20.0):
    clock_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return np.sin(2 * np.pi * hz * clock_s).astype(np.float32)[None]


def phasor(block, hz, rate_hz):
    """Complex amplitude of the middle half."""
    n = block.shape[1]
    chosen = np.arange(n // 4, 3 * n // 4)
    wave = np.exp(-2j * np.pi * hz * chosen / rate_hz)
    return 2j * np.mean(block[0, chosen] * wave)


@pytest.mark.parametrize("source_hz", RATES_HZ)
@settings(max_examples=20, deadline=None)
@given(n_samples=st.integers(1, 6000))
def test_length_is_the_duration_to_the_nearest_sample(source_hz, n_samples):
    block = np.ones((2, n_samples), np.float32)
    assert resampled(block, source_hz).shape[1] == round(n_samples * 256.0 / source_hz)


@pytest.mark.parametrize("source_hz", RATES_HZ)
def test_time_is_kept(source_hz):
    wave = phasor(resampled(sine(10, source_hz), source_hz), 10, 256.0)
    assert abs(np.angle(wave)) < 1e-3
    assert abs(wave) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("hz", "gain"), [(118, 0.999), (120, 0.955), (124, 0.151)])
def test_gain_at_the_upper_edge(hz, gain):
    wave = phasor(resampled(sine(hz, 400.0), 400.0), hz, 256.0)
    assert abs(wave) == pytest.approx(gain, abs=0.002)


@pytest.mark.parametrize("hz", [130, 140, 150])
def test_what_the_new_rate_cannot_hold_does_not_fold_back(hz):
    middle = resampled(sine(hz, 400.0), 400.0)[0, 512:-512]
    assert 20 * np.log10(np.abs(middle).max()) < -100


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 5000), max_size=8), source_hz=st.sampled_from(RATES_HZ))
def test_other_blocks_give_the_same_bits(cuts, source_hz):
    block = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    np.testing.assert_array_equal(
        resampled(block, source_hz, cuts=cuts), resampled(block, source_hz)
    )


@pytest.mark.parametrize("source_hz", RATES_HZ)
def test_a_constant_stays_constant_up_to_both_ends(source_hz):
    block = np.full((1, 3000), 5000.0, np.float32)
    np.testing.assert_allclose(resampled(block, source_hz), 5000.0, atol=0.01)


def test_a_drift_is_not_bent_at_the_ends():
    drift = np.linspace(0, 200, 400 * 60, dtype=np.float32)[None]
    expected = np.arange(60 * 256) / 256 * (200 / 60)
    assert np.abs(resampled(drift, 400.0)[0] - expected).max() < 0.05


def test_equal_rates_change_nothing():
    block = np.random.default_rng(0).standard_normal((2, 100)).astype(np.float32)
    np.testing.assert_array_equal(resampled(block, 256.0), block)


def test_length_rounds_to_the_nearest_sample():
    assert resampled_length(401, 400.0, 256.0) == 257


def test_a_resampler_is_a_stage():
    assert isinstance(Resampler(1, 400.0, 256.0), Stage)

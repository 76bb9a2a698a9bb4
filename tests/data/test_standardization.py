import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import DataError, Recording, whole_recording
from neurorun.data import standardization
from neurorun.data.preprocessing import PreprocessingConfig
from neurorun.data.standardization import (
    FLAT_BELOW_UV,
    StatisticsAccumulator,
    channel_statistics,
    standardized,
)

pytestmark = pytest.mark.unit

CHANNELS = ("Fz", "Cz")


def eeg(n_samples, *, offset_uv=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, n_samples)) * [[10], [40]] + offset_uv).astype(np.float32)


def statistics_of(signal_uv, cuts=(), **settings):
    accumulator = StatisticsAccumulator(CHANNELS, PreprocessingConfig(**settings))
    borders = [0, *sorted(cuts), signal_uv.shape[1]]
    for first, stop in itertools.pairwise(borders):
        accumulator.push(signal_uv[:, first:stop])
    return accumulator.result()


@pytest.mark.parametrize("offset_uv", [0.0, 100.0, 20_000.0])
def test_zscore_is_mean_and_deviation(offset_uv):
    signal_uv = eeg(10_000, offset_uv=offset_uv)
    found = statistics_of(signal_uv)
    np.testing.assert_allclose(found.center, signal_uv.astype(float).mean(1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.spread, signal_uv.astype(float).std(1), rtol=1e-9)


def test_robust_is_median_and_scaled_quartile_distance():
    signal_uv = eeg(10_001)
    found = statistics_of(signal_uv, standardize="robust")
    low, median, high = np.quantile(signal_uv.astype(float), [0.25, 0.5, 0.75], axis=1)
    np.testing.assert_allclose(found.center, median)
    np.testing.assert_allclose(found.spread, (high - low) / 1.3489795)


def test_robust_spread_equals_the_deviation_of_gaussian_noise():
    found = statistics_of(eeg(200_000), standardize="robust")
    np.testing.assert_allclose(found.spread, [10, 40], rtol=0.02)


def test_robust_does_not_see_an_artifact():
    signal_uv = eeg(10_000)
    spoiled = signal_uv.copy()
    spoiled[:, :100] = 5000
    before, after = (statistics_of(s, standardize="robust").spread for s in (signal_uv, spoiled))
    np.testing.assert_allclose(after, before, rtol=0.05)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_zscore_does_not_depend_on_the_blocks(cuts):
    signal_uv = eeg(3000, offset_uv=1000)
    found, whole = statistics_of(signal_uv, cuts), statistics_of(signal_uv)
    np.testing.assert_allclose(found.center, whole.center, rtol=1e-12)
    np.testing.assert_allclose(found.spread, whole.spread, rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, 5000), max_size=6), kept=st.sampled_from([64, 1024]))
def test_robust_does_not_depend_on_the_blocks_however_long(cuts, kept):
    signal_uv = eeg(5000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standardization, "_KEPT", kept)
        found = statistics_of(signal_uv, cuts, standardize="robust")
    stride = next(2**k for k in range(20) if -(-5000 // 2**k) <= kept)
    kept_samples = signal_uv[:, ::stride].astype(float)
    np.testing.assert_allclose(found.center, np.median(kept_samples, axis=1))


def test_fixed_scale_looks_at_nothing():
    found = statistics_of(np.zeros((2, 10), np.float32), standardize="fixed", fixed_scale_uv=80)
    assert found.center.tolist() == [0, 0]
    assert found.spread.tolist() == [80, 80]


def test_without_standardizing_microvolts_stay():
    config = PreprocessingConfig(normalize=False)
    signal_uv = eeg(100) * 100
    found = statistics_of(signal_uv, normalize=False)
    assert (found.center.tolist(), found.spread.tolist()) == ([0, 0], [1, 1])
    np.testing.assert_array_equal(standardized(signal_uv, found, config), signal_uv)


@pytest.mark.parametrize("method", ["zscore", "robust"])
def test_a_flat_channel_is_named_and_stays_constant(method):
    signal_uv = eeg(1000)
    signal_uv[1] = 7.0
    config = PreprocessingConfig(standardize=method)
    found = statistics_of(signal_uv, standardize=method)
    assert found.flat == ("Cz",)
    assert found.spread[1] == FLAT_BELOW_UV
    values = standardized(signal_uv, found, config)
    np.testing.assert_allclose(values[1], 0.0, atol=1e-6)
    assert values[0].std() == pytest.approx(1, rel=0.1)


def test_noise_below_the_resolution_of_an_amplifier_is_not_blown_up():
    signal_uv = eeg(1000)
    signal_uv[1] *= 1e-6
    values = standardized(signal_uv, statistics_of(signal_uv), PreprocessingConfig())
    assert np.abs(values[1]).max() < 0.05


def test_the_legacy_preset_blows_it_up_as_it_always_did():
    signal_uv = eeg(1000)
    signal_uv[1] *= 1e-6
    found = statistics_of(signal_uv, preset="legacy")
    assert found.flat == ("Cz",)
    np.testing.assert_allclose(found.spread, signal_uv.astype(float).std(1) + 1e-8, rtol=1e-6)


def test_a_recording_without_signal_is_refused():
    with pytest.raises(DataError, match=r"All 2 channels are flat: the largest spread is 0 micro"):
        statistics_of(np.full((2, 50), 3.0, np.float32))


def test_clipping_limits_the_range():
    signal_uv = eeg(1000)
    signal_uv[:, 10] = 1e5
    found = statistics_of(signal_uv)
    assert standardized(signal_uv, found, PreprocessingConfig()).max() == 10
    assert standardized(signal_uv, found, PreprocessingConfig(clip_at=None)).max() > 10


def test_all_stretches_of_a_recording_count():
    signal_uv = eeg(1000)
    recording = Recording("r", "p", CHANNELS, 256.0, signal_uv, whole_recording(1000))
    found = channel_statistics(recording, PreprocessingConfig())
    np.testing.assert_allclose(found.spread, statistics_of(signal_uv).spread)

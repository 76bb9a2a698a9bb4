import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sps

from neurorun.data.filters import (
    CausalFilter,
    Stage,
    ZeroPhaseFilter,
    design_cascade,
    settling_samples,
)

pytestmark = pytest.mark.unit

RATE_HZ = 256.0
SOS = design_cascade(RATE_HZ, bandpass=(0.5, 120.0), notch_freq=60)
FILTERS = [CausalFilter, ZeroPhaseFilter]


def eeg(n_samples, *, offset_uv=0.0, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n_channels, n_samples)) * 30
    return (noise + offset_uv).astype(np.float32)


def filtered(make, block, cuts=()):
    stage = make(SOS)
    borders = [0, *sorted(cuts), block.shape[1]]
    pieces = [stage.push(block[:, a:b]) for a, b in itertools.pairwise(borders)]
    return np.hstack([*pieces, stage.finish()])


def gain_at(hz, make=CausalFilter):
    clock_s = np.arange(60 * 256) / RATE_HZ
    wave = np.sin(2 * np.pi * hz * clock_s).astype(np.float32)[None]
    middle = filtered(make, wave)[0, 20 * 256 : 40 * 256]
    return float(np.sqrt(2 * np.mean(middle**2)))


@pytest.mark.parametrize(
    ("hz", "gain"),
    [(0.05, 0.0), (0.5, 0.7071), (2.0, 1.0), (20.0, 1.0), (60.0, 0.0), (100.0, 1.0), (120, 0.7071)],
)
def test_gain_over_frequency(hz, gain):
    assert gain_at(hz) == pytest.approx(gain, abs=0.01)


def test_zero_phase_has_the_square_of_the_gain():
    assert gain_at(0.5, ZeroPhaseFilter) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("notch", "suppressed", "kept"), [(50, 50.0, 60.0), (60, 60.0, 50.0)])
def test_the_notch_sits_at_the_frequency_of_the_mains(notch, suppressed, kept):
    sos = design_cascade(RATE_HZ, bandpass=None, notch_freq=notch)
    _, response = sps.sosfreqz(sos, [suppressed, kept], fs=RATE_HZ)
    assert abs(response[0]) < 1e-6
    assert abs(response[1]) > 0.98


def test_nothing_to_filter_gives_no_section():
    assert design_cascade(RATE_HZ, bandpass=None, notch_freq=None).shape == (0, 6)


def test_cascade_equals_the_polynomial_form():
    x = eeg(5000)
    x -= x[:, :1]
    y = sps.lfilter(*sps.butter(3, (0.5, 120), "bandpass", fs=RATE_HZ), x.astype(np.float64))
    y = sps.lfilter(*sps.iirnotch(60, 30, fs=RATE_HZ), y)
    np.testing.assert_allclose(filtered(CausalFilter, x), y, atol=1e-4)


@pytest.mark.parametrize("make", FILTERS)
@pytest.mark.parametrize("offset_uv", [100.0, 1000.0, 5000.0])
def test_a_constant_offset_leaves_no_trace(make, offset_uv):
    with_offset = filtered(make, eeg(256 * 60, offset_uv=offset_uv))
    without = filtered(make, eeg(256 * 60))
    np.testing.assert_allclose(with_offset, without, atol=0.01)


@pytest.mark.parametrize("make", FILTERS)
@pytest.mark.parametrize("n_samples", [1, 2, 3, 1127, 1128, 1129, 20_000, 40_000])
def test_as_many_samples_come_out_as_go_in(make, n_samples):
    assert filtered(make, eeg(n_samples)).shape == (2, n_samples)


@pytest.mark.parametrize("make", FILTERS)
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 40_000), max_size=6))
def test_other_blocks_give_the_same_bits(make, cuts):
    block = eeg(40_000, n_channels=1)
    np.testing.assert_array_equal(filtered(make, block, cuts), filtered(make, block))


@pytest.mark.parametrize("n_samples", [1, 2, 500, 1128, 5000, 60_000])
def test_zero_phase_equals_scipy_on_the_whole_signal(n_samples):
    block = eeg(n_samples, offset_uv=5000)
    n_padding = min(n_samples - 1, settling_samples(SOS, 1e-3))
    expected = sps.sosfiltfilt(SOS, block.astype(np.float64), padlen=n_padding)
    np.testing.assert_allclose(filtered(ZeroPhaseFilter, block), expected, atol=1e-5)


def test_zero_phase_keeps_a_wave_where_it_is():
    clock_s = np.arange(30 * 256) / RATE_HZ
    wave = np.sin(2 * np.pi * 3 * clock_s).astype(np.float32)[None]
    middle = slice(10 * 256, 20 * 256)
    np.testing.assert_allclose(
        filtered(ZeroPhaseFilter, wave)[:, middle], wave[:, middle], atol=1e-3
    )


@pytest.mark.parametrize(("hz", "delay_ms"), [(0.6, 607), (1.0, 187), (2.0, 42), (3.0, 18)])
def test_the_causal_filter_delays_slow_waves_by_the_documented_time(hz, delay_ms):
    _, delay = sps.group_delay(sps.sos2tf(SOS[:3]), [hz], fs=RATE_HZ)
    assert delay[0] / RATE_HZ * 1000 == pytest.approx(delay_ms, rel=0.05)


@pytest.mark.parametrize("make", FILTERS)
def test_filters_are_stages(make):
    assert isinstance(make(SOS), Stage)

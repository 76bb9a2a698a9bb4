import numpy as np
import pytest
from scipy.signal import welch

from neurorun.simulation.eeg_signal import (
    ELECTRODES,
    POSITIONS,
    Scalp,
    band,
    gate,
    noise,
    place,
    poisson_times,
    power_law,
    random_place,
    weights_around,
)

pytestmark = pytest.mark.unit

ALL = np.ones(19, np.float32)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_electrodes_lie_on_the_sphere_left_and_right_alike():
    names = list(ELECTRODES)
    assert len(names) == 19
    np.testing.assert_allclose(np.linalg.norm(POSITIONS, axis=1), 1)
    for left, right in (("Fp1", "Fp2"), ("F7", "F8"), ("T5", "T6"), ("O1", "O2"), ("C3", "C4")):
        mirrored = POSITIONS[names.index(left)] * [-1, 1, 1]
        np.testing.assert_allclose(mirrored, POSITIONS[names.index(right)], atol=1e-12)
    assert POSITIONS[names.index("Fp1"), 1] > 0.9
    assert POSITIONS[names.index("O1"), 1] < -0.9


def test_weights_fall_with_distance():
    weights = dict(zip(ELECTRODES, weights_around(place(90, -90), 0.5), strict=True))
    assert weights["T3"] == pytest.approx(1)
    assert weights["T3"] > weights["C3"] > weights["Cz"] > weights["T4"]


@pytest.mark.parametrize("n_samples", [1, 997, 10_007])
def test_noise_has_the_length_asked_for(n_samples):
    found = noise(rng(), [(1.0, band(10, 1))], n_samples=n_samples, rate_hz=256, n_series=3)
    assert found.shape == (3, n_samples)


def test_noise_has_the_deviation_of_its_parts():
    sizes = np.array([[3.0], [30.0]])
    parts = [(sizes, power_law(1.0, low_hz=1.0)), (4.0, band(20, 2))]
    found = noise(rng(), parts, n_samples=100_000, rate_hz=256, n_series=2)
    np.testing.assert_allclose(found.std(axis=1), [5.0, np.hypot(30, 4)], rtol=0.03)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_noise_falls_as_its_exponent_says(exponent):
    parts = [(1.0, power_law(exponent, low_hz=0.5))]
    found = noise(rng(), parts, n_samples=400_000, rate_hz=256)
    f_hz, power = welch(found[0], 256, nperseg=2048)
    inside = (f_hz > 2) & (f_hz < 60)
    slope = np.polyfit(np.log(f_hz[inside]), np.log(power[inside]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)


def test_band_noise_stays_in_its_band():
    found = noise(rng(), [(1.0, band(10, 0.5))], n_samples=100_000, rate_hz=256)
    f_hz, power = welch(found[0], 256, nperseg=2048)
    assert f_hz[power.argmax()] == pytest.approx(10, abs=0.5)
    assert power[(f_hz > 8) & (f_hz < 12)].sum() > 0.99 * power.sum()


def test_a_gate_is_open_inside_only():
    found = gate(1000, 100.0, 2.0, 6.0, ramp_s=0.5)
    assert found[:200].max() == 0
    assert found[600:].max() == 0
    assert found[250:550].min() == 1


@pytest.mark.parametrize(
    ("onset_s", "expected"),
    [
        (0.0, [1, 2, 3, 0, 0]),
        (2.0, [0, 0, 1, 2, 3]),
        (4.0, [0, 0, 0, 0, 1]),
        (-1.0, [2, 3, 0, 0, 0]),
        (5.0, [0, 0, 0, 0, 0]),
        (-3.0, [0, 0, 0, 0, 0]),
    ],
)
def test_what_lies_outside_the_recording_is_cut_off(onset_s, expected):
    scalp = Scalp(5.0, 1.0)
    scalp.add(ALL, np.array([1, 2, 3], np.float32), onset_s)
    assert scalp.signal_uv[7].tolist() == expected


def test_random_times_are_sorted_and_as_many_as_expected():
    times = poisson_times(rng(), 30.0, 3600.0)
    assert len(times) == pytest.approx(1800, rel=0.1)
    assert (np.diff(times) >= 0).all()
    assert 0 <= times[0] <= times[-1] < 3600


def test_random_places_lie_under_the_cap():
    places = np.array([random_place(rng(seed)) for seed in range(200)])
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1)
    assert places[:, 2].min() >= -0.1

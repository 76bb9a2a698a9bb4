import math

import numpy as np
import pytest

from neurorun.evaluation.localization.courses import (
    centre_correlation,
    residual_variance,
    scaled_error,
    time_error_ms,
)

pytestmark = pytest.mark.unit

RATE = 500.0
SOURCES = (np.array([1, 0]), np.array([4]))


def activity(n_samples=100, seed=0):
    return np.random.default_rng(seed).normal(size=(n_samples, 6))


def bump(at, n_samples=100):
    found = np.zeros((n_samples, 6))
    for region, sample in at.items():
        found[sample, region] = 1.0
    return found


@pytest.mark.parametrize(
    ("estimate", "peaks", "expected"),
    [
        pytest.param({1: 30, 4: 60}, (1, 4), 0.0, id="in-time"),
        pytest.param({1: 33, 4: 60}, (1, 4), 3.0, id="six-ms-late-in-one-of-two"),
        pytest.param({2: 30, 4: 50}, (2, 4), 10.0, id="followed-where-it-is-strongest"),
        pytest.param({4: 61}, (0, 4), 2.0, id="silent-near-a-source"),
    ],
)
def test_time_error(estimate, peaks, expected):
    found = time_error_ms(
        bump(estimate),
        bump({1: 30, 4: 60}),
        sources=SOURCES,
        peaks=tuple(np.array([one]) for one in peaks),
        rate_hz=RATE,
    )
    assert found == pytest.approx(expected)


def test_time_error_of_silence_is_undefined():
    peaks = (np.arange(3), np.arange(3, 6))
    silent = np.zeros((100, 6))
    error = time_error_ms(silent, bump({1: 3, 4: 5}), sources=SOURCES, peaks=peaks, rate_hz=RATE)
    assert math.isnan(error)


def test_correlation_is_the_mean_over_centres():
    truth, estimate = activity(), activity(seed=1)
    expected = np.mean(
        [np.corrcoef(truth[:, one[0]], estimate[:, one[0]])[0, 1] for one in SOURCES]
    )
    assert centre_correlation(estimate, truth, sources=SOURCES) == pytest.approx(expected)


def test_correlation_knows_neither_scale_nor_offset():
    truth = activity()
    assert centre_correlation(5 * truth + 3, truth, sources=SOURCES) == pytest.approx(1.0)


def test_constant_estimate_correlates_with_nothing_and_constant_truth_is_undefined():
    truth = activity()
    assert centre_correlation(np.ones((100, 6)), truth, sources=SOURCES) == 0.0
    assert math.isnan(centre_correlation(truth, np.ones((100, 6)), sources=SOURCES))


def test_scaled_error_is_that_of_the_best_factor():
    truth, estimate = activity(), activity() + activity(seed=1)
    a, b = (one - one.mean(axis=0) for one in (estimate, truth))
    factors = np.linspace(0, 2, 20_001)
    errors = [np.sum((factor * a - b) ** 2) / np.sum(b**2) for factor in factors]
    assert scaled_error(estimate, truth) == pytest.approx(min(errors), abs=1e-6)


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0.0), (1e-6, 0.0), (0.0, 1.0), (-1.0, 1.0)])
def test_scaled_error_lies_between_perfect_and_silent(factor, expected):
    truth = activity()
    assert scaled_error(factor * truth, truth) == pytest.approx(expected, abs=1e-12)


def test_scaled_error_of_constant_truth_is_undefined():
    assert math.isnan(scaled_error(activity(), np.ones((100, 6))))


def test_residual_variance_is_what_the_projection_leaves():
    rng = np.random.default_rng(3)
    leadfield, truth = rng.normal(size=(4, 6)), activity()
    eeg = truth @ leadfield.T
    assert residual_variance(0.1 * truth, eeg + 7.0, leadfield) == pytest.approx(0.0, abs=1e-12)
    noise = rng.normal(size=eeg.shape)
    noise -= noise.mean(axis=0)
    noise -= noise.mean(axis=1, keepdims=True)
    left = residual_variance(truth, eeg + noise, leadfield)
    assert 0.01 < left < 0.6
    assert residual_variance(np.zeros((100, 6)), eeg, leadfield) == 1.0

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurorun.core import Stretch
from neurorun.reporting.review.envelope import (
    UNKNOWN,
    Envelope,
    lowest_and_highest,
    probability_envelopes,
    probability_steps,
    survey_signal,
)

pytestmark = pytest.mark.unit

SIGNALS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 70)),
    elements=st.floats(-3000, 3000, width=32),
)


@dataclass(frozen=True, eq=False)
class Held:
    """A signal in memory."""

    signal_uv: np.ndarray
    rate_hz: float
    stretches: tuple[Stretch, ...]

    @property
    def channels(self):
        return tuple(f"C{n}" for n in range(len(self.signal_uv)))

    def microvolts(self, first, n_samples):
        return self.signal_uv[:, first : first + n_samples]


def brute_force(values, per_bin):
    bins = [values[:, i : i + per_bin] for i in range(0, values.shape[1], per_bin)]
    return np.stack([b.min(axis=1) for b in bins], 1), np.stack([b.max(axis=1) for b in bins], 1)


@given(SIGNALS, st.integers(1, 9))
def test_every_bin_holds_the_extremes_of_its_samples(values, per_bin):
    low, high = lowest_and_highest(values, per_bin)
    expected_low, expected_high = brute_force(values, per_bin)
    np.testing.assert_array_equal(low, expected_low)
    np.testing.assert_array_equal(high, expected_high)


@given(SIGNALS, st.integers(1, 5), st.integers(0, 4))
def test_a_coarser_envelope_is_that_of_longer_bins(values, per_bin, times):
    envelope = Envelope(0.0, float(per_bin), *lowest_and_highest(values, per_bin))
    for _ in range(times):
        envelope = envelope.halved()
    low, high = brute_force(values, per_bin * 2**times)
    np.testing.assert_array_equal(envelope.low, low)
    np.testing.assert_array_equal(envelope.high, high)
    assert envelope.bin_s == per_bin * 2**times


@given(SIGNALS, st.sampled_from([0.25, 0.5, 2.0]))
@example(np.float32([[1e-45]]), 2.0)
def test_no_peak_is_lost_by_rounding_and_none_grows_by_a_step(values, step):
    envelope = Envelope(0.0, 1.0, *lowest_and_highest(values, 4))
    low, high = np.split(envelope.in_steps(step).astype(np.float64) * step, 2)
    assert (low <= envelope.low).all()
    assert (envelope.low < low + step).all()
    assert (high >= envelope.high).all()
    assert (high - step < envelope.high).all()


@given(SIGNALS, st.integers(0, 2**32))
def test_a_survey_is_that_of_every_stretch_by_itself(values, seed):
    n_samples = values.shape[1]
    cut = int(np.random.default_rng(seed).integers(0, n_samples))
    stretches = (Stretch(0, cut, 0.0), Stretch(cut, n_samples - cut, 100.0))
    kept = tuple(one for one in stretches if one.n_samples)
    survey = survey_signal(Held(values, 32.0, kept))
    for envelope, stretch in zip(survey.envelopes, kept, strict=True):
        low, high = brute_force(values[:, stretch.first : stretch.stop], 4)
        np.testing.assert_array_equal(envelope.low, low)
        np.testing.assert_array_equal(envelope.high, high)
        assert (envelope.onset_s, envelope.bin_s) == (stretch.onset_s, 0.125)
    assert survey.largest_uv == pytest.approx(np.abs(values).max())
    seconds = [
        values[:, first : min(first + 32, one.stop)]
        for one in kept
        for first in range(one.first, one.stop, 32)
    ]
    ranges = np.stack([np.ptp(second, axis=1) for second in seconds], axis=1)
    assert survey.typical_uv == pytest.approx(np.median(np.median(ranges, axis=1)), abs=1e-3)


def test_a_long_signal_is_surveyed_block_by_block_without_a_seam():
    values = np.random.default_rng(1).normal(size=(2, 8 * 512 * 3 + 5)).astype(np.float32)
    survey = survey_signal(Held(values, 64.0, (Stretch(0, values.shape[1], 0.0),)))
    low, high = brute_force(values, 8)
    np.testing.assert_array_equal(survey.envelopes[0].low, low)
    np.testing.assert_array_equal(survey.envelopes[0].high, high)


@pytest.mark.parametrize(
    ("gain_uv", "step_uv"),
    [
        pytest.param(100.0, 0.5, id="usual EEG"),
        pytest.param(0.032, 0.001, id="a signal in another unit"),
        pytest.param(320_000.0, 10.0, id="more than 16 bits of half microvolts"),
        pytest.param(0.0, 0.5, id="flat"),
    ],
)
def test_a_step_is_finer_than_what_can_be_seen_and_holds_the_largest_value(gain_uv, step_uv):
    values = np.tile(np.float32([[-gain_uv, gain_uv]]), (2, 50))
    survey = survey_signal(Held(values, 32.0, (Stretch(0, 100, 0.0),)))
    assert survey.step_uv == pytest.approx(step_uv)


def test_probabilities_become_thousandths_and_unknown_ones_are_passed_over():
    values = np.float32([0.1, 0.9, np.nan, 0.25, np.nan, np.nan])
    (envelope,) = probability_envelopes([(5.0, values), (9.0, values[:0])], 32.0)
    assert (envelope.onset_s, envelope.bin_s) == (5.0, 0.0625)
    low_unknown, high_unknown = UNKNOWN
    expected = [[100, 250, low_unknown], [900, 250, high_unknown]]
    assert probability_steps(envelope).tolist() == expected
    assert probability_steps(envelope.halved()).tolist() == [
        [100, low_unknown],
        [900, high_unknown],
    ]

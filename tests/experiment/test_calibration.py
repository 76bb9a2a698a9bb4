"""Centre and spread of a live signal: of every channel the first signal, however it comes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import Recording, whole_recording
from neurorun.data import PreprocessingConfig, channel_statistics, standardized
from neurorun.experiment.calibration import Calibration

pytestmark = pytest.mark.unit

NAMES = ("A", "B")
RATE_HZ = 20
NEEDED_S = 5
CONFIGS = {
    kind: PreprocessingConfig(montage=NAMES, standardize=kind) for kind in ("zscore", "robust")
}


def eeg(duration_s, *, gain_uv=(30, 50), seed=0):
    noise = np.random.default_rng(seed).standard_normal((2, round(duration_s * RATE_HZ)))
    return (np.array(gain_uv)[:, None] * noise + 7).astype(np.float32)


def flat(duration_s):
    return np.zeros((2, round(duration_s * RATE_HZ)), np.float32)


def statistics(signal, config):
    recording = Recording("r", "p", NAMES, RATE_HZ, signal, whole_recording(signal.shape[1]))
    return channel_statistics(recording, config)


def by(heard, signal, config):
    """A signal standardized by what was heard."""
    return standardized(signal, statistics(heard, config), config)


@pytest.fixture(params=CONFIGS)
def config(request):
    return CONFIGS[request.param]


def begun(config, **options):
    return Calibration(NAMES, config, rate_hz=RATE_HZ, needed_s=NEEDED_S, **options)


def test_the_signal_waits_for_the_first_seconds_and_is_standardized_by_them(config):
    calibration, signal = begun(config), eeg(8)
    assert calibration.latency_s == 5
    assert not calibration.push(signal[:, :99]).size
    given = calibration.push(signal[:, 99:])
    assert calibration.is_complete
    assert calibration.latency_s == 0
    np.testing.assert_allclose(given, by(signal[:, :100], signal, config), atol=1e-5)


def test_a_gap_gives_what_was_heard_so_far_and_does_not_end_the_gathering(config):
    calibration, loose, signal = begun(config), eeg(1.5, gain_uv=(500, 500)), eeg(10)
    assert not calibration.push(loose).size
    np.testing.assert_allclose(calibration.finish(), by(loose, loose, config), atol=1e-5)
    assert not calibration.is_complete
    given = calibration.push(signal)
    assert calibration.is_complete
    heard = np.hstack([loose, signal[:, :80]])
    np.testing.assert_allclose(given, by(heard, signal, config), atol=1e-5)


def test_flat_signal_before_any_other_is_given_as_0_at_once_and_not_heard(config):
    calibration, signal = begun(config), eeg(6)
    head = calibration.push(flat(20))
    assert head.shape == (2, 400)
    assert not head.any()
    assert calibration.latency_s == 5
    given = calibration.push(signal)
    np.testing.assert_allclose(given, by(signal[:, :100], signal, config), atol=1e-5)


def test_a_stretch_without_any_signal_ends_as_0(config):
    calibration = begun(config)
    pushed = calibration.push(flat(2.5))
    rest = calibration.finish()
    assert pushed.shape[1] + rest.shape[1] == 50
    assert not np.hstack([pushed, rest]).any()
    assert not calibration.is_complete


def test_an_electrode_that_comes_late_is_0_and_then_standardized_by_its_own_signal(config):
    calibration, signal = begun(config), eeg(30)
    signal[1, :200] = 0  # ten seconds
    given = calibration.push(signal)
    np.testing.assert_allclose(given[0], by(signal[:, :100], signal, config)[0], atol=1e-5)
    assert not given[1, :220].any()
    after_two_s = by(signal[:, 200:240], signal[:, 240:260], config)[1]
    np.testing.assert_allclose(given[1, 240:260], after_two_s, atol=1e-5)
    final = by(signal[:, 200:300], signal[:, 300:], config)[1]
    np.testing.assert_allclose(given[1, 300:], final, atol=1e-5)
    assert calibration.is_complete


def test_pauses_in_which_all_is_flat_make_nothing_wait_longer(config):
    calibration, signal = begun(config), eeg(8)
    signal[:, 20:90] = 0
    assert not calibration.push(signal[:, :99]).size
    given = calibration.push(signal[:, 99:101])
    heard = np.hstack([signal[:, :20], signal[:, 80:100]])
    assert given.shape == (2, 101)
    np.testing.assert_allclose(given[:, :100], by(heard, signal[:, :100], config), atol=1e-5)
    assert not calibration.is_complete


def test_what_an_earlier_recording_did_not_hold_is_heard(config):
    earlier, signal = eeg(20, seed=1), eeg(10)
    earlier[1] = 0
    known = statistics(earlier, config)
    calibration = begun(config, known=known)
    assert calibration.latency_s == 0
    given = calibration.push(signal)
    np.testing.assert_array_equal(given[0], standardized(signal, known, config)[0])
    assert not given[1, :20].any()
    final = by(signal[:, :100], signal[:, 100:], config)[1]
    np.testing.assert_allclose(given[1, 100:], final, atol=1e-5)


@given(
    cuts=st.lists(st.integers(0, 400), max_size=12),
    pauses=st.lists(
        st.tuples(st.sampled_from([0, 1]), st.integers(0, 300), st.integers(1, 150)), max_size=4
    ),
    end=st.integers(1, 400),
    kind=st.sampled_from(list(CONFIGS)),
)
@settings(max_examples=60, deadline=None)
def test_any_chunking_gives_the_same_bits_and_every_sample(cuts, pauses, end, kind):
    signal = eeg(20)
    for row, first, n in pauses:
        signal[row, first : first + n] = 0

    def followed(bounds):
        calibration, given = begun(CONFIGS[kind]), []
        for first, stop in zip([0, *bounds], [*bounds, 400], strict=True):
            given.append(calibration.push(signal[:, first:stop]))
            if stop == end:
                given.append(calibration.finish())
        return np.hstack([*given, calibration.finish()])

    whole = followed([end])
    assert whole.shape == signal.shape
    bounds = sorted({*(cut for cut in cuts if cut != end), end})
    np.testing.assert_array_equal(followed(bounds), whole)

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import ConfigError, DataError, Recording, whole_recording
from neurorun.experiment import LiveDetector
from neurorun.models import SeizureDetectorConfig, build_detector

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("loud", HERE / "loud.py")
loud = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(loud)

CHANNELS = ("C3", "EOG", "C4")
SOURCE_HZ = 100
N_SAMPLES = 60 * SOURCE_HZ


def signal(n_samples=N_SAMPLES, seed=0):
    """Noise that is loud from time to time; EEG-like in size."""
    rng = np.random.default_rng(seed)
    gain = 1 + 2 * (np.sin(np.arange(n_samples) / SOURCE_HZ / 3) > 0.4)
    noise = 20 * gain * rng.standard_normal((len(CHANNELS), n_samples))
    return noise.astype(np.float32)


SIGNAL = signal()
FIXED = {"preprocessing": {"standardize": "fixed", "fixed_scale_uv": 30}}


def recording(samples):
    return Recording("r", "p", CHANNELS, SOURCE_HZ, samples, whole_recording(samples.shape[1]))


def causal():
    torch.manual_seed(1)
    config = SeizureDetectorConfig.model_validate(
        {
            "encoder": {"channels": (4, 6)},
            "rescnn": {"n_blocks": 1},
            "mamba": {"n_layers": 1, "d_model": 8, "head_dim": 4, "d_state": 3},
            "causal": True,
        }
    )
    model = build_detector(config, 2)
    for _ in range(3):
        model(torch.randn(4, 2, 64))
    model.head.weight.data *= 20
    return model.eval()


def windowed_detector():
    return loud.detector(**FIXED)


def causal_detector():
    lenient = {
        "hysteresis": {
            "tau_on": 0.5, "tau_off": 0.2, "min_onset_samples": 1, "min_offset_samples": 2
        },
        "morphology": {"opening_kernel": 1, "closing_kernel": 9},
        "duration": {"min_duration_s": 0.05},
        "events": {"tau_merge": 0.5},
    }  # fmt: skip
    return loud.detector(model=causal(), postprocessing=lenient, **FIXED)


DETECTORS = {"windows": windowed_detector(), "causal": causal_detector()}


def live(name, **options):
    return LiveDetector(DETECTORS[name], channels=CHANNELS, rate_hz=SOURCE_HZ, **options)


def run(detector, samples, bounds):
    """All outputs for a signal in pieces, joined."""
    outputs = [detector.push(samples[:, a:b]) for a, b in pairwise(bounds)]
    outputs.append(detector.finish())
    events = [event for output in outputs for event in output.events]
    return np.concatenate([output.probabilities for output in outputs]), events


def times(events):
    return [(event.onset_s, event.offset_s) for event in events]


WHOLE = {name: run(live(name), SIGNAL, [0, N_SAMPLES]) for name in DETECTORS}


@pytest.mark.parametrize("name", DETECTORS)
@given(cuts=st.lists(st.integers(0, N_SAMPLES), max_size=30))
@settings(max_examples=15, deadline=None)
def test_any_chunking_gives_the_same_bits(name, cuts):
    probabilities, events = run(live(name), SIGNAL, [0, *sorted(cuts), N_SAMPLES])
    np.testing.assert_array_equal(probabilities, WHOLE[name][0])
    assert events == WHOLE[name][1]
    assert events


def test_windows_followed_live_give_what_the_file_gives():
    probabilities, events = WHOLE["windows"]
    expected = DETECTORS["windows"].detect(recording(SIGNAL))
    assert probabilities.size == 60 * loud.RATE_HZ
    assert times(events) == times(expected.events)


def test_a_causal_detector_gives_what_it_says_of_the_whole_signal():
    detector = DETECTORS["causal"]
    prepared = detector.prepare(recording(SIGNAL))
    window = torch.from_numpy(prepared.window(0, prepared.n_samples))
    with torch.no_grad():
        expected = torch.sigmoid(detector.model(window[None]))[0].numpy()
    np.testing.assert_allclose(WHOLE["causal"][0], expected, atol=2e-3)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("rate_hz", [SOURCE_HZ, loud.RATE_HZ, 256])
def test_nothing_comes_later_than_stated(name, rate_hz):
    detector = LiveDetector(DETECTORS[name], channels=CHANNELS, rate_hz=rate_hz)
    n_given, latest_s, n_step = 0, 0.0, rate_hz // 10
    samples = signal(40 * rate_hz)
    for first in range(0, samples.shape[1], n_step):
        output = detector.push(samples[:, first : first + n_step])
        assert output.onset_s == pytest.approx(n_given / loud.RATE_HZ)
        n_given += output.probabilities.size
        now_s = (first + n_step) / rate_hz
        latest_s = max(latest_s, now_s - n_given / loud.RATE_HZ)
        for event in output.events:
            assert now_s - event.offset_s <= detector.latency_s + 0.1
    assert 0.5 * detector.probability_latency_s < latest_s <= detector.probability_latency_s
    assert detector.latency_s > detector.probability_latency_s


def test_the_latency_of_windows_is_a_window_and_a_stride():
    detector = LiveDetector(DETECTORS["windows"], channels=CHANNELS, rate_hz=loud.RATE_HZ)
    assert detector.probability_latency_s == 14.0


def test_nothing_reaches_over_a_gap():
    detector = live("windows")
    first = detector.push(SIGNAL[:, :3000])
    rest = detector.gap(12.5)
    assert first.probabilities.size + rest.probabilities.size == 30 * loud.RATE_HZ
    after = detector.push(SIGNAL[:, 3000:])
    assert after.onset_s == 42.5
    events = [*after.events, *detector.finish().events]
    alone = run(live("windows"), SIGNAL[:, 3000:], [0, 3000])[1]
    assert [event.shifted(42.5) for event in alone] == events


def test_an_earlier_recording_tells_centre_and_spread():
    detector = loud.detector()
    with_recording = LiveDetector(
        detector, channels=CHANNELS, rate_hz=SOURCE_HZ, calibration=recording(SIGNAL)
    )
    probabilities, events = run(with_recording, SIGNAL, [0, 100, N_SAMPLES])
    expected = detector.detect(recording(SIGNAL))
    assert probabilities.size == 60 * loud.RATE_HZ
    assert times(events) == times(expected.events)


@given(cuts=st.lists(st.integers(0, N_SAMPLES), max_size=10))
@settings(max_examples=10, deadline=None)
def test_without_it_the_first_minutes_tell_them(cuts):
    detector = loud.detector()

    def begun():
        return LiveDetector(detector, channels=CHANNELS, rate_hz=SOURCE_HZ, calibration_s=30)

    waiting = begun()
    assert not waiting.push(SIGNAL[:, :2900]).probabilities.size
    assert waiting.push(SIGNAL[:, 2900:5000]).probabilities.size
    probabilities, events = run(begun(), SIGNAL, [0, *sorted(cuts), N_SAMPLES])
    whole, expected = run(begun(), SIGNAL, [0, N_SAMPLES])
    np.testing.assert_array_equal(probabilities, whole)
    assert events == expected


def test_a_signal_shorter_than_the_calibration_tells_them_itself():
    detector = LiveDetector(loud.detector(), channels=CHANNELS, rate_hz=SOURCE_HZ)
    assert not detector.push(SIGNAL[:, :2000]).probabilities.size
    assert detector.finish().probabilities.size == 20 * loud.RATE_HZ


def test_a_stream_that_was_never_fed_ends_without_anything():
    assert not live("causal").finish().probabilities.size
    assert not LiveDetector(loud.detector(), channels=CHANNELS, rate_hz=100).finish().events


def test_another_number_of_rows_is_refused():
    with pytest.raises(DataError, match="2 rows of samples for 3 channels; push one row"):
        live("windows").push(SIGNAL[:2])


@pytest.mark.parametrize("options", [{"phase": "zero"}, {"preset": "legacy"}])
def test_a_chain_that_needs_the_end_is_refused(options):
    band = {"bandpass": [0.5, 120], "notch_freq": 60} if "preset" in options else {}
    detector = loud.detector(preprocessing={**options, **band}, data={"sampling_rate": 256})
    with pytest.raises(ConfigError, match="which need their end; live use needs preset"):
        LiveDetector(detector, channels=CHANNELS, rate_hz=SOURCE_HZ)


def test_a_missing_channel_is_named():
    with pytest.raises(DataError, match="C4"):
        LiveDetector(DETECTORS["windows"], channels=("C3",), rate_hz=SOURCE_HZ)

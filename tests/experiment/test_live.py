import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

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


def follow(detector, samples, step=10):
    """Events, and how long the oldest sample had to wait, for a signal in small blocks."""
    events, n_given, latest_s = [], 0, 0.0
    for first in range(0, samples.shape[1], step):
        output = detector.push(samples[:, first : first + step])
        n_given += output.probabilities.size
        latest_s = max(latest_s, (first + step) / SOURCE_HZ - n_given / loud.RATE_HZ)
        events += output.events
    return [*events, *detector.finish().events], latest_s


@pytest.mark.parametrize("kind", ["zscore", "robust"])
def test_a_bad_start_before_a_gap_does_not_spoil_what_follows(kind):
    chosen = loud.detector(preprocessing={"standardize": kind})
    options = {"channels": CHANNELS, "rate_hz": SOURCE_HZ, "calibration_s": 30}
    expected, _ = follow(LiveDetector(chosen, **options), SIGNAL)
    detector = LiveDetector(chosen, **options)
    detector.push(SIGNAL[:, :50] * 4)
    detector.gap(9.5)
    assert not detector.is_calibrated
    events, _ = follow(detector, SIGNAL)
    assert detector.is_calibrated
    assert len(events) == len(expected) > 1
    assert [e.onset_s - 10 for e in events] == pytest.approx([e.onset_s for e in expected], abs=0.5)


def test_electrodes_that_are_put_on_later_are_heard_from_then_on():
    options = {"channels": CHANNELS, "rate_hz": SOURCE_HZ, "calibration_s": 30}
    expected, _ = follow(LiveDetector(loud.detector(), **options), SIGNAL)
    detector = LiveDetector(loud.detector(), **options)
    flat = np.zeros((len(CHANNELS), 40 * SOURCE_HZ), np.float32)
    events, _ = follow(detector, np.hstack([flat, SIGNAL]))
    assert detector.is_calibrated
    # a window that holds both flat signal and noise finds the noise loud
    later = [event.onset_s - 40 for event in events if event.onset_s > 55]
    wanted = [event.onset_s for event in expected if event.onset_s > 15]
    assert len(wanted) > 1
    assert later == pytest.approx(wanted, abs=0.5)


@pytest.mark.parametrize("calibration_s", [8, 30])
def test_the_latency_while_calibrating_is_stated(calibration_s):
    detector = LiveDetector(
        loud.detector(), channels=CHANNELS, rate_hz=SOURCE_HZ, calibration_s=calibration_s
    )
    stated_s = detector.probability_latency_s
    _, latest_s = follow(detector, SIGNAL)
    assert 0.5 * stated_s < latest_s <= stated_s
    assert stated_s >= calibration_s
    assert detector.probability_latency_s <= stated_s


class LoudEnough(nn.Module):
    """Logits from the loudness around each sample alone."""

    def __init__(self) -> None:
        super().__init__()
        self.bound = nn.Parameter(torch.tensor(1.5))

    def forward(self, eeg):
        loudness = eeg.abs().mean(dim=1, keepdim=True)
        return 10 * (
            nn.functional.avg_pool1d(loudness, 65, stride=1, padding=32)[:, 0] - self.bound
        )


def test_a_seizure_is_told_while_it_lasts():
    """As long as it lasts, which here is for ever."""
    detector = LiveDetector(
        loud.detector(model=LoudEnough(), **FIXED), channels=CHANNELS, rate_hz=loud.RATE_HZ
    )
    noise = np.random.default_rng(0).normal(0, 20, (3, 100 * loud.RATE_HZ)).astype(np.float32)
    noise[:, 40 * loud.RATE_HZ :] *= 5
    told = []
    for second in range(100):
        first = second * loud.RATE_HZ
        output = detector.push(noise[:, first : first + loud.RATE_HZ])
        assert output.events == ()
        told.append(output.running_onset_s)
    onset_s = told[-1]
    assert onset_s == pytest.approx(40, abs=0.5)
    began = told.index(onset_s)
    assert set(told[:began]) == {None}
    assert set(told[began:]) == {onset_s}
    assert began + 1 <= onset_s + detector.onset_latency_s + 1
    rest = detector.finish()
    assert [event.onset_s for event in rest.events] == [onset_s]
    assert rest.running_onset_s is None


@pytest.mark.parametrize("name", DETECTORS)
def test_what_is_told_as_running_comes_true_within_the_stated_latency(name):
    detector, told = live(name), {}
    ended = []
    for first in range(0, N_SAMPLES, 10):
        output = detector.push(SIGNAL[:, first : first + 10])
        ended += output.events
        told.setdefault(output.running_onset_s, (first + 10) / SOURCE_HZ)
    ended += detector.finish().events
    told.pop(None)
    assert set(told) <= {event.onset_s for event in ended}
    for event in ended:
        latest_s = event.onset_s + detector.onset_latency_s
        if latest_s < event.offset_s:
            assert told[event.onset_s] <= latest_s + 0.1
    assert detector.probability_latency_s < detector.onset_latency_s <= detector.latency_s


def test_samples_that_are_refused_count_as_not_pushed():
    detector = live("windows")
    first = detector.push(SIGNAL[:, :3000])
    spoilt = SIGNAL[:, 3000:3100].copy()
    spoilt[0, 5] = np.nan
    with pytest.raises(DataError, match="not finite"):
        detector.push(spoilt)
    rest = detector.gap(1.0)
    assert first.probabilities.size + rest.probabilities.size == 30 * loud.RATE_HZ
    assert detector.push(SIGNAL[:, 3100:]).onset_s == 31.0


@pytest.mark.parametrize("name", ["rate_hz", "piece_s", "calibration_s"])
@pytest.mark.parametrize("value", [0, -5, np.nan])
def test_numbers_that_are_not_positive_are_refused(name, value):
    options = {"channels": CHANNELS, "rate_hz": SOURCE_HZ, name: value}
    with pytest.raises(ConfigError, match=rf"{name} is {value}; it must be above 0"):
        LiveDetector(DETECTORS["windows"], **options)


def test_a_negative_gap_is_refused():
    with pytest.raises(ConfigError, match="A gap of -5 s; it must last 0 s or longer"):
        live("windows").gap(-5)


def test_a_stream_that_was_never_fed_ends_without_anything():
    assert not live("causal").finish().probabilities.size
    assert not LiveDetector(loud.detector(), channels=CHANNELS, rate_hz=100).finish().events


def test_another_number_of_rows_is_refused():
    with pytest.raises(DataError, match=r"shape \(2, 6000\) for 3 channels; push an array"):
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

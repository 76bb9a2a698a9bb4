import pickle
from dataclasses import replace

import numpy as np
import pytest

from neurorun.core import DataError, Event, Timeline, events_to_mask
from neurorun.data import (
    CachedRecording,
    PreprocessingConfig,
    channel_statistics,
    prepare,
    standardized,
)
from neurorun.data.builder import build_cache

pytestmark = pytest.mark.unit

CONFIG = PreprocessingConfig(montage=("C3", "C4"), bandpass=(0.5, 20.0), notch_freq=None)
EVENTS = (Event(10, 21), Event(30.5, 33), Event(34, 35, "bckg"))


@pytest.fixture
def prepared(recording):
    return prepare(recording(seed=1), CONFIG, rate_hz=64.0)


@pytest.fixture
def timeline(prepared):
    return Timeline("p1_s1", prepared.duration_s, EVENTS)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="zscore"),
        pytest.param({"standardize": "robust", "clip_at": 2.0}, id="robust"),
        pytest.param({"standardize": "fixed", "fixed_scale_uv": 20.0}, id="fixed"),
        pytest.param({"clip_at": None}, id="unclipped"),
        pytest.param({"normalize": False}, id="microvolts"),
    ],
)
def test_windows_are_the_standardized_signal(prepared, timeline, changes):
    config = CONFIG.model_copy(update=changes)
    cached = CachedRecording.from_recording(prepared, timeline, config)
    expected = standardized(prepared.signal_uv, channel_statistics(prepared, config), config)
    step = (cached.scale / channel_statistics(prepared, config).spread).max()
    for first, n_samples in [(0, 64), (77, 512), (0, prepared.n_samples)]:
        window = cached.window(first, n_samples)
        assert window.dtype == np.float32
        np.testing.assert_allclose(window, expected[:, first : first + n_samples], atol=0.51 * step)


def test_a_window_is_written_into_the_given_place(prepared, timeline):
    cached = CachedRecording.from_recording(prepared, timeline)
    buffer = np.full((2, 2, 64), np.nan, np.float32)
    assert cached.window(5, 64, out=buffer[1]).base is buffer
    np.testing.assert_array_equal(buffer[1], cached.window(5, 64))
    assert np.isnan(buffer[0]).all()


def test_values_beyond_the_limit_are_clipped_exactly(prepared, timeline):
    prepared.signal_uv[0, 100] = 15 * prepared.signal_uv[0].std()
    cached = CachedRecording.from_recording(prepared, timeline, CONFIG)
    assert cached.window(90, 64)[0, 10] == 10.0


def test_masks_follow_from_events(prepared, timeline):
    cached = CachedRecording.from_recording(prepared, timeline)
    whole = events_to_mask(timeline.seizures, prepared.n_samples, 64.0)
    for first, n_samples in [(0, prepared.n_samples), (600, 200), (1330, 64), (2200, 100)]:
        np.testing.assert_array_equal(
            cached.mask(first, n_samples), whole[first : first + n_samples]
        )


def test_windows_do_not_cross_gaps(recording):
    gapped = prepare(recording(gap=True), CONFIG, rate_hz=64.0)
    timeline = Timeline("p1_s1", gapped.duration_s, (Event(19, 27),), gapped.gaps)
    cached = CachedRecording.from_recording(gapped, timeline)
    assert cached.extent.seizures == ((19 * 64, 1280), (1280, 22 * 64))
    assert cached.mask(1280, 64).all()
    for first, n_samples in [(1279, 2), (2500, 61), (-1, 5), (2560, 1)]:
        with pytest.raises(DataError, match=r"lies in no stretch; a window must not cross a gap"):
            cached.window(first, n_samples)


def test_a_recording_that_nobody_annotated_has_no_mask(prepared):
    cached = CachedRecording.from_recording(prepared, None)
    with pytest.raises(DataError, match=r"'p1_s1' has no annotations, so no mask; give its ref"):
        cached.mask(0, 10)
    target = np.zeros(10, np.float32)
    cached.fill_target(0, target)
    assert np.isnan(target).all()
    assert cached.extent.seizures is None


def test_file_and_memory_give_the_same_numbers(tmp_path, entry, recording):
    from neurorun.data import read_recording, read_reference, recorded_time

    source = entry(tmp_path, recording(seed=4), [(10, 21)])
    build_cache([source], tmp_path, split="train", preprocessing=CONFIG, rate_hz=50.0)
    raw = read_recording(source.path, patient="p1")
    timeline = read_reference(source, recorded_time(source.path))
    in_memory = CachedRecording.from_recording(prepare(raw, CONFIG, rate_hz=50.0), timeline, CONFIG)
    from_file = CachedRecording.from_file(tmp_path / "train" / "p1_s1.npz", CONFIG)
    np.testing.assert_array_equal(from_file.signal, in_memory.signal)
    for name in ("timeline", "stretches", "rate_hz", "channels", "patient", "extent", "n_samples"):
        assert getattr(from_file, name) == getattr(in_memory, name)
    for first in (0, 3, 777):
        np.testing.assert_array_equal(from_file.window(first, 400), in_memory.window(first, 400))
        np.testing.assert_array_equal(from_file.mask(first, 400), in_memory.mask(first, 400))


def test_decoding_gives_a_recording(prepared, timeline):
    decoded = CachedRecording.from_recording(prepared, timeline).to_recording()
    assert decoded.channels == prepared.channels
    np.testing.assert_allclose(decoded.signal_uv, prepared.signal_uv, atol=0.05)


def test_it_can_be_sent_to_another_process(prepared, timeline):
    cached = CachedRecording.from_recording(prepared, timeline)
    sent = pickle.loads(pickle.dumps(cached))
    np.testing.assert_array_equal(sent.window(9, 64), cached.window(9, 64))


def test_an_offset_costs_an_addition_only_where_it_matters(prepared, timeline):
    by_mean = CachedRecording.from_recording(prepared, timeline, CONFIG)
    shifted = replace(prepared, signal_uv=prepared.signal_uv + 50)
    fixed = CONFIG.model_copy(update={"standardize": "fixed"})
    assert by_mean._reading.bias is None
    assert CachedRecording.from_recording(shifted, timeline, fixed)._reading.bias is not None


def test_statistics_that_are_not_known_are_refused(recording):
    mostly_silent = recording(seed=1)
    mostly_silent.signal_uv[:, 400:] = 0
    robust = CONFIG.model_copy(update={"standardize": "robust"})
    CachedRecording.from_recording(mostly_silent, None, CONFIG)
    with pytest.raises(DataError, match=r"no statistics for standardize: robust, since more than"):
        CachedRecording.from_recording(mostly_silent, None, robust)

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sps

from neurorun.core import ConfigError, DataError, Event, Recording, Stretch, whole_recording
from neurorun.data.channel_names import TEN_TWENTY
from neurorun.data.montage import resolve_montage
from neurorun.data.preprocessing import (
    MONTAGES,
    Preparation,
    PreprocessingConfig,
    plan_stretches,
    preparation_notes,
    preparation_recipe,
    prepare,
)
from neurorun.data.standardization import channel_statistics
from neurorun.formats import read_recording

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")
ONE = PreprocessingConfig(montage=("Cz",))


def recording(signal_uv, rate_hz=400.0, stretches=None, channels=("Cz",)):
    signal_uv = np.atleast_2d(np.asarray(signal_uv, np.float32))
    return Recording(
        recording_id="r",
        patient="p",
        channels=channels,
        rate_hz=rate_hz,
        signal_uv=signal_uv,
        stretches=stretches or whole_recording(signal_uv.shape[1]),
    )


def eeg(n_samples, offset_uv=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return (
        np.cumsum(rng.standard_normal(n_samples)) + 30 * rng.standard_normal(n_samples) + offset_uv
    )


def config(**settings):
    return PreprocessingConfig(**({"montage": ("Cz",)} | settings))


@pytest.mark.parametrize("rate_hz", [200.0, 250.0, 256.0, 400.0, 500.0, 512.0])
def test_equals_resampling_and_one_causal_cascade(rate_hz):
    import soxr

    raw = eeg(round(30 * rate_hz)).astype(np.float32)
    raw -= raw[0]
    resampled = soxr.resample(raw, rate_hz, 256.0, quality="HQ").astype(np.float64)
    band = sps.butter(3, (0.5, 120), "bandpass", fs=256, output="sos")
    notch = sps.tf2sos(*sps.iirnotch(60, 30, fs=256))
    sos = np.vstack([band, notch])
    expected, _ = sps.sosfilt(sos, resampled, zi=sps.sosfilt_zi(sos) * resampled[0])
    found = prepare(recording(raw, rate_hz), ONE, rate_hz=256.0)
    assert found.rate_hz == 256
    assert found.signal_uv.shape == (1, 7680)
    np.testing.assert_allclose(found.signal_uv[0, :-256], expected[:-256], atol=0.02)


@pytest.mark.parametrize("phase", ["causal", "zero"])
@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 24_000), max_size=6))
def test_other_blocks_give_the_same_bits(phase, cuts):
    signal_uv = eeg(24_000).astype(np.float32)[None]

    def prepared(*cuts):
        chain = Preparation(config(phase=phase), 1, source_hz=400.0, rate_hz=256.0)
        pieces = [chain.push(block) for block in np.split(signal_uv, sorted(cuts), axis=1)]
        return np.hstack([*pieces, chain.finish()])

    np.testing.assert_array_equal(prepared(*cuts), prepared())


@pytest.mark.parametrize("offset_uv", [100, 1000, 5000])
@pytest.mark.parametrize("seconds", [60, 600])
@pytest.mark.parametrize("phase", ["causal", "zero"])
def test_an_offset_does_not_change_the_scale(offset_uv, seconds, phase):
    settings = config(phase=phase)
    spreads = [
        channel_statistics(
            prepare(recording(eeg(seconds * 400, offset)), settings, rate_hz=256.0), settings
        ).spread[0]
        for offset in (0, offset_uv)
    ]
    assert spreads[1] == pytest.approx(spreads[0], rel=1e-3)


@pytest.mark.parametrize(("notch_freq", "removed"), [(50, 50), (60, 60), (None, None)])
def test_the_notch_of_the_configuration_is_the_one_that_works(notch_freq, removed):
    clock_s = np.arange(400 * 60) / 400
    for hz in (50, 60):
        wave = recording(20 * np.sin(2 * np.pi * hz * clock_s))
        found = prepare(wave, config(notch_freq=notch_freq), rate_hz=256.0).signal_uv[0, 7680:-256]
        assert np.abs(found).max() < 0.05 if hz == removed else np.abs(found).max() > 15


@pytest.mark.parametrize(
    ("change", "hz", "expected"),
    [
        ({"bandpass": (4.0, 30.0)}, 1.0, 0.0),
        ({"bandpass": (4.0, 30.0)}, 10.0, 1.0),
        ({"bandpass": None, "notch_freq": None}, 0.1, 1.0),
        ({"filter_order": 1}, 0.25, 0.45),
        ({"filter_order": 6}, 0.25, 0.02),
        ({"notch_quality": 5.0}, 56.0, 0.55),
        ({"notch_quality": 100.0}, 56.0, 1.0),
    ],
)
def test_filter_settings_act(change, hz, expected):
    clock_s = np.arange(400 * 120) / 400
    found = prepare(
        recording(np.sin(2 * np.pi * hz * clock_s)), config(**change), rate_hz=256.0
    ).signal_uv[0, 60 * 256 : 100 * 256]
    assert np.sqrt(2 * np.mean(found**2)) == pytest.approx(expected, abs=0.03)


def test_nothing_crosses_a_gap():
    first, second = eeg(8000), eeg(6000, offset_uv=700, seed=1)
    stretches = (Stretch(0, 8000, 0.0), Stretch(8000, 6000, 25.0))
    found = prepare(
        recording(np.concatenate([first, second]), stretches=stretches), ONE, rate_hz=256.0
    )
    assert found.stretches == (Stretch(0, 5120, 0.0), Stretch(5120, 3840, 25.0))
    for piece, stretch in zip((first, second), found.stretches, strict=True):
        alone = prepare(recording(piece), ONE, rate_hz=256.0).signal_uv
        np.testing.assert_array_equal(found.signal_uv[:, stretch.first : stretch.stop], alone)


def test_annotations_start_and_earlier_notes_are_kept():
    source = Recording(
        "r", "p", ("EEG CZ-REF",), 400.0, np.ones((1, 4000), np.float32), whole_recording(4000),
        annotations=(Event(1, 2),), notes=("Repaired.",),
    )  # fmt: skip
    found = prepare(source, ONE, rate_hz=256.0)
    assert found.annotations == (Event(1, 2),)
    assert found.channels == ("Cz",)
    assert found.notes[0] == "Repaired."
    assert "Cz = 'EEG CZ-REF'" in found.notes[1]


@pytest.mark.parametrize(
    ("lengths", "onsets", "expected"),
    [
        pytest.param([100], [0.0], [256], id="whole"),
        pytest.param([101, 99], [0.0, 1.01], [259, 253], id="no-gap-left-over"),
        pytest.param([101, 100], [0.0, 1.005], [257, 256], id="rounding-never-overlaps"),
    ],
)
def test_stretches_keep_their_times(lengths, onsets, expected):
    firsts = np.cumsum([0, *lengths])[:-1].tolist()
    stretches = [Stretch(*values) for values in zip(firsts, lengths, onsets, strict=True)]
    pairs = plan_stretches(stretches, 100.0, 256.0)
    assert [target.n_samples for _, target in pairs] == expected
    assert [target.onset_s for _, target in pairs] == onsets
    Recording(
        "r", "p", ("Cz",), 256.0, np.zeros((1, sum(expected)), np.float32),
        tuple(target for _, target in pairs),
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    rate_hz=st.sampled_from([100.0, 199.98, 250.0, 512.0, 1000.0]),
    rows=st.lists(st.tuples(st.integers(1, 3000), st.floats(0, 5)), min_size=1, max_size=5),
)
def test_prepared_stretches_always_fit_a_recording(rate_hz, rows):
    stretches, first, clock_s = [], 0, 0.0
    for n_samples, gap_s in rows:
        clock_s += gap_s
        stretches.append(Stretch(first, n_samples, clock_s))
        first, clock_s = first + n_samples, clock_s + n_samples / rate_hz
    targets = tuple(target for _, target in plan_stretches(stretches, rate_hz, 256.0))
    if targets:
        n_samples = sum(target.n_samples for target in targets)
        assert abs(n_samples / 256 - first / rate_hz) <= len(rows) * 0.5 / 256 + 1e-9
        Recording("r", "p", ("Cz",), 256.0, np.zeros((1, n_samples), np.float32), targets)


def test_a_recording_shorter_than_a_sample_is_refused():
    with pytest.raises(DataError, match=r"'r' of 1 samples has no stretch as long as one sample"):
        prepare(recording([1.0], 5000.0), ONE, rate_hz=256.0)


def test_a_stretch_shorter_than_a_sample_is_left_out_and_told():
    stretches = (Stretch(0, 5000, 0.0), Stretch(5000, 1, 2.0), Stretch(5001, 5000, 5.0))
    found = prepare(recording(eeg(10_001), 5000.0, stretches), ONE, rate_hz=256.0)
    assert [stretch.onset_s for stretch in found.stretches] == [0.0, 5.0]
    assert found.notes[0] == "1 stretches shorter than half a sample at 256 Hz left out."
    assert "3 stretches are shorter than one period of the lower band edge (2 s)" in found.notes[1]


@pytest.mark.parametrize(
    ("source_hz", "rate_hz", "change", "notes"),
    [
        (400.0, 256.0, {}, 0),
        (100.0, 256.0, {}, 2),
        (100.0, 256.0, {"bandpass": (0.5, 45.0), "notch_freq": None}, 0),
        (500.0, 100.0, {"bandpass": (0.5, 45.0)}, 1),
    ],
)
def test_what_the_rates_do_not_allow_is_told(source_hz, rate_hz, change, notes):
    stretches = [Stretch(0, 100_000, 0.0)]
    found = preparation_notes(stretches, source_hz, config(**change), rate_hz=rate_hz)
    assert len(found) == notes


@pytest.mark.parametrize("preset", ["default", "legacy"])
def test_a_band_beyond_the_rate_is_refused(preset):
    with pytest.raises(ConfigError, match=r"reach 120 Hz, but signals of 200 Hz hold only"):
        prepare(recording(eeg(4000)), config(preset=preset), rate_hz=200.0)


def test_values_that_are_not_finite_are_refused():
    signal_uv = np.ones((1, 100), np.float32)
    signal_uv[0, 5] = np.inf
    with pytest.raises(DataError, match="A block of 100 samples holds values that are not finite"):
        Preparation(ONE, 1, source_hz=256.0, rate_hz=256.0).push(signal_uv)


def test_without_filters_only_the_rate_changes():
    raw = eeg(2560, offset_uv=300).astype(np.float32)
    settings = config(bandpass=None, notch_freq=None)
    found = prepare(recording(raw, 256.0), settings, rate_hz=256.0)
    np.testing.assert_array_equal(found.signal_uv[0], raw)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bandpass": (120.0, 0.5)}, r"bandpass is \[120, 0.5\]; the lower edge"),
        ({"bandpass": (0.0, 30.0)}, r"bandpass is \[0, 30\]"),
        ({"montage": "10-10"}, "montage is '10-10'; allowed are 10-20, double-banana, or a list"),
        ({"montage": ("Cz", "Cz")}, r"montage \[Cz, Cz\] is empty or names a channel twice"),
        ({"montage": ()}, r"montage \[\] is empty"),
        ({"notch_freq": 55}, "50 or 60"),
        ({"preset": "legacy", "phase": "zero"}, "preset legacy together with its own phase;"),
        ({"preset": "legacy", "notch_freq": 50}, "its own notch_freq; the preset reproduces"),
        ({"preset": "legacy", "normalize": False}, "its own normalize"),
        ({"filter_order": 9}, "less than or equal to 8"),
        ({"band": (1, 2)}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PreprocessingConfig(**settings)


@pytest.mark.parametrize("montage", MONTAGES)
def test_every_known_montage_can_be_resolved(montage):
    assert resolve_montage(TEN_TWENTY, montage).channels
    assert PreprocessingConfig(montage=montage).montage == montage


@pytest.mark.parametrize(
    "change",
    [
        {"preset": "legacy"},
        {"montage": "double-banana"},
        {"use_mne": False},
        {"bandpass": (1.0, 120.0)},
        {"notch_freq": 50},
        {"phase": "zero"},
        {"filter_order": 4},
        {"notch_quality": 20.0},
    ],
)
def test_the_recipe_changes_with_what_changes_the_signal(change):
    recipe = preparation_recipe(PreprocessingConfig(), rate_hz=256.0)
    assert preparation_recipe(PreprocessingConfig(**change), rate_hz=256.0) != recipe
    assert preparation_recipe(PreprocessingConfig(), rate_hz=200.0) != recipe


@pytest.mark.parametrize(
    "change",
    [{"normalize": False}, {"standardize": "robust"}, {"fixed_scale_uv": 9.0}, {"clip_at": None}],
)
def test_the_recipe_does_not_change_with_what_is_done_at_reading(change):
    recipe = preparation_recipe(PreprocessingConfig(), rate_hz=256.0)
    assert preparation_recipe(PreprocessingConfig(**change), rate_hz=256.0) == recipe


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "eeg_edf/eegmat_Subject00_2.edf",
        "eeg_edf/icu_subject01_epoch01_380s.edf",
        "eeg_seizure/edf_with_seizure/iiic_SZ_sample1.edf",
        "edf_odd/icu_subject01_epoch01_gapped_edfplusD.edf",
    ],
)
@pytest.mark.parametrize("settings", [{}, {"phase": "zero"}, {"montage": "double-banana"}])
def test_real_recordings_become_eeg_of_plausible_size(name, settings):
    settings = PreprocessingConfig(notch_freq=50, **settings)
    raw = read_recording(SHARED / name)
    found = prepare(raw, settings, rate_hz=256.0)
    assert len(found.channels) == (18 if settings.montage == "double-banana" else 19)
    assert found.duration_s == pytest.approx(raw.duration_s, abs=0.01)
    assert found.gaps == raw.gaps
    spread = channel_statistics(found, settings).spread
    assert 1 < np.median(spread) < 200
    assert np.abs(found.signal_uv.mean(axis=1)).max() < 1


@needs_shared
def test_the_real_recording_of_100_hz_with_8_electrodes_is_prepared_and_told():
    raw = read_recording(SHARED / "eeg_seizure/edf_with_seizure/tle_patient_8ch_100hz.edf")
    names = ("C3", "C4", "Cz", "P3", "P4", "T3", "T4", "T5")
    found = prepare(raw, PreprocessingConfig(montage=names), rate_hz=256.0)
    assert found.signal_uv.shape == (8, 326 * 256)
    assert "Sampled at 100 Hz: nothing above 50 Hz" in " ".join(found.notes)
    f_hz, power = sps.welch(found.signal_uv, 256.0, nperseg=1024)
    assert power[:, f_hz > 55].max() < 1e-6 * power[:, (f_hz > 1) & (f_hz < 40)].min()

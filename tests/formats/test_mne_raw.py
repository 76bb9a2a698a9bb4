from datetime import UTC, datetime

import numpy as np
import pytest

from neurorun.core import DataError, Event, Recording, Stretch, whole_recording
from neurorun.formats import from_mne_raw, to_mne_raw

pytestmark = pytest.mark.unit

mne = pytest.importorskip("mne")


def recording(stretches=None, **more) -> Recording:
    signal_uv = np.random.default_rng(1).standard_normal((2, 20)).astype(np.float32) * 50
    fields = {
        "recording_id": "r",
        "patient": "p",
        "channels": ("Fp1", "ECG"),
        "rate_hz": 4.0,
        "signal_uv": signal_uv,
        "stretches": stretches or whole_recording(20),
        "start": datetime(2020, 3, 2, 4, 5, 6, 250000),
    }
    return Recording(**(fields | more))


def raw_of(n_samples: int = 20, types=("eeg", "eeg"), **annotations) -> "mne.io.RawArray":
    names = [f"C{i}" for i in range(len(types))]
    info = mne.create_info(names, 4.0, list(types), verbose="error")
    volts = np.arange(len(types) * n_samples).reshape(len(types), n_samples) * 1e-6
    raw = mne.io.RawArray(volts, info, verbose="error")
    if annotations:
        raw.set_annotations(mne.Annotations(**annotations), verbose="error")
    return raw


def test_a_recording_comes_back_from_mne_as_it_went():
    original = recording(
        annotations=(Event(1.0, 2.0, "sz", channels=("Fp1",)), Event(2, 2.25, "x"))
    )
    read = from_mne_raw(to_mne_raw(original), recording_id="r")
    np.testing.assert_array_equal(read.signal_uv, original.signal_uv)
    for name in ("patient", "channels", "rate_hz", "stretches", "start", "annotations"):
        assert getattr(read, name) == getattr(original, name)


def test_a_raw_holds_volts_types_and_the_wall_clock():
    raw = to_mne_raw(recording())
    assert raw.get_channel_types() == ["eeg", "ecg"]
    np.testing.assert_allclose(raw.get_data() * 1e6, recording().signal_uv, rtol=1e-6)
    assert raw.info["meas_date"] == datetime(2020, 3, 2, 4, 5, 6, 250000, tzinfo=UTC)


def test_gaps_are_skipped_time_in_mne_and_gaps_again_on_the_way_back():
    stretches = (Stretch(0, 8, 0.0), Stretch(8, 12, 5.0))
    original = recording(stretches, annotations=(Event(5.5, 6.0, "sz"),))
    raw = to_mne_raw(original)
    assert raw.n_times == 32
    assert not raw.get_data()[:, 8:20].any()
    annotations = [(a["onset"], a["duration"], a["description"]) for a in raw.annotations]
    assert (2.0, 3.0, "BAD_ACQ_SKIP") in annotations
    assert raw.get_data(reject_by_annotation="omit", verbose="error").shape == (2, 20)
    read = from_mne_raw(raw)
    assert (read.stretches, read.annotations) == (stretches, original.annotations)
    np.testing.assert_array_equal(read.signal_uv, original.signal_uv)


@pytest.mark.parametrize("start", [None, datetime(2020, 3, 2)])
def test_annotations_of_a_cropped_raw_count_from_its_first_sample(start):
    original = recording(start=start, annotations=(Event(3.0, 4.0, "sz"),))
    read = from_mne_raw(to_mne_raw(original).crop(2.0, 4.5))
    assert read.annotations == (Event(1.0, 2.0, "sz"),)
    assert read.n_samples == 11
    assert read.start == (None if start is None else datetime(2020, 3, 2, 0, 0, 2))


def test_annotations_beyond_the_data_stay_out_of_mne():
    original = recording(
        annotations=(Event(-1, 1, "early"), Event(4.5, 99, "long"), Event(9, 10, "x"))
    )
    read = from_mne_raw(to_mne_raw(original))
    assert [event.label for event in read.annotations] == ["early", "long"]
    assert read.annotations[0] == Event(0.0, 1.0, "early")


def test_raws_that_were_joined_are_two_stretches():
    raw = mne.concatenate_raws([raw_of(8), raw_of(12)], verbose="error")
    read = from_mne_raw(raw)
    assert read.stretches == (Stretch(0, 8, 0.0), Stretch(8, 12, 2.0))
    assert (read.annotations, read.gaps) == ((), ())


def test_a_raw_without_file_or_subject_has_a_name_all_the_same():
    read = from_mne_raw(raw_of())
    assert (read.recording_id, read.patient, read.start) == ("raw", "raw", None)
    given_names = from_mne_raw(raw_of(), recording_id="night", patient="p7")
    assert (given_names.recording_id, given_names.patient) == ("night", "p7")


def test_a_raw_from_a_file_is_named_after_it(small, tmp_path):
    raw = mne.io.read_raw_edf(small.write(tmp_path / "night1.edf"), verbose="error")
    read = from_mne_raw(raw)
    assert (read.recording_id, read.channels, read.n_samples) == (
        "night1",
        ("EEG Fp1", "EEG F3"),
        12,
    )


def test_channels_that_are_no_voltage_are_left_out_and_bad_ones_named():
    raw = raw_of(types=("eeg", "stim", "misc", "eog"))
    raw.info["bads"] = ["C0", "C2"]
    read = from_mne_raw(raw)
    assert read.channels == ("C0", "C3")
    assert read.notes == (
        "Left out, channels that are no voltage: 'C1' (stim), 'C2' (misc).",
        "Marked bad in MNE: 'C0'.",
    )
    np.testing.assert_allclose(read.signal_uv[1], np.arange(60, 80), rtol=1e-6)


def test_long_raws_are_read_by_blocks(monkeypatch):
    monkeypatch.setattr("neurorun.formats.mne_raw._BLOCK_SAMPLES", 7)
    raw = raw_of(20, onset=[1.0], duration=[1.5], description=["BAD_ACQ_SKIP"])
    read = from_mne_raw(raw)
    kept = [*range(4), *range(10, 20)]
    np.testing.assert_allclose(read.signal_uv[0], kept, atol=1e-5)
    assert read.stretches == (Stretch(0, 4, 0.0), Stretch(4, 10, 2.5))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (raw_of(types=("stim",)), "holds 0 voltage channels and 1 stretches"),
        (
            raw_of(onset=[0.0], duration=[5.0], description=["BAD_ACQ_SKIP"]),
            "holds 2 voltage channels and 0 stretches",
        ),
    ],
)
def test_a_raw_with_nothing_to_take_is_refused(raw, message):
    with pytest.raises(DataError, match=message):
        from_mne_raw(raw)

"""Every real EDF and BDF file of the shared data is read right or refused by name."""

import re
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.formats import open_edf, read_edf_events, read_header, read_recording

pytestmark = pytest.mark.integration

ONLY_ANNOTATIONS = "holds no voltage channel to read, only 'EDF Annotations'"


class Expected(NamedTuple):
    """What reading a file gives: either its shape and notes, or a refusal."""

    n_channels: int = 0
    n_samples: int = 0
    rate_hz: float = 0.0
    onsets_s: tuple[float, ...] = (0.0,)
    notes: tuple[str, ...] = ()
    refusal: str = ""


TOTAL_TIME = (r"left out: '\[Total time\]\+\d+.000' at 0 s",)
COUNT = "data records; the file holds {}, which were used"

ODD = {
    "annotations_only_hypnogram.edf": Expected(refusal=ONLY_ANNOTATIONS),
    "annotations_only_wfdb.edf": Expected(refusal=ONLY_ANNOTATIONS),
    "bdfPlusC.bdf": Expected(11, 4000, 200),
    "bdf_status_channel.bdf": Expected(3, 5000, 500, notes=("trigger channel of BDF: 'Status'",)),
    "bdf_unknown_record_count_minus1.bdf": Expected(
        16, 15360, 256, notes=("'-1' " + COUNT.format(60), "trigger channel of BDF: 'Status'")
    ),
    "duplicate_channel_labels.edf": Expected(
        3, 2500, 250, notes=("'EEG F1-Ref#2' differs from 'EEG F1-Ref'",)
    ),
    "edfPlusD.edf": Expected(11, 2200, 200, onsets_s=(0, 2, 4, 12, 15, 19)),
    "fractional_record_duration_19ch.edf": Expected(25, 1228, 128),
    "icu_subject01_epoch01_gapped_edfplusD.edf": Expected(
        20, 55200, 200, onsets_s=(0, 8, 158, 264)
    ),
    "short_psg_30s_records.edf": Expected(
        3,
        30000,
        100,
        notes=("Left out at 1 Hz: 'Resp oro-nasal', 'EMG sub", r"'Temp rectal' \(DegC"),
    ),
    "subsecond_starttime.edf": Expected(3, 2560, 512),
    "uneven_samp_trailing_byte_bad_date.edf": Expected(
        1,
        11000,
        100,
        notes=(
            "'42.00.00 26.00.99' is no date and time",
            "ends with 1 bytes that fill no data record of 2256",
            "Left out at 12.8 Hz: '0.2Hz Blk 1/0uV'",
        ),
    ),
    "mutated/empty.edf": Expected(refusal="is empty"),
    "mutated/ok_5s.edf": Expected(21, 2500, 500, notes=TOTAL_TIME),
    "mutated/physmin_equals_physmax_ch0.edf": Expected(
        refusal="'EEG Fp1' is unknown, its physical minimum and maximum are both 78.8"
    ),
    "mutated/record_count_minus1.edf": Expected(
        21, 2500, 500, notes=("'-1' " + COUNT.format(5), *TOTAL_TIME)
    ),
    "mutated/record_count_too_large.edf": Expected(
        21, 2500, 500, notes=("'500' " + COUNT.format(5), *TOTAL_TIME)
    ),
    "mutated/truncated_header.edf": Expected(
        refusal="ends after 900 bytes, within its header of 5888"
    ),
    "mutated/truncated_mid_record.edf": Expected(
        21,
        2000,
        500,
        notes=("'5' " + COUNT.format(4), "ends with 10557 bytes that fill no", *TOTAL_TIME),
    ),
}
PLAIN = {
    "eeglab_test_16ch_256hz.edf": Expected(16, 15360, 256),
    "eegmat_Subject00_1.edf": Expected(21, 91000, 500, notes=TOTAL_TIME),
    "eegmat_Subject00_2.edf": Expected(21, 31000, 500, notes=TOTAL_TIME),
    "eegmat_Subject01_2.edf": Expected(21, 31000, 500, notes=TOTAL_TIME),
    "icu_subject01_epoch01_380s.edf": Expected(20, 76000, 200),
}
SEIZURE = {
    "edf_with_seizure/iiic_SZ_sample1.edf": Expected(20, 10000, 200),
    "edf_with_seizure/iiic_SZ_sample2.edf": Expected(20, 10000, 200),
    "edf_with_seizure/tle_patient_8ch_100hz.edf": Expected(8, 32600, 100),
    "epilepsy2bids_stubs/chbmit/chb05/chb05_01.edf": Expected(
        23, 512, 256, notes=("'T8-P8#2' differs from 'T8-P8'",)
    ),
    "epilepsy2bids_stubs/chbmit/chb05/chb05_06.edf": Expected(
        23, 512, 256, notes=("'T8-P8#2' differs from 'T8-P8'",)
    ),
    "epilepsy2bids_stubs/seizeit/P_ID64/P_ID64_r1.edf": Expected(26, 500, 250),
    "epilepsy2bids_stubs/siena/PN00/PN00-1.edf": Expected(
        33, 1024, 512, notes=(r"no voltage: 'SPO2' \(%\), 'HR' \(bpm\)",)
    ),
}
TABLES = {"edf_odd": ODD, "eeg_edf": PLAIN, "eeg_seizure": SEIZURE}
CASES = {f"{folder}/{name}": e for folder, table in TABLES.items() for name, e in table.items()}
READABLE = {name: expected for name, expected in CASES.items() if not expected.refusal}


@pytest.mark.parametrize("folder", TABLES)
def test_no_file_is_missing_from_the_table(shared, folder):
    files = {
        path.relative_to(shared / folder).as_posix()
        for path in (shared / folder).rglob("*")
        if path.suffix in (".edf", ".bdf")
    }
    assert files == TABLES[folder].keys()


@pytest.mark.parametrize(("name", "expected"), CASES.items(), ids=CASES.keys())
def test_the_file_is_read_right_or_refused_by_name(shared, name, expected):
    path = shared / name
    if expected.refusal:
        with pytest.raises(DataError, match=rf"'{re.escape(str(path))}'.*{expected.refusal}"):
            read_recording(path)
        return
    recording = read_recording(path)
    shape = (expected.n_channels, expected.n_samples)
    assert (recording.signal_uv.shape, recording.rate_hz) == (shape, expected.rate_hz)
    assert tuple(s.onset_s for s in recording.stretches) == expected.onsets_s
    assert len(recording.notes) == len(expected.notes), recording.notes
    for note, pattern in zip(recording.notes, expected.notes, strict=True):
        assert re.search(pattern, note)


MICROVOLTS = {"uV": 1.0, "mV": 1e3, "V": 1e6}


@pytest.mark.parametrize("name", READABLE)
def test_samples_agree_with_edfio(shared, name):
    edfio = pytest.importorskip("edfio")
    path = shared / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = edfio.read_bdf if path.suffix == ".bdf" else edfio.read_edf
        edf = read(path)
        theirs = dict(zip(ordinary_names(path), edf.signals, strict=True))
    recording = read_recording(path)
    for channel, row in zip(recording.channels, recording.signal_uv, strict=True):
        signal = theirs[channel]
        samples = signal.data * MICROVOLTS[signal.physical_dimension]
        np.testing.assert_allclose(row, samples, rtol=1.2e-7, atol=1e-4)


def ordinary_names(path: Path) -> list[str]:
    return [s.name for s in read_header(path).signals if s.kind != "annotations"]


@pytest.mark.parametrize("name", [f"eeg_edf/{name}" for name in PLAIN])
def test_samples_agree_with_mne(shared, name):
    mne = pytest.importorskip("mne")
    recording = read_recording(shared / name)
    raw = mne.io.read_raw_edf(shared / name, verbose="error")
    volts = raw.get_data(picks=list(recording.channels))
    np.testing.assert_allclose(recording.signal_uv, volts * 1e6, rtol=1.2e-7, atol=1e-4)


def test_the_records_of_the_example_file_lie_where_the_specification_of_the_data_says(shared):
    clock = open_edf(shared / "edf_odd/edfPlusD.edf").clock
    assert clock.onsets_s.tolist() == [0, 2, 4, 5, 6, 7, 8, 9, 12, 15, 19]


def test_the_gapped_icu_recording_is_the_whole_one_with_pieces_missing(shared):
    gapped = read_recording(shared / "edf_odd/icu_subject01_epoch01_gapped_edfplusD.edf")
    assert gapped.gaps == ((6.0, 8.0), (152.0, 158.0), (262.0, 264.0))
    assert (gapped.duration_s, gapped.n_samples / gapped.rate_hz) == (286.0, 276.0)


def test_the_fraction_of_a_second_in_the_first_annotation_moves_the_start(shared):
    recording = read_recording(shared / "edf_odd/subsecond_starttime.edf")
    assert recording.start is not None
    assert recording.start.isoformat() == "2020-01-24T04:05:56.394531"
    assert [(e.label, e.onset_s) for e in recording.annotations] == [
        ("XLSpike", 1.9511719),
        ("Clip Note", 3.4921875),
    ]


def test_inverted_polarity_is_read_as_it_is_meant(shared):
    """The physical minimum of this file lies above its maximum, which is legal."""
    (signal, *_) = read_header(shared / "edf_odd/subsecond_starttime.edf").signals
    assert signal.gain_uv < 0
    assert signal.problem == ""


def test_a_channel_beside_the_damaged_one_is_read(shared):
    sound = read_recording(shared / "edf_odd/mutated/ok_5s.edf", channels=["EEG Fp2"])
    path = shared / "edf_odd/mutated/physmin_equals_physmax_ch0.edf"
    damaged = read_recording(path, channels=["EEG Fp2"])
    np.testing.assert_array_equal(damaged.signal_uv, sound.signal_uv)


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("iiic_SZ_sample1", [(20.0, 30.0, "sz")]),
        ("iiic_SZ_sample2", [(20.0, 30.0, "sz")]),
        ("tle_patient_8ch_100hz", [(163.39, 326.0, "sz")]),
    ],
)
def test_the_seizure_is_found_in_the_annotations(shared, name, events):
    timeline = read_edf_events(shared / f"eeg_seizure/edf_with_seizure/{name}.edf")
    assert [(e.onset_s, e.offset_s, e.label) for e in timeline.events] == events


@pytest.mark.parametrize(
    ("name", "n_events"),
    [("annotations_only_hypnogram.edf", 154), ("annotations_only_wfdb.edf", 856)],
)
def test_annotations_without_signal_agree_with_edfio(shared, name, n_events):
    edfio = pytest.importorskip("edfio")
    timeline = read_edf_events(shared / "edf_odd" / name, duration_s=90_000)
    assert len(timeline.events) == n_events
    ours = {
        (event.onset_s, f"{event.label}@@{channel}" if channel else event.label)
        for event in timeline.events
        for channel in event.channels or ("",)
    }
    theirs = edfio.read_edf(shared / "edf_odd" / name).annotations
    assert ours == {(annotation.onset, annotation.text) for annotation in theirs}


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("eeg_edf/eegmat_Subject00_1.edf", "0"),
        ("eeg_edf/eegmat_Subject00_2.edf", "0"),
        ("eeg_edf/eegmat_Subject01_2.edf", "1"),
        ("eeg_edf/eeglab_test_16ch_256hz.edf", "eeglab_test_16ch_256hz"),
        ("eeg_seizure/epilepsy2bids_stubs/chbmit/chb05/chb05_06.edf", "chb05"),
        ("eeg_seizure/epilepsy2bids_stubs/siena/PN00/PN00-1.edf", "PN00"),
        ("eeg_seizure/epilepsy2bids_stubs/seizeit/P_ID64/P_ID64_r1.edf", "P_ID64"),
    ],
)
def test_the_patient_is_known_from_name_or_header(shared, name, patient):
    assert read_recording(shared / name).patient == patient

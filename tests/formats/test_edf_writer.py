from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurorun.core import DataError, Event, Recording, Stretch, whole_recording
from neurorun.formats import read_header, read_recording, write_recording
from neurorun.formats.edf_packing import SignalEntry, outward, pack_header, short_number

pytestmark = pytest.mark.unit


def recording(signal_uv, *, rate_hz=4.0, stretches=None, **more) -> Recording:
    signal_uv = np.asarray(signal_uv, dtype=np.float32)
    fields = {
        "recording_id": "r",
        "patient": "p",
        "channels": tuple(f"C{i}" for i in range(len(signal_uv))),
        "rate_hz": rate_hz,
        "signal_uv": signal_uv,
        "stretches": stretches or whole_recording(signal_uv.shape[1]),
        "start": datetime(2020, 3, 2, 4, 5, 6),
    }
    return Recording(**(fields | more))


def noise(n_channels: int, n_samples: int, *, scale: float = 50.0) -> np.ndarray:
    values = np.random.default_rng(n_samples).standard_normal((n_channels, n_samples))
    return (values * scale).astype(np.float32)


def half_steps(signal_uv: np.ndarray) -> np.ndarray:
    """Half a digital step of each channel, and a hundredth for outward and float32 rounding."""
    span = signal_uv.max(axis=1, keepdims=True) - signal_uv.min(axis=1, keepdims=True)
    return 0.505 * span / 65535 + 1e-6 * np.abs(signal_uv).max() + 2e-6


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    gaps_s=st.lists(st.integers(9, 10**6), min_size=4, max_size=4),
    unit=st.sampled_from([1, 4, 64, 256]),
    rate_hz=st.sampled_from([64.0, 128.0, 200.0, 250.0, 256.0, 512.0]),
    microseconds=st.integers(0, 999_999),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 300.0, 1e5]),
)
def test_recordings_are_read_as_they_are_written(
    tmp_path, lengths, gaps_s, unit, rate_hz, microseconds, scale
):
    assume((unit / rate_hz * 1e6).is_integer())
    stretches, first, onset_s = [], 0, 0.0
    for length, gap in zip(lengths, gaps_s, strict=False):
        stretches.append(Stretch(first, length * unit, onset_s))
        first += length * unit
        onset_s = round(onset_s + length * unit / rate_hz + gap / 1e3, 6)
    original = recording(
        noise(2, first, scale=scale),
        rate_hz=rate_hz,
        stretches=tuple(stretches),
        start=datetime(2020, 3, 2, 4, 5, 6, microseconds),
        annotations=(Event(0.5, 0.75, "sz"),),
    )
    write_recording(tmp_path / "a.edf", original, events=[Event(-1.0, 2.0, "before")])
    read = read_recording(tmp_path / "a.edf")
    assert (read.channels, read.rate_hz, read.patient) == (original.channels, rate_hz, "p")
    assert read.start == original.start
    assert [(s.first, s.n_samples) for s in read.stretches] == [
        (s.first, s.n_samples) for s in original.stretches
    ]
    onsets_s = [s.onset_s for s in original.stretches]
    np.testing.assert_allclose([s.onset_s for s in read.stretches], onsets_s, atol=1e-8)
    assert [(e.label, round(e.onset_s, 6)) for e in read.annotations] == [
        ("before", -1),
        ("sz", 0.5),
    ]
    assert (np.abs(read.signal_uv - original.signal_uv) <= half_steps(original.signal_uv)).all()
    assert read.notes == ()
    assert read_header(tmp_path / "a.edf").is_discontinuous == (len(lengths) > 1)


def test_the_same_recording_gives_the_same_bytes(tmp_path):
    original = recording(noise(3, 400), annotations=(Event(1, 2, "sz"),))
    for name in ("a.edf", "b.edf"):
        write_recording(tmp_path / name, original)
    assert (tmp_path / "a.edf").read_bytes() == (tmp_path / "b.edf").read_bytes()


def test_no_sample_is_clipped(tmp_path):
    original = recording([[-123.456789, 0, 987.654321, 12], [1e-7, 2e-7, 3e-7, -1e-7]])
    write_recording(tmp_path / "a.edf", original)
    signals = read_header(tmp_path / "a.edf").signals
    for signal, row in zip(signals, original.signal_uv, strict=False):
        low = signal.offset_uv - 32768 * signal.gain_uv
        high = signal.offset_uv + 32767 * signal.gain_uv
        assert low <= row.min() + 1e-12
        assert high >= row.max() - 1e-12


def test_an_independent_reader_finds_the_same(tmp_path):
    edfio = pytest.importorskip("edfio")
    start = datetime(2020, 3, 2, 4, 5, 6, 250000)
    original = recording(noise(3, 1000), annotations=(Event(1.5, 2, "sz"),), start=start)
    write_recording(tmp_path / "a.edf", original)
    edf = edfio.read_edf(tmp_path / "a.edf")
    assert (edf.labels, edf.startdatetime) == (original.channels, start)
    assert edf.patient.code == "p"
    assert edf.annotations == (edfio.EdfAnnotation(1.5, 0.5, "sz"),)
    assert edf.reserved == "EDF+C"
    ours = read_recording(tmp_path / "a.edf").signal_uv
    np.testing.assert_allclose([s.data for s in edf.signals], ours, atol=1e-4)


def test_mne_finds_the_same(tmp_path):
    mne = pytest.importorskip("mne")
    original = recording(noise(3, 1000), annotations=(Event(1.5, 2, "sz"),))
    write_recording(tmp_path / "a.edf", original)
    raw = mne.io.read_raw_edf(tmp_path / "a.edf", verbose="error")
    assert (tuple(raw.ch_names), raw.info["sfreq"]) == (original.channels, 4.0)
    assert raw.annotations.onset.tolist() == [1.5]
    ours = read_recording(tmp_path / "a.edf").signal_uv
    np.testing.assert_allclose(raw.get_data() * 1e6, ours, atol=1e-4)


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (None, b"01.01.8500.00.00"),
        (datetime(2059, 3, 13, 17, 20, 5), b"13.03.5917.20.05"),
        (datetime(1951, 5, 2, 0, 0, 1), b"02.05.yy00.00.01"),
    ],
)
def test_the_start_is_kept_whatever_the_century(tmp_path, start, text):
    write_recording(tmp_path / "a.edf", recording(noise(1, 8), start=start))
    assert (tmp_path / "a.edf").read_bytes()[168:184] == text
    assert read_recording(tmp_path / "a.edf").start == start


def test_a_record_lasts_about_a_second_and_stays_below_the_recommended_size(tmp_path):
    write_recording(tmp_path / "a.edf", recording(noise(2, 2560), rate_hz=256.0))
    assert read_header(tmp_path / "a.edf").record_duration_s == 1
    write_recording(tmp_path / "b.edf", recording(noise(64, 8000), rate_hz=1000.0))
    header = read_header(tmp_path / "b.edf")
    assert (header.record_duration_s, header.record_bytes < 61440) == (Fraction(2, 5), True)


@pytest.mark.parametrize(
    ("n_samples", "rate_hz"), [(15361, 256.0), (7, 256.0), (100, 314.159265358979), (3, 1e-9)]
)
def test_lengths_that_fill_no_records_are_refused_not_padded(tmp_path, n_samples, rate_hz):
    with pytest.raises(DataError, match=rf"stretches of {n_samples} samples .* whole seconds"):
        write_recording(tmp_path / "a.edf", recording(noise(1, n_samples), rate_hz=rate_hz))


def test_many_annotations_at_one_time_do_not_widen_every_record(tmp_path):
    events = [Event(2.0, 3.0, f"event {i:04d}") for i in range(500)]
    write_recording(tmp_path / "a.edf", recording(noise(1, 4000)), events=events)
    assert read_recording(tmp_path / "a.edf").annotations == tuple(events)
    assert (tmp_path / "a.edf").stat().st_size < 80_000


def test_annotations_after_the_end_go_round_to_free_records(tmp_path):
    events = [Event(100.0 + i, 101.0 + i, "late") for i in range(50)]
    write_recording(tmp_path / "a.edf", recording(noise(1, 40)), events=events)
    assert read_recording(tmp_path / "a.edf").annotations == tuple(events)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"channels": ("a channel name too long", "b")},
            "cannot hold the label 'a channel name too",
        ),
        ({"channels": ("Kanal ä", "b")}, "the label 'Kanal ä'; at most 16 printable ASCII"),
        ({"patient": "Müller"}, "cannot hold the patient 'Müller X X X'; at most 80"),
        ({"annotations": (Event(0, 1, "a\tb"),)}, "cannot be an EDF. annotation"),
    ],
)
def test_what_has_no_room_in_the_format_is_refused(tmp_path, more, message):
    with pytest.raises(DataError, match=message):
        write_recording(tmp_path / "a.edf", recording(noise(2, 8), **more))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_number_are_refused(tmp_path, value):
    with pytest.raises(
        DataError, match=r"Channel 'C1' of recording 'r' reaches from .*; EDF holds f"
    ):
        write_recording(tmp_path / "a.edf", recording([[1, 2], [3, value]]))


def test_samples_too_large_for_the_header_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot hold the value 1e.08; numbers of at most 8"):
        write_recording(tmp_path / "a.edf", recording([[0, 1e8]]))


def test_blanks_in_patient_names_become_underscores(tmp_path):
    write_recording(tmp_path / "a.edf", recording(noise(1, 4), patient="sub 7"))
    assert read_header(tmp_path / "a.edf").patient_text == "sub_7 X X X"


@given(st.floats(-9.9e6, 9.9e7, width=32))
def test_limits_are_rounded_away_from_the_values_between(value):
    low, high = outward(value, up=False), outward(value, up=True)
    assert len(low) <= 8
    assert len(high) <= 8
    assert float(low) <= value <= float(high)
    assert float(high) - float(low) <= max(1.001e-5, 1e-5 * abs(value))


@given(st.floats(1e-5, 9.9e7))
def test_short_numbers_keep_what_eight_characters_can(value):
    text = short_number(value)
    assert len(text) <= 8
    assert abs(float(text) - value) <= max(0.5e-6, 1e-5 * value)


@pytest.mark.parametrize("value", [0.0, 1e-8, 1e8])
def test_numbers_that_do_not_fit_are_refused(value):
    with pytest.raises(DataError, match=r"cannot hold a duration of .* s; it needs"):
        short_number(value)


def test_an_empty_patient_is_written_as_unknown():
    entry = SignalEntry("Cz", 1)
    header = pack_header([entry], n_records=1, record_duration="1", patient="")
    assert header[8:15] == b"X X X X"


def test_a_day_of_events_keeps_its_order(tmp_path):
    start = datetime(2020, 3, 2) + timedelta(hours=1)
    events = tuple(Event(float(i), i + 0.5, f"e{i}") for i in range(0, 3600, 60))
    original = recording(noise(1, 3600), rate_hz=1.0, start=start, annotations=events)
    write_recording(tmp_path / "a.edf", original)
    assert read_recording(tmp_path / "a.edf").annotations == events

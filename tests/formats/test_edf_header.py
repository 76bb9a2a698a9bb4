import re
from datetime import datetime
from fractions import Fraction

import pytest

from neurorun.core import DataError, FormatError
from neurorun.formats import read_header
from neurorun.formats.edf_signals import unique_names

pytestmark = pytest.mark.unit


def test_a_sound_header_is_read_without_notes(small, tmp_path):
    header = read_header(small.write(tmp_path / "a.edf"))
    assert (header.format, header.is_discontinuous, header.n_records) == ("EDF", False, 3)
    assert (header.header_bytes, header.bytes_per_sample, header.record_bytes) == (1024, 2, 22)
    assert (header.record_duration_s, header.recorded_s) == (Fraction(1), 3.0)
    assert header.start == datetime(2020, 3, 2, 4, 5, 6)
    assert header.channels == ("EEG Fp1", "EEG F3")
    assert [s.kind for s in header.signals] == ["voltage", "voltage", "annotations"]
    assert header.main_rate_hz == 4.0
    assert (header.patient_text, header.recording_text) == (
        "X X X X",
        "Startdate 02-MAR-2020 X X X",
    )
    assert header.notes == ()


@pytest.mark.parametrize(
    ("field", "text", "note", "start"),
    [
        ("date", "02:03:20", r"start '02:03:20 04.05.06' was read as 2020-03-02", 1),
        ("date", "2.03.20", None, 1),
        ("date", "31.02.20", r"reads '31.02.20', the recording field says 2020-03-02, which", 1),
        ("date", "03.03.20", r"reads '03.03.20', the recording field says 2020-03-02, which", 1),
        ("date", "02.03.yy", r"reads '02.03.yy', the recording field says 2020-03-02", 1),
        ("time", "24.00.00", r"'02.03.20 24.00.00' is no date and time; the start is unknown", 0),
        ("time", "", r"is no date and time; the start is unknown", 0),
        ("n_records", "-1", r"says '-1' data records; the file holds 3, which were used", 1),
        ("n_records", "7", r"says '7' data records; the file holds 3, which were used", 1),
        ("n_records", "2", r"says '2' data records; the file holds 3, which were used", 1),
        ("n_records", "many", r"says 'many' data records; the file holds 3", 1),
        ("header_bytes", "768", r"'768' bytes; its 3 signals take 1024, which was used", 1),
        ("header_bytes", "", r"'' bytes; its 3 signals take 1024", 1),
        (
            "patient",
            b"M\xfcller X X X",
            r"patient field holds characters outside ASCII: 'Müller",
            1,
        ),
        ("duration", "1,0", r"duration of a data record has a decimal comma: '1,0' was read so", 1),
    ],
)
def test_damage_with_one_possible_reading_is_repaired_and_noted(
    small, tmp_path, field, text, note, start
):
    header = read_header(small.put(field, text).write(tmp_path / "a.edf"))
    assert (header.n_records, header.header_bytes, header.record_duration_s) == (3, 1024, 1)
    assert header.start == (datetime(2020, 3, 2, 4, 5, 6) if start else None)
    if note is None:
        assert header.notes == ()
    else:
        (only,) = header.notes
        assert re.search(note, only)


def test_an_impossible_date_without_edf_plus_date_leaves_the_start_unknown(small, tmp_path):
    small.put("recording", "a night").put("date", "42.00.00")
    header = read_header(small.write(tmp_path / "a.edf"))
    assert header.start is None
    assert "'42.00.00 04.05.06' is no date and time" in header.notes[0]


def test_the_date_that_edf_plus_writes_for_unknown_is_unknown(small, tmp_path):
    small.put("recording", "Startdate X X X X").put("date", "01.01.85")
    header = read_header(small.write(tmp_path / "a.edf"))
    assert (header.start, header.notes) == (None, ())


@pytest.mark.parametrize("n_bytes", [1, 21])
def test_bytes_that_fill_no_record_are_left_out_and_noted(small, tmp_path, n_bytes):
    small.raw += b"\x7f" * n_bytes
    header = read_header(small.write(tmp_path / "a.edf"))
    assert header.n_records == 3
    (note,) = header.notes
    assert note.startswith(f"The file ends with {n_bytes} bytes that fill no data record of 22 ")


def test_an_incomplete_last_record_is_left_out_and_noted(small, tmp_path):
    del small.raw[-5:]
    header = read_header(small.write(tmp_path / "a.edf"))
    assert header.n_records == 2
    assert [note.split(";")[0] for note in header.notes] == [
        "The header says '3' data records",
        "The file ends with 17 bytes that fill no data record of 22 bytes",
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", r"is empty; an EDF file has a header. Copy or export it again"),
        (b"hello, world", r"begins with b'hello, w'; EDF begins with '0' and seven blanks"),
        (b"0       " + b" " * 100, r"ends after 108 bytes, within its header of at least 512"),
    ],
)
def test_what_is_no_edf_file_is_refused(tmp_path, raw, message):
    path = tmp_path / "a.edf"
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=message):
        read_header(path)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("version", "1", r"begins with b'1       '; EDF begins with '0'"),
        ("n_signals", "0", r"announces 0 signals; at least 1 is needed"),
        ("n_signals", "-3", r"announces -3 signals"),
        ("n_signals", "x", r"number of signals \(bytes 252-255\) reads 'x'; a whole number is"),
        ("n_signals", "200", r"ends after 1090 bytes, within its header of 51456 bytes \(200 sig"),
        ("duration", "0", r"a data record lasts 0 s; it must last longer .* of its 2 signals is"),
        ("duration", "-1", r"a data record lasts -1 s; it must last longer"),
        ("duration", "", r"duration of a data record \(bytes 244-251\) reads ''; a decimal"),
    ],
)
def test_headers_that_cannot_be_understood_are_refused(small, tmp_path, field, text, message):
    with pytest.raises(FormatError, match=message):
        read_header(small.put(field, text).write(tmp_path / "a.edf"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", r"signal 2 'EEG F3' has 0 samples in each data record; at least 1 is needed"),
        ("-4", r"signal 2 'EEG F3' has -4 samples"),
        ("4x", r"number of samples in each data record of signal 2 'EEG F3' \(bytes 912-919\)"),
    ],
)
def test_signals_without_a_place_in_the_records_are_refused(small, tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        read_header(small.put("samples", text, signal=1).write(tmp_path / "a.edf"))


def test_a_file_cut_after_its_header_is_refused(small, tmp_path):
    del small.raw[1024 + 21 :]
    with pytest.raises(FormatError, match=r"holds 21 bytes of data; one data record has 22"):
        read_header(small.write(tmp_path / "a.edf"))


def test_a_header_cut_within_its_signals_is_refused(small, tmp_path):
    del small.raw[900:]
    with pytest.raises(FormatError, match=r"ends after 900 bytes, within its header of 1024 bytes"):
        read_header(small.write(tmp_path / "a.edf"))


@pytest.mark.parametrize("name", ["absent.edf", "."])
def test_files_that_cannot_be_opened_are_refused(tmp_path, name):
    with pytest.raises(DataError, match=r"Cannot read '.*': .*\. A readable EDF or BDF file is"):
        read_header(tmp_path / name)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"physical_min": "7", "physical_max": "7"}, "minimum and maximum are both 7; they must d"),
        (
            {"digital_min": "5", "digital_max": "5"},
            "digital minimum is 5, its maximum 5; the minim",
        ),
        ({"digital_min": "9", "digital_max": "-9"}, "digital minimum is 9, its maximum -9"),
        ({"physical_max": "high"}, "physical maximum of signal 2 'EEG F3' (bytes 600-607) reads"),
        (
            {"digital_min": "0.5"},
            "digital minimum of signal 2 'EEG F3' (bytes 624-631) reads '0.5'",
        ),
    ],
)
def test_an_unknown_scale_is_a_problem_of_its_signal_only(small, tmp_path, fields, problem):
    for name, text in fields.items():
        small.put(name, text, signal=1)
    header = read_header(small.write(tmp_path / "a.edf"))
    assert header.signals[0].problem == ""
    assert problem in header.signals[1].problem


def test_the_place_of_every_signal_follows_from_those_before_it(edf_bytes, ramp, tmp_path):
    signals = [{"label": f"C{n}", "data": ramp(2, n)} for n in (3, 5, 2)]
    header = read_header(edf_bytes(signals, duration="0.5").write(tmp_path / "a.edf"))
    assert [s.first_in_record for s in header.signals] == [0, 3, 8]
    assert [s.rate_hz for s in header.signals] == [6.0, 10.0, 4.0]


@pytest.mark.parametrize(
    ("samples", "expected"), [((1, 4, 4), 4.0), ((8, 4, 4), 4.0), ((8, 4, 2), 8.0)]
)
def test_the_main_rate_is_the_most_frequent_then_the_highest(
    edf_bytes, ramp, tmp_path, samples, expected
):
    signals = [{"label": f"C{i}", "data": ramp(1, n)} for i, n in enumerate(samples)]
    assert read_header(edf_bytes(signals).write(tmp_path / "a.edf")).main_rate_hz == expected


def test_rates_are_exact_quotients_of_what_is_written(edf_bytes, ramp, tmp_path):
    data = edf_bytes([{"label": "C", "data": ramp(1, 77)}], duration="0.3")
    assert read_header(data.write(tmp_path / "a.edf")).main_rate_hz == 770 / 3


def test_kinds_follow_from_label_and_unit(edf_bytes, ramp, tmp_path):
    signals = [
        {"label": "Cz", "data": ramp(1, 4)},
        {"label": "SPO2", "data": ramp(1, 4), "dimension": "%"},
        {"label": "Status", "data": ramp(1, 4)},
    ]
    for is_bdf, kind in ((True, "status"), (False, "voltage")):
        header = read_header(edf_bytes(signals, is_bdf=is_bdf).write(tmp_path / "a.bdf"))
        assert [s.kind for s in header.signals] == ["voltage", "other", kind]


def test_assumed_units_are_noted(edf_bytes, ramp, tmp_path):
    signals = [{"label": "Cz", "data": ramp(1, 4), "dimension": ""}]
    header = read_header(edf_bytes(signals).write(tmp_path / "a.edf"))
    assert header.signals[0].notes == ("'Cz' is in unit ''; microvolts were assumed.",)


@pytest.mark.parametrize("reserved", ["EDF+D", "edf+d", "EDF+D xyz"])
def test_discontinuous_files_say_so(small, tmp_path, reserved):
    assert read_header(small.put("reserved", reserved).write(tmp_path / "a.edf")).is_discontinuous


def test_names_are_unique_whatever_the_labels():
    names = unique_names(["a", "a#2", "a", "a", "", ""])
    assert names == ("a", "a#2", "a#3", "a#4", "unnamed", "unnamed#2")

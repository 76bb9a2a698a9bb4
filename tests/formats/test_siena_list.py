from datetime import time
from pathlib import Path

import pytest

from neurorun.core import FormatError
from neurorun.formats import ListedSeizure, read_siena_list, same_recording

pytestmark = pytest.mark.unit

REAL = (
    Path(__file__).resolve().parents[2]
    / "../shared/data/eeg_seizure/epilepsy2bids_stubs/siena/PN00/Seizures-list-PN00.txt"
)


def listed(folder, *lines):
    path = folder / "Seizures-list-PN99.txt"
    path.write_text("\n".join(lines), encoding="latin-1")
    return read_siena_list(path)


def block(
    number=1, *, name="PN99-1.edf", registration="10.00.00", start="10.05.00", end="10.06.00"
):
    return [
        f"Seizure n {number}",
        f"File name: {name}",
        f"Registration start time: {registration}",
        "Registration end time: 11.00.00",
        f"Seizure start time: {start}",
        f"Seizure end time: {end}",
        "",
    ]


@pytest.mark.skipif(not REAL.exists(), reason="needs the shared data")
def test_the_real_list_of_pn00():
    seizures = read_siena_list(REAL)
    spans = [(s.file_name, s.event().onset_s, s.event().duration_s) for s in seizures]
    assert spans == [
        ("PN00-1.edf", 1143, 70),
        ("PN00-2.edf", 1220, 54),
        ("PN00-3.edf", 765, 60),
        ("PN00-4.edf", 1006, 74),
        ("PN00-5.edf", 904, 67),
    ]
    assert seizures[2].notes == ("Seizure end 19.29.29 read as 18.29.29, a known error.",)
    assert not any(s.notes for s in seizures if s.number != 3)


@pytest.mark.parametrize(
    "text", ["10.05.07", " 10:05:07", "10:05.07", "1 0.05.07", "10.05.07 (CLINICAL ONSET)"]
)
def test_times_that_can_be_read_one_way_are_read(tmp_path, text):
    (seizure,) = listed(tmp_path, *block(start=text))
    assert seizure.onset == time(10, 5, 7)
    assert seizure.notes == ()


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("15.43.53 (CLINICAL ONSET); 15.43.59 (ELECTRIC ONSET)", time(15, 43, 59)),
        ("15.43.59 (ELECTRIC ONSET); 15.43.53 (CLINICAL ONSET)", time(15, 43, 59)),
        ("11.41.04 opure 11.40.43", time(11, 41, 4)),
    ],
)
def test_of_two_times_the_electrographic_or_the_first_is_taken_and_noted(tmp_path, text, taken):
    (seizure,) = listed(tmp_path, *block(start=text, end="23.00.00"))
    assert seizure.onset == taken
    assert seizure.notes[0].startswith(f"Of the start times '{text}'")


def test_registration_before_the_first_heading_holds_for_all_as_in_pn01(tmp_path):
    seizures = listed(
        tmp_path,
        "File name: PN01.edf",
        "Registration start time: 19.00.44",
        "Registration end time: 08.00.00",
        "Seizure n 1",
        "Start time: 21:51:02",
        "End time: 21:51:56",
        "Seizure n 2",
        "Start time: 07:53:17",
        "End time: 07:54:31",
    )
    assert [s.event().onset_s for s in seizures] == [10218, 46353]
    assert seizures[0].notes == ()
    assert seizures[1].notes == ("Registration time taken from the seizure before.",)


def test_a_repeated_file_name_keeps_the_registration_as_in_pn12(tmp_path):
    again = [line for line in block(2, start="10.10.00", end="10.11.00") if "Reg" not in line]
    first, second = listed(tmp_path, *block(1), *again)
    assert first.registration == second.registration
    assert second.event().onset_s == 600


def test_a_seizure_may_cross_midnight(tmp_path):
    (seizure,) = listed(tmp_path, *block(registration="22.00.00", start="23.59.30", end="00.00.30"))
    assert (seizure.event().onset_s, seizure.event().offset_s) == (7170, 7230)


def test_the_clock_of_the_recording_comes_before_that_of_the_list():
    seizure = ListedSeizure(1, "a.edf", time(16, 17, 45), time(20, 0), time(20, 1))
    assert seizure.event(time(19, 17, 45)).onset_s == 2535


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["PN99"], "lists no seizure"),
        (block(start="soon"), r"cannot read a time from 'soon' \(start\)"),
        (block(start="25.00.00"), "'25.00.00' is no time of day"),
        (block()[:1], r"file '', registration None, times \[\]; a file name"),
        (block()[:-2], r"times \['start'\]"),
        ([*block(1), "Seizure n 2", "File name: b.edf", *block()[4:]], "registration None"),
    ],
)
def test_lists_that_cannot_be_read_are_refused(tmp_path, lines, message):
    with pytest.raises(FormatError, match=message):
        listed(tmp_path, *lines)


def test_a_missing_list_is_an_error(tmp_path):
    with pytest.raises(FormatError, match="cannot be read: No such file"):
        read_siena_list(tmp_path / "Seizures-list-PN01.txt")


@pytest.mark.parametrize(
    ("written", "actual", "same"),
    [
        ("PN00-1.edf", "PN00-1.edf", True),
        ("PNO6-1.edf", "PN06-1.edf", True),
        ("pn06-1", "PN06-1.EDF", True),
        ("PN11-.edf", "PN11-1.edf", False),
    ],
)
def test_names_with_a_letter_o_for_a_zero_are_the_same(written, actual, same):
    assert same_recording(written, actual) is same

from datetime import date, time
from fractions import Fraction
from pathlib import Path

import pytest

from neurorun.core import FormatError
from neurorun.formats.edf_fields import (
    Field,
    FieldReader,
    edf_plus_date,
    parse_date,
    parse_edf_plus_date,
    parse_time,
)

pytestmark = pytest.mark.unit

PLACE = Field("thing", 0, 8)


def reader(raw: bytes) -> FieldReader:
    return FieldReader(Path("x.edf"), raw.ljust(8))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31.12.84", date(2084, 12, 31)),
        ("01.01.85", date(1985, 1, 1)),
        ("01:01:85", date(1985, 1, 1)),
        (" 1. 2. 3", date(2003, 2, 1)),
        ("1/2/03", date(2003, 2, 1)),
        ("29.02.01", None),
        ("01.13.20", None),
        ("00.01.20", None),
        ("01.01.yy", None),
        ("", None),
    ],
)
def test_dates_are_read_with_any_separator_and_impossible_ones_are_none(text, expected):
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("23.59.59", time(23, 59, 59)), ("24.00.00", None), ("12.60.00", None), ("noon", None)],
)
def test_times_are_read_and_impossible_ones_are_none(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Startdate 02-mar-2020 X X", date(2020, 3, 2)),
        ("Startdate 31-FEB-2020 X X", None),
        ("Startdate 02-XXX-2020", None),
        ("Startdate X X X X", None),
        ("some hospital", None),
    ],
)
def test_the_edf_plus_date_is_read_from_the_recording_field(text, expected):
    assert parse_edf_plus_date(text) == expected


@pytest.mark.parametrize("month", range(1, 13))
def test_edf_plus_dates_are_read_as_they_are_written(month):
    day = date(2031, month, 9)
    assert parse_edf_plus_date(f"Startdate {edf_plus_date(day)} X") == day


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"12", 12.0),
        (b"-.5", -0.5),
        (b"1e-3", 0.001),
        (b"+3.", 3.0),
        (b"1000,5", 1000.5),
        (b"-0,25\0\0", -0.25),
    ],
)
def test_decimal_numbers_are_read_with_dot_or_comma(raw, expected):
    fields = reader(raw)
    assert fields.number(PLACE) == expected
    assert fields.fraction(PLACE) == Fraction(str(expected))
    assert bool(fields.notes) == (b"," in raw)


@pytest.mark.parametrize(
    "raw", [b"", b"abc", b"1.2.3", b"nan", b"1,2,3", b"1e999", b"0x10", b"--1"]
)
def test_what_is_no_decimal_number_is_refused_with_its_place(raw):
    with pytest.raises(
        FormatError, match=r"'x.edf': the thing \(bytes 0-7\) reads '.*'; a decimal number is all"
    ):
        reader(raw).number(PLACE)


@pytest.mark.parametrize(("raw", "expected"), [(b"-32768", -32768), (b"7.", 7), (b"4.00", 4)])
def test_whole_numbers_are_read(raw, expected):
    assert reader(raw).whole(PLACE) == expected


@pytest.mark.parametrize("raw", [b"", b"1.5", b"1e3", b"one"])
def test_what_is_no_whole_number_is_refused(raw):
    with pytest.raises(FormatError, match=r"a whole number is allowed there. Correct the header"):
        reader(raw).whole(PLACE)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("µV".encode(), "µV"), ("µV".encode("latin-1"), "µV"), (b"\x83\xcaV", "\x83ÊV")],
)
def test_text_outside_ascii_is_read_and_noted(raw, expected):
    fields = reader(raw)
    assert fields.text(PLACE) == expected
    assert "outside ASCII" in fields.notes[0]

"""The fixed-width text fields of an EDF or BDF header: one function for each kind of field.

A field that can be read only one way is repaired and the repair is written down in a sentence;
a field that could mean two things, or nothing, is refused with its place and its text.
"""

import math
import re
from dataclasses import dataclass, field
from datetime import date, time
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from neurorun.core import FormatError

_WHOLE = re.compile(r"[+-]?\d+(?:\.0*)?")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_COMMA_DECIMAL = re.compile(r"[+-]?\d*,\d+")
_THREE_NUMBERS = re.compile(r"\s?(\d{1,2})([.:'/ -])\s?(\d{1,2})([.:'/ -])\s?(\d{1,2})")
_EDF_PLUS_DATE = re.compile(r"startdate (\d{1,2})-([a-z]{3})-(\d{4})\b", re.IGNORECASE)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


class Field(NamedTuple):
    """A place in the header: what stands there, its first byte, its width in bytes, and whose."""

    what: str
    first: int
    width: int
    owner: str = ""


@dataclass
class FieldReader:
    """Reads the fields of one header and writes down what it had to repair.

    Parameters
    ----------
    path : the file, for messages
    raw : its header
    notes : one sentence for each repair or remark so far
    remarks : those that tell of nothing repaired
    """

    path: Path
    raw: bytes
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Note something that is worth telling, but needed no repair."""
        self.notes.append(sentence)
        self.remarks.append(sentence)

    def text(self, place: Field) -> str:
        """Text without its padding; UTF-8 where it is valid, else Latin-1, and then noted."""
        text = unpadded(self.raw[place.first : place.first + place.width])
        if text.isascii():
            return text
        self.remark(f"The {place.what}{place.owner} holds characters outside ASCII: '{text}'.")
        return text

    def whole(self, place: Field) -> int:
        """Whole number, sign allowed.

        Raises
        ------
        FormatError : anything else stands there
        """
        text = self.text(place)
        number = whole_number(text)
        if number is None:
            raise self._refusal(place, text, "a whole number is")
        return number

    def number(self, place: Field) -> float:
        """Decimal number; a decimal comma is read as a dot and noted.

        Raises
        ------
        FormatError : anything else stands there, or a number beyond the range of floats
        """
        return float(self._decimal(place))

    def fraction(self, place: Field) -> Fraction:
        """Decimal number exactly as written; as `number` otherwise."""
        return Fraction(self._decimal(place))

    def _decimal(self, place: Field) -> str:
        text = self.text(place)
        if _COMMA_DECIMAL.fullmatch(text):
            self.notes.append(
                f"The {place.what}{place.owner} has a decimal comma: '{text}' was read so."
            )
            text = text.replace(",", ".")
        if not is_decimal(text):
            raise self._refusal(place, text, "a decimal number is")
        return text

    def _refusal(self, place: Field, text: str, allowed: str) -> FormatError:
        last = place.first + place.width - 1
        return FormatError(
            f"'{self.path}': the {place.what}{place.owner} (bytes {place.first}-{last}) "
            f"reads '{text}'; {allowed} allowed there. Correct the header, or export the file "
            "again."
        )


# The fields of one corpus hold few different texts, so that reading them again can be spared.


@lru_cache(maxsize=4096)
def unpadded(content: bytes) -> str:
    """Text of a field without its padding; UTF-8 where it is valid, else Latin-1."""
    content = content.replace(b"\0", b" ").strip()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


@lru_cache(maxsize=4096)
def whole_number(text: str) -> int | None:
    """Whole number that a text is, or None."""
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


@lru_cache(maxsize=4096)
def is_decimal(text: str) -> bool:
    """Whether a text is a finite decimal number."""
    return _DECIMAL.fullmatch(text) is not None and math.isfinite(float(text))


def parse_date(text: str) -> date | None:
    """Date written ``dd.mm.yy``, years 85-99 in the 1900s [1]_; None where it is none.

    References
    ----------
    .. [1] edfplus.info, EDF+ specification, 2.1.3.2: clipping date 1985.

    Examples
    --------
    >>> parse_date("13.03.59"), parse_date("42.00.00")
    (datetime.date(2059, 3, 13), None)
    """
    match = _THREE_NUMBERS.fullmatch(text)
    if match is None:
        return None
    day, month, year = int(match[1]), int(match[3]), int(match[5])
    return _date(year + (1900 if year >= 85 else 2000), month, day)


def parse_time(text: str) -> time | None:
    """Time written ``hh.mm.ss``; None where it is none.

    >>> parse_time("23.59.30"), parse_time("26.00.99")
    (datetime.time(23, 59, 30), None)
    """
    match = _THREE_NUMBERS.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[3]), int(match[5])
    if hour > 23 or minute > 59 or second > 59:
        return None
    return time(hour, minute, second)


def parse_edf_plus_date(recording_text: str) -> date | None:
    """Date with four-digit year from an EDF+ recording field; None where it holds none.

    >>> parse_edf_plus_date("Startdate 13-MAR-2059 X X X")
    datetime.date(2059, 3, 13)
    """
    match = _EDF_PLUS_DATE.match(recording_text)
    if match is None or match[2].upper() not in _MONTHS:
        return None
    return _date(int(match[3]), _MONTHS.index(match[2].upper()) + 1, int(match[1]))


def edf_plus_date(day: date) -> str:
    """Date as EDF+ writes it, in English whatever the locale.

    >>> edf_plus_date(date(2009, 12, 1))
    '01-DEC-2009'
    """
    return f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year:04d}"


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None

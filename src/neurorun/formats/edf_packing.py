"""Headers of EDF+ files, packed: every text in its width, every number in the room it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from neurorun.core import DataError
from neurorun.formats.edf_fields import edf_plus_date
from neurorun.formats.edf_signals import WIDTHS

DIGITAL_RANGE = (-32768, 32767)

_NUMBER_WIDTH = 8
_UNKNOWN_START = ("01.01.85", "00.00.00", "Startdate X X X X")


@dataclass(frozen=True, slots=True)
class SignalEntry:
    """What the header says about one 16-bit signal; texts are written as they are.

    Parameters
    ----------
    label : at most 16 characters
    samples_per_record : its length in each data record
    dimension, physical_minimum, physical_maximum : at most 8 characters
    """

    label: str
    samples_per_record: int
    dimension: str = ""
    physical_minimum: str = "-1"
    physical_maximum: str = "1"

    def fields(self) -> tuple[str, ...]:
        """Texts in the order of the header."""
        low, high = (str(limit) for limit in DIGITAL_RANGE)
        return (
            self.label,
            "",
            self.dimension,
            self.physical_minimum,
            self.physical_maximum,
            low,
            high,
            "",
            str(self.samples_per_record),
            "",
        )


def pack_header(
    signals: Sequence[SignalEntry],
    *,
    n_records: int,
    record_duration: str,
    is_discontinuous: bool = False,
    start: datetime | None = None,
    patient: str = "X",
) -> bytes:
    """Pack the header of an EDF+ file.

    An unknown start is written as EDF+ prescribes: 01.01.85 and "Startdate X".

    Raises
    ------
    DataError : a text is too long for its field or not plain ASCII
    """
    date_text, time_text, recording = _UNKNOWN_START
    if start is not None:
        year = f"{start:%y}" if 1985 <= start.year <= 2084 else "yy"
        date_text, time_text = f"{start:%d.%m}.{year}", f"{start:%H.%M.%S}"
        recording = f"Startdate {edf_plus_date(start.date())} X X X"
    parts = [
        ("version", "0", 8),
        ("patient", f"{patient.replace(' ', '_') or 'X'} X X X", 80),
        ("recording", recording, 80),
        ("start date", date_text, 8),
        ("start time", time_text, 8),
        ("header bytes", str(256 * (len(signals) + 1)), 8),
        ("reserved", "EDF+D" if is_discontinuous else "EDF+C", 44),
        ("number of data records", str(n_records), 8),
        ("duration of a data record", record_duration, 8),
        ("number of signals", str(len(signals)), 4),
    ]
    columns = zip(*(signal.fields() for signal in signals), strict=True)
    for (what, width), column in zip(WIDTHS.items(), columns, strict=True):
        parts += [(what, text, width) for text in column]
    return b"".join(_ascii(*part) for part in parts)


def _ascii(what: str, text: str, width: int) -> bytes:
    if len(text) > width or not (text.isascii() and (text.isprintable() or not text)):
        raise DataError(
            f"EDF cannot hold the {what} '{text}'; at most {width} printable ASCII characters are "
            "allowed. Shorten or rename it."
        )
    return text.encode("ascii").ljust(width)


def outward(value: float, *, up: bool) -> str:
    """Write a limit in 8 characters, rounded away from the values that it must enclose.

    >>> outward(-93.35204, up=False), outward(78.810551, up=True)
    ('-93.3521', '78.81056')

    Raises
    ------
    DataError : the number does not fit even without decimals
    """
    exact, rounding = Decimal(value), ROUND_CEILING if up else ROUND_FLOOR
    for n_decimals in range(_NUMBER_WIDTH - 2, -1, -1):
        rounded = exact.quantize(Decimal(1).scaleb(-n_decimals), rounding=rounding)
        text = _plain(f"{rounded:f}")
        if len(text) <= _NUMBER_WIDTH:
            return text
    raise DataError(
        f"EDF cannot hold the value {value:g}; numbers of at most 8 characters are allowed. Check "
        "the unit of the signal: microvolts are expected."
    )


def short_number(value: float) -> str:
    """Write a positive number as precisely as 8 characters allow.

    >>> short_number(1.0), short_number(9.59375), short_number(3600.1234567)
    ('1', '9.59375', '3600.123')

    Raises
    ------
    DataError : the number has more than 8 digits before the point, or rounds to 0
    """
    for n_decimals in range(_NUMBER_WIDTH - 2, -1, -1):
        text = _plain(f"{value:.{n_decimals}f}")
        if len(text) <= _NUMBER_WIDTH and float(text) > 0:
            return text
    raise DataError(
        f"EDF cannot hold a duration of {value:g} s; it needs 0.000001 s to 99999999 s."
    )


def _plain(text: str) -> str:
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text

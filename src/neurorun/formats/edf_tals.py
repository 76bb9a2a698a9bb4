"""Time-stamped annotation lists (TALs): how EDF+ stores annotations and the times of its records.

A TAL is ``onset [0x15 duration] 0x14 text 0x14 text 0x14 ... 0x00``; onset with sign, seconds after
the start in the header; texts in UTF-8. The first TAL of a record has an empty first text and
tells when the record begins.

References
----------
Kemp, Olivan, "European data format 'plus'", 2003, section 2.2 (edfplus.info).
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

_TAL = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(-?\d*\.?\d*))?\x14(.*)", re.DOTALL)


class Tal(NamedTuple):
    """Texts that share one onset and duration.

    Parameters
    ----------
    onset_s : seconds after the start in the header, any sign
    duration_s : seconds as written; None where not stated
    texts : at least one; an empty first text marks the time of the record
    """

    onset_s: float
    duration_s: float | None
    texts: tuple[str, ...]

    @property
    def keeps_time(self) -> bool:
        """Whether this TAL tells when its record begins."""
        return self.texts[0] == ""


def parse_tals(raw: bytes) -> tuple[list[Tal], int]:
    r"""Read the TALs of one data record, and count the pieces that are none.

    >>> parse_tals(b"+2\x14\x14\0+2.5\x1510\x14sz\x14\0\0\0")[0][1]
    Tal(onset_s=2.5, duration_s=10.0, texts=('sz',))
    """
    tals: list[Tal] = []
    n_malformed = 0
    for piece in raw.rstrip(b"\0").split(b"\0"):
        match = _TAL.fullmatch(piece) if piece else None
        if match:
            tals.append(_tal(match[1], match[2], match[3]))
        elif piece:
            n_malformed += 1
    return tals, n_malformed


def _tal(onset: bytes, duration: bytes | None, texts: bytes) -> Tal:
    if duration is None and texts == b"\x14":
        return Tal(float(onset), None, ("",))
    parts = texts.removesuffix(b"\x14").split(b"\x14")
    length = duration.strip(b".-") if duration else b""
    return Tal(
        onset_s=float(onset),
        duration_s=float(duration) if duration and length else None,
        texts=tuple(_decode(part) for part in parts),
    )


def _decode(text: bytes) -> str:
    """UTF-8 as the standard says; older writers used Latin-1."""
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        return text.decode("latin-1").strip()


def pack_tals(tals: Iterable[Tal]) -> bytes:
    r"""Write TALs one after the other, unpadded; times to the nanosecond.

    >>> pack_tals([Tal(0.3, None, ("",)), Tal(1, 2.5, ("sz",))])
    b'+0.3\x14\x14\x00+1\x152.5\x14sz\x14\x00'
    """
    packed = bytearray()
    for tal in tals:
        packed += f"{'-' if tal.onset_s < 0 else '+'}{_seconds(abs(tal.onset_s))}".encode()
        if tal.duration_s is not None:
            packed += b"\x15" + _seconds(tal.duration_s).encode()
        packed += b"\x14" + b"\x14".join(text.encode() for text in tal.texts) + b"\x14\0"
    return bytes(packed)


def _seconds(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")

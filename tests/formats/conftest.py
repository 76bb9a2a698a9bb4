"""EDF files made byte by byte, without the code under test, and damaged at one place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HEADER_FIELDS = {
    "version": (0, 8),
    "patient": (8, 80),
    "recording": (88, 80),
    "date": (168, 8),
    "time": (176, 8),
    "header_bytes": (184, 8),
    "reserved": (192, 44),
    "n_records": (236, 8),
    "duration": (244, 8),
    "n_signals": (252, 4),
}
SIGNAL_WIDTHS = {
    "label": 16,
    "transducer": 80,
    "dimension": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefiltering": 80,
    "samples": 8,
    "signal_reserved": 32,
}
DEFAULTS = {"dimension": "uV", "physical_min": "-100", "physical_max": "100"}
DEFAULTS |= {"digital_min": "-32768", "digital_max": "32767"}


def _text(value: Any, width: int) -> bytes:
    raw = value if isinstance(value, bytes) else str(value).encode("ascii")
    assert len(raw) <= width, raw
    return raw.ljust(width)


class EdfBytes:
    """The bytes of an EDF file of a few signals, and where each field stands in them."""

    def __init__(
        self,
        signals: Sequence[dict[str, Any]],
        *,
        tals: Sequence[bytes] = (),
        is_bdf: bool = False,
        **header: Any,
    ) -> None:
        self.signals = [DEFAULTS | signal for signal in signals]
        n_records = len(self.signals[0]["data"]) if self.signals else len(tals)
        self.width = 3 if is_bdf else 2
        if tals:
            n = -(-max(map(len, tals)) // self.width)
            data = [tal.ljust(n * self.width, b"\0") for tal in tals]
            label = "BDF Annotations" if is_bdf else "EDF Annotations"
            limits = {"dimension": "", "physical_min": "-1", "physical_max": "1"}
            self.signals.append(DEFAULTS | limits | {"label": label, "raw": data, "samples": n})
        fields = {
            "version": b"\xffBIOSEMI" if is_bdf else "0",
            "patient": "X X X X",
            "recording": "Startdate 02-MAR-2020 X X X",
            "date": "02.03.20",
            "time": "04.05.06",
            "header_bytes": 256 * (len(self.signals) + 1),
            "n_records": n_records,
            "duration": "1",
            "n_signals": len(self.signals),
        }
        self.raw = bytearray(b" " * 256 * (len(self.signals) + 1))
        for name, value in (fields | header).items():
            self.put(name, value)
        for i, signal in enumerate(self.signals):
            if "data" in signal:
                signal["samples"] = len(signal["data"][0])
            for name in SIGNAL_WIDTHS:
                self.put(name, signal.get(name, ""), signal=i)
        for record in range(n_records):
            self.raw += b"".join(self._record(signal, record) for signal in self.signals)

    def _record(self, signal: dict[str, Any], record: int) -> bytes:
        if "raw" in signal:
            return signal["raw"][record]
        values = np.asarray(signal["data"][record], dtype="<i4")
        return values.view(np.uint8).reshape(-1, 4)[:, : self.width].tobytes()

    def put(self, name: str, value: Any, *, signal: int | None = None) -> "EdfBytes":
        """Write a field over what stands there."""
        if signal is None:
            first, width = HEADER_FIELDS[name]
        else:
            names = list(SIGNAL_WIDTHS)
            before = sum(SIGNAL_WIDTHS[n] for n in names[: names.index(name)])
            width = SIGNAL_WIDTHS[name]
            first = 256 + before * len(self.signals) + signal * width
        self.raw[first : first + width] = _text(value, width)
        return self

    def write(self, path: Path) -> Path:
        """Write the file."""
        path.write_bytes(self.raw)
        return path


@pytest.fixture
def edf_bytes():
    """Maker of EDF files: ``edf_bytes([{"label": ..., "data": records}], tals=[...])``."""
    return EdfBytes


@pytest.fixture
def ramp():
    """Records of a ramp: ``ramp(n_records, samples_per_record, first=0)``."""

    def make(n_records: int, samples: int, first: int = 0) -> np.ndarray:
        values = np.arange(first, first + n_records * samples)
        return values.reshape(n_records, samples)

    return make


@pytest.fixture
def small(edf_bytes, ramp):
    """Two voltage channels at 4 Hz, three records of 1 s, EDF+C."""
    tals = [b"+%d\x14\x14\0" % i for i in range(3)]
    signals = [
        {"label": "EEG Fp1", "data": ramp(3, 4)},
        {"label": "EEG F3", "data": ramp(3, 4, 100)},
    ]
    return edf_bytes(signals, tals=tals, reserved="EDF+C")


@pytest.fixture
def shared() -> Path:
    """Folder of real files; the test is skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("the folder of shared data is absent")
    return folder.resolve()

"""The header of an EDF, EDF+ or BDF file: what the file holds and where; no sample is read.

The header is repaired where only one reading is possible; each repair is a sentence in the notes.

References
----------
Kemp et al., "A simple format for exchange of digitized polygraphic recordings", 1992, and Kemp,
Olivan, "European data format 'plus'", 2003 (edfplus.info); BDF: biosemi.com, "Which file format".
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

from neurorun.core import DataError, FormatError
from neurorun.formats.edf_fields import (
    Field,
    FieldReader,
    parse_date,
    parse_edf_plus_date,
    parse_time,
)
from neurorun.formats.edf_signals import EdfSignal, FormatName, read_signals

BYTES_PER_SAMPLE = {"EDF": 2, "BDF": 3}

_PATIENT = Field("patient field", 8, 80)
_RECORDING = Field("recording field", 88, 80)
_START_DATE = Field("start date", 168, 8)
_START_TIME = Field("start time", 176, 8)
_HEADER_BYTES = Field("number of bytes in the header", 184, 8)
_RESERVED = Field("reserved field", 192, 44)
_N_RECORDS = Field("number of data records", 236, 8)
_RECORD_DURATION = Field("duration of a data record", 244, 8)
_N_SIGNALS = Field("number of signals", 252, 4)


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """What a file holds and where.

    Parameters
    ----------
    path : the file
    format : ``EDF`` (2 bytes per sample) or ``BDF`` (3)
    is_discontinuous : whether the header says ``EDF+D`` or ``BDF+D``
    patient_text, recording_text : as written
    start : wall clock by the header, in whole seconds; None where unknown or impossible
    record_duration_s : exactly as written; 0 only in files of annotations
    n_records : complete data records in the file, by its size
    signals : in the order of the file, annotations and triggers included
    notes : what was repaired, and remarks
    remarks : those of the notes that tell of nothing repaired
    """

    path: Path
    format: FormatName
    is_discontinuous: bool
    patient_text: str
    recording_text: str
    start: datetime | None
    record_duration_s: Fraction
    n_records: int
    signals: tuple[EdfSignal, ...]
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def header_bytes(self) -> int:
        """Where the first data record begins."""
        return 256 * (len(self.signals) + 1)

    @property
    def bytes_per_sample(self) -> int:
        """2 in EDF, 3 in BDF."""
        return BYTES_PER_SAMPLE[self.format]

    @property
    def record_bytes(self) -> int:
        """Length of one data record."""
        return self.bytes_per_sample * sum(s.samples_per_record for s in self.signals)

    @property
    def recorded_s(self) -> float:
        """Seconds of signal in the file; the gaps of EDF+D are not in it."""
        return float(self.n_records * self.record_duration_s)

    @property
    def channels(self) -> tuple[str, ...]:
        """Unique names of the signals that are voltages."""
        return tuple(s.name for s in self.signals if s.kind == "voltage")

    @property
    def annotation_signals(self) -> tuple[EdfSignal, ...]:
        """Signals that hold annotations; the first of them keeps the time of the records."""
        return tuple(s for s in self.signals if s.kind == "annotations")

    @property
    def main_rate_hz(self) -> float:
        """Rate that most voltage channels share, of several the highest; 0 without any."""
        votes = Counter(s.rate_hz for s in self.signals if s.kind == "voltage")
        return max(votes, key=lambda rate_hz: (votes[rate_hz], rate_hz), default=0.0)


def read_header(path: Path | str) -> EdfHeader:
    """Read the header of an EDF, EDF+ or BDF file; no sample is touched.

    Repaired, each with a note: impossible start date or time (the start is then unknown), a number
    of records that contradicts the size of the file, an incomplete last record, bytes after the
    last one, decimal commas, text outside ASCII, a wrong number of header bytes.

    Raises
    ------
    DataError : the file cannot be opened
    FormatError : it is empty, cut within its header, of another format, holds no complete data
        record, or describes records that cannot be laid out
    """
    path = Path(path)
    reader, file_bytes = _load(path)
    format_name: FormatName = "BDF" if reader.raw[0] == 0xFF else "EDF"
    n_signals = len(reader.raw) // 256 - 1
    _check_header_bytes(reader, n_signals)
    recording_text = reader.text(_RECORDING)
    record_duration_s = reader.fraction(_RECORD_DURATION)
    signals = read_signals(
        reader, n_signals, record_duration_s=record_duration_s, format_name=format_name
    )
    samples = sum(signal.samples_per_record for signal in signals)
    return EdfHeader(
        path=path,
        format=format_name,
        is_discontinuous=reader.text(_RESERVED).upper().startswith(f"{format_name}+D"),
        patient_text=reader.text(_PATIENT),
        recording_text=recording_text,
        start=_start(reader, recording_text),
        record_duration_s=record_duration_s,
        n_records=_count_records(reader, file_bytes, BYTES_PER_SAMPLE[format_name] * samples),
        signals=signals,
        notes=tuple(reader.notes),
        remarks=tuple(reader.remarks),
    )


def _load(path: Path) -> tuple[FieldReader, int]:
    """Reader over the whole header, and the size of the file."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(256)
            _check_version(path, raw)
            n_signals = _count_signals(FieldReader(path, raw))
            raw += stream.read(256 * n_signals)
        file_bytes = path.stat().st_size
    except OSError as error:
        raise DataError(
            f"Cannot read '{path}': {error.strerror}. A readable EDF or BDF file is needed; check "
            "the path."
        ) from error
    if len(raw) < 256 * (n_signals + 1):
        raise FormatError(
            f"'{path}' ends after {len(raw)} bytes, within its header of "
            f"{256 * (n_signals + 1)} bytes ({n_signals} signals); it was cut off. Copy or export "
            "it again."
        )
    return FieldReader(path, raw), file_bytes


def _check_version(path: Path, raw: bytes) -> None:
    if not raw:
        raise FormatError(f"'{path}' is empty; an EDF file has a header. Copy or export it again.")
    if raw[:8].rstrip(b" ") not in (b"0", b"\xffBIOSEMI"):
        raise FormatError(
            f"'{path}' begins with {raw[:8]!r}; EDF begins with '0' and seven blanks, BDF with "
            "'\\xffBIOSEMI'. Convert the file, or give one of these formats."
        )
    if len(raw) < 256:
        raise FormatError(
            f"'{path}' ends after {len(raw)} bytes, within its header of at least 512 bytes; it "
            "was cut off. Copy or export it again."
        )


def _count_signals(reader: FieldReader) -> int:
    n_signals = reader.whole(_N_SIGNALS)
    if n_signals < 1:
        raise FormatError(
            f"'{reader.path}' announces {n_signals} signals; at least 1 is needed. Export the file "
            "again."
        )
    return n_signals


def _check_header_bytes(reader: FieldReader, n_signals: int) -> None:
    """Believe the number of signals: a wrong one would not leave numbers in the right places."""
    stated = reader.text(_HEADER_BYTES)
    if stated != str(256 * (n_signals + 1)):
        reader.notes.append(
            f"The header says that it has '{stated}' bytes; its {n_signals} signals take "
            f"{256 * (n_signals + 1)}, which was used."
        )


def _start(reader: FieldReader, recording_text: str) -> datetime | None:
    """Wall clock of the header; the four-digit year of EDF+ decides where there is one.

    EDF+ writes an unknown date as 01.01.85 with "Startdate X".
    """
    date_text, time_text = reader.text(_START_DATE), reader.text(_START_TIME)
    short, long = parse_date(date_text), parse_edf_plus_date(recording_text)
    clock, day = parse_time(time_text), long or short
    if short == date(1985, 1, 1) and recording_text.lower().startswith("startdate x"):
        return None
    if clock is None or day is None:
        reader.remark(
            f"The start '{date_text} {time_text}' is no date and time; the start is unknown."
        )
        return None
    if day != short:
        reader.notes.append(
            f"The start date reads '{date_text}', the recording field says {day}, which was used."
        )
    elif "".join(c for c in date_text + time_text if not c.isdigit()) != "....":
        reader.notes.append(f"The start '{date_text} {time_text}' was read as {day} {clock}.")
    return datetime.combine(day, clock)


def _count_records(reader: FieldReader, file_bytes: int, record_bytes: int) -> int:
    """Complete records that are in the file: its size decides, whatever the header says."""
    data_bytes = file_bytes - len(reader.raw)
    n_records, rest = divmod(data_bytes, record_bytes)
    if n_records == 0:
        raise FormatError(
            f"'{reader.path}' holds {data_bytes} bytes of data; one data record has "
            f"{record_bytes}. It was cut off, or its header is damaged; copy or export it again."
        )
    stated = reader.text(_N_RECORDS)
    if stated != str(n_records):
        reader.notes.append(
            f"The header says '{stated}' data records; the file holds {n_records}, which were used."
        )
    if rest:
        reader.notes.append(
            f"The file ends with {rest} bytes that fill no data record of {record_bytes} bytes; "
            "they were left out."
        )
    return n_records

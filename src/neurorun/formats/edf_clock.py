"""When each data record of an EDF file was recorded, and the annotations that lie between them.

EDF+D files have gaps between records that only the first TAL of each record tells; readers that
count samples close them silently and place every later event wrongly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from neurorun.core import FormatError, Stretch
from neurorun.formats.edf_header import EdfHeader
from neurorun.formats.edf_signals import EdfSignal
from neurorun.formats.edf_tals import Tal, parse_tals

_NOTED_DRIFT_S = 0.1
_RECORDS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class RecordClock:
    """Times of the data records of one file.

    Parameters
    ----------
    header : the file
    start_offset_s : seconds from the start in the header to the first sample
    onsets_s : seconds from the first sample to the beginning of each record
    tals : annotations, onsets relative to the first sample; time-keeping ones are left out
    notes : what contradicted itself and what was believed, and remarks
    remarks : those of the notes that tell of no contradiction
    """

    header: EdfHeader
    start_offset_s: float
    onsets_s: Float64[np.ndarray, " records"]
    tals: tuple[Tal, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds from the first sample to the end of the last record, gaps included."""
        return float(self.onsets_s[-1]) + float(self.header.record_duration_s)

    def stretches(self, samples_per_record: int, rate_hz: float) -> tuple[Stretch, ...]:
        """Pieces without a gap, for signals of this rate.

        Records less than half a sample apart are joined.

        Raises
        ------
        FormatError : records overlap or go backwards in time by more than half a sample
        """
        late_s = _lateness(self.header, self.onsets_s)
        early = np.flatnonzero(late_s < -0.5 / rate_hz)
        if early.size:
            record = int(early[0]) + 1
            raise FormatError(
                f"'{self.header.path}': data record {record + 1} begins at "
                f"{self.onsets_s[record]:g} s, before the one at {self.onsets_s[record - 1]:g} s "
                f"has ended; records must follow each other in time. Export the file again."
            )
        return _stretches_between(self.onsets_s, late_s > 0.5 / rate_hz, samples_per_record)


def _lateness(
    header: EdfHeader, onsets_s: Float64[np.ndarray, " records"]
) -> Float64[np.ndarray, " borders"]:
    """Seconds by which each record begins after the end of the one before."""
    late_s: Float64[np.ndarray, " borders"] = np.diff(onsets_s) - float(header.record_duration_s)
    return late_s


def _stretches_between(
    onsets_s: Float64[np.ndarray, " records"],
    gaps: Bool[np.ndarray, " borders"],
    samples_per_record: int,
) -> tuple[Stretch, ...]:
    starts = [0, *(np.flatnonzero(gaps) + 1).tolist()]
    stops = [*starts[1:], len(onsets_s)]
    return tuple(
        Stretch(
            first=start * samples_per_record,
            n_samples=(stop - start) * samples_per_record,
            onset_s=float(onsets_s[start]),
        )
        for start, stop in zip(starts, stops, strict=True)
    )


def read_clock(header: EdfHeader) -> RecordClock:
    """Read the times of the records and the annotations of a file.

    A continuous file (EDF, EDF+C) whose TALs leave gaps is believed to have them; if its TALs
    overlap or are missing, its records follow each other. Both are noted.

    Raises
    ------
    FormatError : a discontinuous file does not tell the time of a record, or the annotation
        signal does not hold annotations, so that the layout of the records is doubtful
    """
    per_signal = [_read_tals(header, signal) for signal in header.annotation_signals]
    times = _record_times(header, [tals for tals, _ in per_signal[0]] if per_signal else [])
    notes, remarks = list[str](), list[str]()
    n_malformed = sum(malformed for records in per_signal for _, malformed in records)
    if n_malformed:
        notes.append(f"{n_malformed} pieces of the annotation signal are no annotation lists.")
    start_offset_s = times[0] or 0.0
    if start_offset_s >= 1:
        remarks.append(f"The first sample lies {start_offset_s:g} s after the start in the header.")
    onsets_s = _onsets(header, times, notes, remarks)
    tals = [
        tal._replace(onset_s=round(tal.onset_s - start_offset_s, 9))
        for records in per_signal
        for record_tals, _ in records
        for tal in record_tals
        if any(tal.texts)
    ]
    told = (*remarks, *notes)
    return RecordClock(header, start_offset_s, onsets_s, tuple(tals), told, tuple(remarks))


def _read_tals(header: EdfHeader, signal: EdfSignal) -> list[tuple[list[Tal], int]]:
    first = signal.first_in_record * header.bytes_per_sample
    stop = first + signal.samples_per_record * header.bytes_per_sample
    tals: list[tuple[list[Tal], int]] = []
    for record in range(0, header.n_records, _RECORDS_AT_ONCE):
        # mapped anew, for what was read of a map stays in memory as long as the map does
        rows = map_records(header)[record : record + _RECORDS_AT_ONCE, first:stop]
        if record == 0 and rows[0, 0] not in b"+-\0":
            raise FormatError(
                f"'{header.path}': the annotation signal '{signal.name}' begins with "
                f"{rows[0, :8].tobytes()!r}; a time such as '+0' must stand there. The header does "
                "not fit the data; export the file again."
            )
        tals += [parse_tals(row.tobytes()) for row in rows]
    return tals


def map_records(header: EdfHeader) -> UInt8[np.ndarray, "records bytes"]:
    """Map the data records of a file into memory, one row each; nothing is read yet."""
    return np.asarray(
        np.memmap(
            header.path,
            dtype=np.uint8,
            mode="r",
            offset=header.header_bytes,
            shape=(header.n_records, header.record_bytes),
        )
    )


def _record_times(header: EdfHeader, tals: list[list[Tal]]) -> list[float | None]:
    """Onset of each record by its time-keeping TAL; None where it has none."""
    times = [t[0].onset_s if t and t[0].keeps_time else None for t in tals]
    if header.is_discontinuous and (not times or None in times):
        record = times.index(None) + 1 if times else 1
        raise FormatError(
            f"'{header.path}' says that it has gaps ({header.format}+D), but its data record "
            f"{record} does not begin with its time; without it events cannot be placed. Export "
            "the file again, as continuous if it is."
        )
    return times or [None] * header.n_records


def _onsets(
    header: EdfHeader, times: list[float | None], notes: list[str], remarks: list[str]
) -> Float64[np.ndarray, " records"]:
    """Onsets of the records from the first one, in seconds."""
    even_s = np.arange(header.n_records) * float(header.record_duration_s)
    known = [time for time in times if time is not None]
    if len(known) < len(times):
        if known:
            notes.append("Some data records do not tell their time; none was taken to be missing.")
        return even_s
    onsets_s: Float64[np.ndarray, " records"] = np.round(np.array(known) - known[0], 9)
    _note_drift(header, onsets_s, remarks)
    if header.is_discontinuous:
        return onsets_s
    tolerance_s = 0.5 / _fastest_rate_hz(header)
    late_s = _lateness(header, onsets_s)
    if (late_s < -tolerance_s).any():
        notes.append("The times of the data records overlap; they were taken to be continuous.")
    elif (late_s > tolerance_s).any():
        notes.append(
            f"The header says that the file is continuous, but {(late_s > tolerance_s).sum()} gaps "
            "lie between its data records; the gaps were believed."
        )
        return onsets_s
    return even_s


def _fastest_rate_hz(header: EdfHeader) -> float:
    return max((s.rate_hz for s in header.signals if s.kind != "annotations"), default=1.0)


def _note_drift(
    header: EdfHeader, onsets_s: Float64[np.ndarray, " records"], notes: list[str]
) -> None:
    """Slips of less than half a sample are no gaps, but over hours they may add up."""
    late_s = _lateness(header, onsets_s)
    drift_s = float(late_s[np.abs(late_s) <= 0.5 / _fastest_rate_hz(header)].sum())
    if abs(drift_s) > _NOTED_DRIFT_S:
        notes.append(
            f"The clock of the data records drifts by {drift_s:g} s against the number of samples; "
            "between gaps, times follow the samples."
        )

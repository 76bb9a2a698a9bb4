"""Read EDF, EDF+ and BDF recordings: wanted channels only, in microvolts, gaps as they are.

The data records are mapped into memory and decoded channel by channel, so that a file of a day
costs no more memory than what is asked of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from neurorun.core import DataError, Event, FormatError, Recording, Stretch
from neurorun.formats.edf_annotations import events_of
from neurorun.formats.edf_clock import RecordClock, map_records, read_clock
from neurorun.formats.edf_header import EdfHeader, read_header
from neurorun.formats.edf_identity import guess_patient
from neurorun.formats.edf_signals import EdfSignal

_BLOCK_SAMPLES = 1 << 16


class EdfFile:
    """An EDF, EDF+ or BDF file, opened for reading by blocks.

    Made by `open_edf`. Channels are known by the unique names in ``header.channels``.
    """

    def __init__(self, header: EdfHeader) -> None:
        self.header = header

    @cached_property
    def clock(self) -> RecordClock:
        """Times of the data records, and annotations; read when first asked for."""
        return read_clock(self.header)

    @cached_property
    def _records(self) -> UInt8[np.ndarray, "records bytes"]:
        return map_records(self.header)

    @property
    def start(self) -> datetime | None:
        """Wall clock of the first sample, to the microsecond; None where unknown or absurd."""
        if self.header.start is None:
            return None
        try:
            return self.header.start + timedelta(seconds=self.clock.start_offset_s)
        except OverflowError:
            return None

    def select(self, channels: Sequence[str] | None = None) -> tuple[EdfSignal, ...]:
        """Find the signals of channels, in the order asked for.

        Without names: the voltage channels at the rate that most of them share, in the order of the
        file.

        Raises
        ------
        DataError : a channel is absent or no voltage, or the channels do not share one rate
        FormatError : there is no voltage channel at all
        """
        if channels is None:
            rate_hz = self.header.main_rate_hz
            signals = [s for s in _voltages(self.header) if s.rate_hz == rate_hz]
        else:
            signals = [self._find(name) for name in channels]
        self._check(signals)
        return tuple(signals)

    def _find(self, name: str) -> EdfSignal:
        found = next((s for s in self.header.signals if s.name == name), None)
        if found is None:
            raise DataError(
                f"'{self.header.path}' has no channel '{name}'; it has "
                f"{_listed(self.header.channels)}. Name one of these."
            )
        if found.kind != "voltage":
            raise DataError(
                f"Channel '{name}' of '{self.header.path}' is in '{found.dimension}', which is no "
                f"voltage; the voltages are {_listed(self.header.channels)}. Name one of these."
            )
        return found

    def _check(self, signals: Sequence[EdfSignal]) -> None:
        if not signals:
            raise FormatError(
                f"'{self.header.path}' holds no voltage channel to read, only "
                f"{_listed(s.name for s in self.header.signals)}. Give a file with EEG, or read "
                "its annotations with read_edf_events."
            )
        by_rate = _by_rate(signals)
        if len(by_rate) > 1:
            rates = "; ".join(f"{rate:g} Hz: {_listed(names)}" for rate, names in by_rate.items())
            raise DataError(
                f"The channels asked of '{self.header.path}' have different rates ({rates}); those "
                "of one recording must share one. Read them separately."
            )

    def n_samples(self, channels: Sequence[str] | None = None) -> int:
        """Stored samples of each of these channels; gaps are not in it."""
        return self.header.n_records * self.select(channels)[0].samples_per_record

    def stretches(self, channels: Sequence[str] | None = None) -> tuple[Stretch, ...]:
        """Pieces without a gap, counted in samples of these channels.

        Raises
        ------
        FormatError : data records overlap or go backwards in time
        """
        signal = self.select(channels)[0]
        return self.clock.stretches(signal.samples_per_record, signal.rate_hz)

    def annotations(self, channels: Sequence[str] | None = None) -> tuple[Event, ...]:
        """Annotations as events relative to the first sample; instants last one sample."""
        return self._events(channels)[0]

    def _events(self, channels: Sequence[str] | None) -> tuple[tuple[Event, ...], tuple[str, ...]]:
        return events_of(self.clock.tals, shortest_s=1 / self.select(channels)[0].rate_hz)

    def notes(self, channels: Sequence[str] | None = None) -> tuple[str, ...]:
        """What was repaired, assumed or left out when these channels are read."""
        signals = self.select(channels)
        of_signals = (note for signal in signals for note in signal.notes)
        left_out = _left_out(self.header, signals) if channels is None else ()
        own = (*self.header.notes, *self.clock.notes, *of_signals, *left_out)
        return (*own, *self._events(channels)[1])

    def repairs(self, channels: Sequence[str] | None = None) -> tuple[str, ...]:
        """What was repaired or assumed so that these channels could be read.

        Of the notes those that bear on the signal: not remarks, nor what was left out of the
        annotations.
        """
        noted: list[EdfHeader | RecordClock | EdfSignal] = [self.header, self.clock]
        noted += self.select(channels)
        return tuple(note for one in noted for note in one.notes if note not in one.remarks)

    def read(
        self,
        channels: Sequence[str] | None = None,
        first_sample: int = 0,
        n_samples: int | None = None,
    ) -> Float32[np.ndarray, "channels samples"]:
        """Decode a block of samples.

        Parameters
        ----------
        channels : names; None as in `select`
        first_sample : index in the stored signal, gaps not counted
        n_samples : length of the block; None to the end

        Returns
        -------
        Microvolts. Scaling is computed in float64 and rounded once.

        Raises
        ------
        DataError : the block reaches beyond the file; or as in `select`
        FormatError : the scale of a channel is unknown; or as in `select`
        """
        signals = self.select(channels)
        problem = next((signal.problem for signal in signals if signal.problem), None)
        if problem:
            raise FormatError(problem)
        samples_per_record = signals[0].samples_per_record
        stored = self.header.n_records * samples_per_record
        stop = stored if n_samples is None else first_sample + n_samples
        if not 0 <= first_sample <= stop <= stored:
            raise DataError(
                f"Samples {first_sample} to {stop} were asked of '{self.header.path}'; it has "
                f"samples 0 to {stored}. Ask for a block within these."
            )
        block = np.empty((len(signals), stop - first_sample), dtype=np.float32)
        step = max(1, _BLOCK_SAMPLES // samples_per_record)
        last = -(-stop // samples_per_record)
        for record in range(first_sample // samples_per_record, last, step):
            for row, signal in zip(block, signals, strict=True):
                self._decode(signal, (record, record + step), first_sample, row)
        return block

    def _decode(
        self,
        signal: EdfSignal,
        records: tuple[int, int],
        first_sample: int,
        row: Float32[np.ndarray, " samples"],
    ) -> None:
        """Fill the part of a row that lies in some records; the row begins at a sample."""
        origin = records[0] * signal.samples_per_record
        start = max(first_sample, origin)
        stop = min(first_sample + len(row), records[1] * signal.samples_per_record)
        if start < stop:
            digital = self._digital(signal, records)[start - origin : stop - origin]
            digital *= signal.gain_uv
            digital += signal.offset_uv
            row[start - first_sample : stop - first_sample] = digital

    def _digital(
        self, signal: EdfSignal, records: tuple[int, int]
    ) -> Float64[np.ndarray, " samples"]:
        """Digital values of one signal in some records."""
        width = self.header.bytes_per_sample
        first, n = signal.first_in_record * width, signal.samples_per_record * width
        raw = self._records[records[0] : records[1], first : first + n]
        if width == 2:
            return np.ascontiguousarray(raw).view("<i2").reshape(-1).astype(np.float64)
        padded = np.zeros((raw.size // 3, 4), dtype=np.uint8)
        padded[:, 1:] = raw.reshape(-1, 3)
        return (padded.view("<i4").reshape(-1) >> 8).astype(np.float64)


def open_edf(path: Path | str) -> EdfFile:
    """Open an EDF, EDF+ or BDF file for reading by blocks; only the header is read.

    Raises
    ------
    DataError : the file cannot be opened
    FormatError : the header is damaged beyond repair
    """
    return EdfFile(read_header(path))


def read_recording(
    path: Path | str,
    *,
    channels: Sequence[str] | None = None,
    recording_id: str | None = None,
    patient: str | None = None,
) -> Recording:
    """Read a recording from an EDF, EDF+C, EDF+D or BDF file.

    Times count from the first sample; a start within a second, told by the first annotation of
    EDF+, moves the wall clock, not the times. The gaps of EDF+D become stretches. What was
    repaired, assumed or left out stands in the notes.

    Parameters
    ----------
    path : the file
    channels : names of the channels to read, as in ``read_header(path).channels``; without them
        all voltage channels at the rate that most of them share
    recording_id : by default the stem of the file
    patient : by default `guess_patient`

    Raises
    ------
    DataError : the file cannot be opened, or a wanted channel is absent, is no voltage, or has
        another rate than the rest
    FormatError : the file is damaged beyond repair, or the scale of a wanted channel is unknown
    """
    file = open_edf(path)
    signals = file.select(channels)
    signal_uv = file.read(channels)
    return Recording(
        recording_id=recording_id or file.header.path.stem,
        patient=patient or guess_patient(file.header.path, file.header),
        channels=tuple(signal.name for signal in signals),
        rate_hz=signals[0].rate_hz,
        signal_uv=signal_uv,
        stretches=file.stretches(channels),
        start=file.start,
        annotations=file.annotations(channels),
        notes=(*file.notes(channels), *_duplicates(signals, signal_uv)),
    )


def _voltages(header: EdfHeader) -> tuple[EdfSignal, ...]:
    return tuple(signal for signal in header.signals if signal.kind == "voltage")


def _by_rate(signals: Iterable[EdfSignal]) -> dict[float, list[str]]:
    names: dict[float, list[str]] = defaultdict(list)
    for signal in signals:
        names[signal.rate_hz].append(signal.name)
    return names


def _left_out(header: EdfHeader, chosen: Sequence[EdfSignal]) -> list[str]:
    """Signals that are not read although no channels were named, one sentence for each reason."""
    notes = [
        f"Left out at {rate_hz:g} Hz: {_listed(names)}."
        for rate_hz, names in _by_rate(_voltages(header)).items()
        if rate_hz != chosen[0].rate_hz
    ]
    others = [f"'{s.name}' ({s.dimension})" for s in header.signals if s.kind == "other"]
    if others:
        notes.append(f"Left out, in units that are no voltage: {', '.join(others)}.")
    triggers = [signal.name for signal in header.signals if signal.kind == "status"]
    if triggers:
        notes.append(f"Left out, the trigger channel of BDF: {_listed(triggers)}.")
    return notes


def _duplicates(
    signals: Sequence[EdfSignal], signal_uv: Float32[np.ndarray, "channels samples"]
) -> list[str]:
    """Channels that share a label, and whether they are the same signal."""
    notes = []
    for (i, first), (j, second) in combinations(enumerate(signals), 2):
        if first.label == second.label:
            equal = np.array_equal(signal_uv[i], signal_uv[j])
            notes.append(
                f"Label '{first.label}' occurs again: '{second.name}' "
                f"{'is identical to' if equal else 'differs from'} '{first.name}'."
            )
    return notes


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

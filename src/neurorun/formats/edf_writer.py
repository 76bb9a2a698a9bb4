"""Write recordings as EDF+: 16-bit, in microvolts, gaps as EDF+D tells them.

The same recording gives the same bytes. A channel's physical range is that of its samples,
rounded outward to what the header can hold, so that no sample is clipped; the error is at most half
of a 65535th of the range.
"""

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int16

from neurorun.core import DataError, Event, Recording, atomic_write
from neurorun.formats.edf_annotations import tals_of
from neurorun.formats.edf_packing import (
    DIGITAL_RANGE,
    SignalEntry,
    outward,
    pack_header,
    short_number,
)
from neurorun.formats.edf_tals import Tal, pack_tals

_LARGEST_RECORD_BYTES = 61440
_BLOCK_SAMPLES = 1 << 16
_ANNOTATIONS = "EDF Annotations"


class _Layout(NamedTuple):
    """How the samples are divided into data records."""

    samples_per_record: int
    duration: str
    onsets_s: tuple[float, ...]


def write_recording(
    path: Path | str, recording: Recording, *, events: Sequence[Event] = ()
) -> None:
    """Write a recording as EDF+C, or as EDF+D if it has gaps.

    The annotations of the recording and ``events`` are both written; confidences and notes have no
    place in EDF+. Reading the file back gives the same channels, rate, stretches and annotations,
    and the samples to half a digital step; stretches without half a sample between them are joined.

    Raises
    ------
    DataError : a channel name is longer than 16 characters or not ASCII, a sample is not finite
        or too large, or the length of a stretch is no whole number of data records
    """
    layout = _layout(recording)
    rows, width = _annotation_rows(recording, layout, tals_of((*recording.annotations, *events)))
    ranges = [_range(recording, row) for row in range(len(recording.channels))]
    entries = [
        SignalEntry(name, layout.samples_per_record, "uV", low, high)
        for name, (low, high) in zip(recording.channels, ranges, strict=True)
    ]
    header = pack_header(
        [*entries, SignalEntry(_ANNOTATIONS, width // 2)],
        n_records=len(layout.onsets_s),
        record_duration=layout.duration,
        is_discontinuous=bool(recording.gaps),
        start=recording.start,
        patient=recording.patient,
    )
    blocks = _blocks(
        recording.signal_uv,
        np.array(ranges, dtype=np.float64),
        samples_per_record=layout.samples_per_record,
        rows=rows,
        width=width,
    )
    with atomic_write(Path(path)) as stream:
        stream.write(header)
        for block in blocks:
            stream.write(block.tobytes())


def _layout(recording: Recording) -> _Layout:
    """Data records of about one second that every stretch is a whole number of."""
    common = math.gcd(*(stretch.n_samples for stretch in recording.stretches))
    options = [(n, _duration_text(n, recording.rate_hz)) for n in _divisors(common)]
    fitting = [(n, text) for n, text in options if text is not None]
    if not fitting:
        raise DataError(
            f"Recording '{recording.recording_id}' has stretches of {common} samples (or multiples "
            f"of it) at {recording.rate_hz:g} Hz; EDF needs a whole number of data records, whose "
            "duration has at most 8 characters. Cut the stretches to whole seconds."
        )
    sample_bytes = 2 * len(recording.channels)
    samples, duration = min(
        fitting,
        key=lambda option: (
            option[0] * sample_bytes > _LARGEST_RECORD_BYTES,
            abs(math.log(option[0] / recording.rate_hz)),
        ),
    )
    onsets_s = tuple(
        stretch.onset_s + first / recording.rate_hz
        for stretch in recording.stretches
        for first in range(0, stretch.n_samples, samples)
    )
    return _Layout(samples, duration, onsets_s)


def _divisors(number: int) -> list[int]:
    small = [n for n in range(1, math.isqrt(number) + 1) if number % n == 0]
    return sorted({*small, *(number // n for n in small)})


def _duration_text(samples: int, rate_hz: float) -> str | None:
    """Duration of a data record, or None if 8 characters cannot hold it so that the rate stays."""
    if not 1e-6 <= samples / rate_hz < 1e8:
        return None
    text = short_number(samples / rate_hz)
    return text if math.isclose(samples / Fraction(text), rate_hz, rel_tol=1e-9) else None


def _annotation_rows(
    recording: Recording, layout: _Layout, tals: Sequence[Tal]
) -> tuple[list[bytes], int]:
    """Annotations of each data record, unpadded, and the even number of bytes they need.

    An annotation stands in the record in which it begins, or in a later one where that is full, so
    that many annotations at one time do not widen all records.
    """
    offset_s = recording.start.microsecond / 1e6 if recording.start else 0.0
    rows = [pack_tals([Tal(onset_s + offset_s, None, ("",))]) for onset_s in layout.onsets_s]
    packed: list[tuple[int, bytes]] = []
    for tal in sorted(tals, key=lambda tal: tal.onset_s):
        record = bisect.bisect_right(layout.onsets_s, tal.onset_s) - 1
        shifted = tal._replace(onset_s=tal.onset_s + offset_s)
        packed.append((max(0, record), pack_tals([shifted])))
    longest = max((len(text) for _, text in packed), default=0)
    share = sum(len(text) for _, text in packed) // len(rows)
    width = max(map(len, rows)) + longest + share
    width += width % 2
    for record, text in packed:
        order = itertools.chain(range(record, len(rows)), range(record))
        free = next(i for i in order if len(rows[i]) + len(text) <= width)
        rows[free] += text
    return rows, width


def _range(recording: Recording, row: int) -> tuple[str, str]:
    """Physical minimum and maximum of a channel, as the header writes them."""
    samples = recording.signal_uv[row]
    low, high = float(samples.min()), float(samples.max())
    if not math.isfinite(high - low):
        raise DataError(
            f"Channel '{recording.channels[row]}' of recording '{recording.recording_id}' reaches "
            f"from {low} to {high}; EDF holds finite numbers only. Remove or mend it."
        )
    texts = outward(low, up=False), outward(high, up=True)
    return texts if texts[0] != texts[1] else (texts[0], outward(high + 1.0, up=True))


def _blocks(
    signal_uv: Float32[np.ndarray, "channels samples"],
    limits: Float64[np.ndarray, "channels 2"],
    *,
    samples_per_record: int,
    rows: Sequence[bytes],
    width: int,
) -> Iterator[Int16[np.ndarray, "records words"]]:
    """Data records, a few at a time."""
    n_channels = len(signal_uv)
    step = max(1, _BLOCK_SAMPLES // samples_per_record)
    for first in range(0, len(rows), step):
        some = rows[first : first + step]
        start, stop = first * samples_per_record, (first + len(some)) * samples_per_record
        digital = _digitize(signal_uv[:, start:stop], limits)
        by_record = digital.reshape(n_channels, len(some), samples_per_record).swapaxes(0, 1)
        texts = b"".join(row.ljust(width, b"\0") for row in some)
        annotations = np.frombuffer(texts, dtype="<i2").reshape(len(some), -1)
        yield np.hstack([by_record.reshape(len(some), -1), annotations])


def _digitize(
    signal_uv: Float32[np.ndarray, "channels samples"], limits: Float64[np.ndarray, "channels 2"]
) -> Int16[np.ndarray, "channels samples"]:
    lowest, highest = DIGITAL_RANGE
    low, high = limits[:, :1], limits[:, 1:]
    steps = (signal_uv - low) * ((highest - lowest) / (high - low))
    digital: Int16[np.ndarray, "channels samples"] = (np.rint(steps) + lowest).astype("<i2")
    return digital

"""EDF+ annotations as events: read from any EDF+ file, written to a file of annotations only."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

from neurorun.core import DataError, Event, FormatError, Timeline, atomic_write, gaps_between
from neurorun.formats.edf_clock import RecordClock, read_clock
from neurorun.formats.edf_header import EdfHeader, read_header
from neurorun.formats.edf_packing import SignalEntry, pack_header, short_number
from neurorun.formats.edf_tals import Tal, pack_tals

_log = logging.getLogger(__name__)

NO_SIGNAL = "BAD_ACQ_SKIP"
"""Text of an annotation over time without EEG, as MNE-Python writes and honours it."""

_TOTAL_TIME = "[Total time]"
_POINT_S = 0.001


def events_of(
    tals: Sequence[Tal], *, shortest_s: float
) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """Turn annotations into events, and say which were left out.

    An annotation of no or unknown duration marks an instant; as an event it lasts
    ``shortest_s``. ``text@@channel`` names the channel concerned. Left out are negative durations,
    times beyond what seconds can count, and the total time that some recorders annotate.

    >>> events_of([Tal(2.0, None, ("Eyes open",))], shortest_s=0.5)[0]
    (Event(onset_s=2.0, offset_s=2.5, label='Eyes open', confidence=None, channels=()),)
    """
    events: list[Event] = []
    left_out: list[str] = []
    for tal in tals:
        for (label, _), channels in _labels(tal).items():
            offset_s = round(tal.onset_s + (tal.duration_s or shortest_s), 9)
            if label.startswith(_TOTAL_TIME) or not tal.onset_s < offset_s < math.inf:
                left_out.append(f"'{label}' at {tal.onset_s:g} s")
            else:
                events.append(Event(tal.onset_s, offset_s, label, channels=tuple(channels)))
    note = f"Annotations that are no events were left out: {', '.join(left_out)}."
    return tuple(sorted(events, key=_by_time)), (note,) * bool(left_out)


def _labels(tal: Tal) -> dict[tuple[str, bool], list[str]]:
    """Channels of each label; a label for all channels stays apart from one for some."""
    labels: dict[tuple[str, bool], list[str]] = {}
    for text in filter(None, tal.texts):
        label, _, channel = text.partition("@@")
        labels.setdefault((label, bool(channel)), []).extend([channel] if channel else [])
    return labels


def _by_time(event: Event) -> tuple[float, float]:
    return event.onset_s, event.offset_s


def read_edf_events(path: Path | str, *, duration_s: float | None = None) -> Timeline:
    """Read the annotations of an EDF+ or BDF+ file, with or without signals.

    Onsets count from the first sample. An annotation of no duration becomes an event of one sample
    (of 1 ms in a file without signals). Gaps of a discontinuous file, and annotations
    ``BAD_ACQ_SKIP``, become gaps of the timeline. Labels are the texts as written; what was left
    out is logged.

    Parameters
    ----------
    path : the file
    duration_s : length of the recording in seconds, used only where the file does not say it

    Raises
    ------
    FormatError : the file has no annotation signal, or holds annotations only, does not say how
        long the recording is, and ``duration_s`` is not given
    """
    header = read_header(path)
    if not header.annotation_signals:
        raise FormatError(
            f"'{path}' holds no annotations; an EDF+ file has a signal 'EDF Annotations'. Give the "
            "file with the annotations instead."
        )
    clock = read_clock(header)
    rate_hz = _timeline_rate_hz(header)
    events, notes = events_of(clock.tals, shortest_s=1 / rate_hz if rate_hz else _POINT_S)
    for note in (*header.notes, *clock.notes, *notes):
        _log.info("%s: %s", path, note)
    length_s = _timeline_duration_s(clock, duration_s)
    skipped = [event for event in events if event.label == NO_SIGNAL]
    return Timeline(
        recording_id=header.path.stem,
        duration_s=length_s,
        events=tuple(event for event in events if event.label != NO_SIGNAL),
        gaps=(*_record_gaps(clock, rate_hz), *_clipped(skipped, length_s)),
    )


def _timeline_rate_hz(header: EdfHeader) -> float:
    """Rate that decides what one sample is; 0 where there are no signals."""
    rates = (signal.rate_hz for signal in header.signals if signal.kind != "annotations")
    return header.main_rate_hz or max(rates, default=0.0)


def _timeline_duration_s(clock: RecordClock, duration_s: float | None) -> float:
    if clock.duration_s > 0:
        return clock.duration_s
    if duration_s is None:
        raise FormatError(
            f"'{clock.header.path}' holds annotations only and does not say how long the recording "
            "is; that length is needed to count false alarms. Pass duration_s."
        )
    return duration_s


def _record_gaps(clock: RecordClock, rate_hz: float) -> tuple[tuple[float, float], ...]:
    if not rate_hz:
        return ()
    samples = round(rate_hz * float(clock.header.record_duration_s))
    return gaps_between(clock.stretches(samples, rate_hz), rate_hz)


def _clipped(skipped: Sequence[Event], duration_s: float) -> list[tuple[float, float]]:
    spans = [(max(0.0, e.onset_s), min(duration_s, e.offset_s)) for e in skipped]
    return [(onset_s, offset_s) for onset_s, offset_s in spans if onset_s < offset_s]


def tals_of(events: Sequence[Event]) -> tuple[Tal, ...]:
    """Turn events into annotations, one for each channel an event names.

    Raises
    ------
    DataError : a label cannot be written: it is empty, or holds a control character or ``@@``
    """
    tals: list[Tal] = []
    for event in events:
        if not event.label or not event.label.isprintable() or "@@" in event.label:
            raise DataError(
                f"Event label {event.label!r} cannot be an EDF+ annotation; one or more printable "
                "characters without '@@' are allowed. Rename it."
            )
        texts = [f"{event.label}@@{channel}" for channel in event.channels] or [event.label]
        tals.append(Tal(event.onset_s, event.duration_s, tuple(texts)))
    return tuple(tals)


def write_edf_events(path: Path | str, timeline: Timeline) -> None:
    """Write a timeline as an EDF+ file that holds annotations only.

    The file has one data record that lasts as long as the recording, so that its length is known
    to readers. Gaps are written as annotations ``BAD_ACQ_SKIP``. EDF+ has no place for
    confidences: they are not written.

    Raises
    ------
    DataError : a label cannot be written, or the file cannot
    """
    gaps = [Event(onset_s, offset_s, NO_SIGNAL) for onset_s, offset_s in timeline.gaps]
    tals = (Tal(0.0, None, ("",)), *tals_of((*timeline.events, *gaps)))
    data = pack_tals(tals)
    data += b"\0" * (len(data) % 2)
    header = pack_header(
        [SignalEntry("EDF Annotations", len(data) // 2)],
        n_records=1,
        record_duration=short_number(timeline.duration_s),
    )
    with atomic_write(Path(path)) as stream:
        stream.write(header + data)

"""Recordings from and to ``mne.io.Raw``, in volts there, in microvolts here.

MNE-Python has one unbroken time axis. Its own convention for time without data is kept: zeros under
an annotation ``BAD_ACQ_SKIP``, over which its filters and epochs do not reach; reading such a Raw
back gives the gap again, never the zeros.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import DataError, Event, Recording, Stretch, nearest_sample, require
from neurorun.formats.edf_annotations import NO_SIGNAL

_VOLTAGE_TYPES = frozenset(("eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"))
_TYPE_BY_NAME = {"ECG": "ecg", "EKG": "ecg", "EOG": "eog", "EMG": "emg"}
_JOINT, _JOINT_TWIN = "EDGE boundary", "BAD boundary"
_BLOCK_SAMPLES = 1 << 16
_UV_PER_V = 1e6


def to_mne_raw(recording: Recording) -> Any:
    """Give a recording to MNE-Python as ``mne.io.RawArray``.

    Gaps become zeros under annotations ``BAD_ACQ_SKIP``, placed to the nearest sample. The wall
    clock is labelled as UTC, which is what MNE does to files without a time zone. Channels named
    after ECG, EKG, EOG or EMG get that type, all others are EEG. Annotations beyond the data are
    left out, confidences and notes too: MNE has no place for them.

    Raises
    ------
    MissingExtraError : MNE-Python is not installed
    """
    mne = require("mne", extra="mne")
    types = [_type_of(name) for name in recording.channels]
    info = mne.create_info(list(recording.channels), recording.rate_hz, types, verbose="error")
    info["subject_info"] = {"his_id": recording.patient}
    raw = mne.io.RawArray(_with_gaps_filled(recording), info, verbose="error")
    if recording.start is not None:
        raw.set_meas_date(recording.start.replace(tzinfo=UTC))
    skips = [Event(onset_s, offset_s, NO_SIGNAL) for onset_s, offset_s in recording.gaps]
    events = list(_within([*recording.annotations, *skips], (raw.n_times - 1) / recording.rate_hz))
    annotations = mne.Annotations(
        [event.onset_s for event in events],
        [event.duration_s for event in events],
        [event.label for event in events],
        ch_names=[_known(event.channels, recording.channels) for event in events] or None,
    )
    return raw.set_annotations(annotations, verbose="error")


def _type_of(name: str) -> str:
    return next((kind for key, kind in _TYPE_BY_NAME.items() if key in name.upper()), "eeg")


def _known(wanted: Sequence[str], channels: Sequence[str]) -> tuple[str, ...]:
    """Channels that the Raw has, too: MNE refuses others."""
    return tuple(name for name in wanted if name in channels)


def _within(events: Sequence[Event], last_s: float) -> Iterator[Event]:
    for event in events:
        onset_s, offset_s = max(0.0, event.onset_s), min(event.offset_s, last_s)
        if onset_s < offset_s:
            yield Event(onset_s, offset_s, event.label, channels=event.channels)


def _with_gaps_filled(recording: Recording) -> Float64[np.ndarray, "channels samples"]:
    """Volts on an unbroken time axis, zero in the gaps."""
    starts = [nearest_sample(s.onset_s, recording.rate_hz) for s in recording.stretches]
    volts = np.zeros((len(recording.channels), starts[-1] + recording.stretches[-1].n_samples))
    for start, stretch in zip(starts, recording.stretches, strict=True):
        part = recording.signal_uv[:, stretch.first : stretch.stop]
        place = volts[:, start : start + stretch.n_samples]
        np.divide(part, _UV_PER_V, out=place, dtype=np.float64)
    return volts


@dataclass(frozen=True, eq=False)
class MneSource:
    """A Raw of MNE-Python, ready to be read by blocks; made by `open_mne_raw`.

    Parameters
    ----------
    raw : ``mne.io.BaseRaw``, loaded or not
    recording_id, patient : names
    channels : those of a voltage type, in its order
    rate_hz : samples per second
    stretches : what is left of its time without the gaps
    notes : what is left out
    start : wall clock of the first sample, without zone, or None where unknown
    """

    raw: Any
    recording_id: str
    patient: str
    channels: tuple[str, ...]
    rate_hz: float
    stretches: tuple[Stretch, ...]
    notes: tuple[str, ...]
    start: datetime | None

    @property
    def n_samples(self) -> int:
        """Samples outside the gaps."""
        return self.stretches[-1].stop

    def read(
        self, channels: Sequence[str], first_sample: int, n_samples: int
    ) -> Float32[np.ndarray, "channels samples"]:
        """Microvolts of some samples, gaps not counted; a Raw that is not loaded reads its file."""
        picks = [self.raw.ch_names.index(name) for name in channels]
        signal_uv = np.empty((len(picks), n_samples), dtype=np.float32)
        for stretch in self.stretches:
            start = nearest_sample(stretch.onset_s, self.rate_hz) - stretch.first
            stop = min(stretch.stop, first_sample + n_samples)
            for first in range(max(stretch.first, first_sample), stop, _BLOCK_SAMPLES):
                last = min(first + _BLOCK_SAMPLES, stop)
                volts = self.raw[picks, start + first : start + last][0]
                signal_uv[:, first - first_sample : last - first_sample] = volts * _UV_PER_V
        return signal_uv


def open_mne_raw(
    raw: Any, *, recording_id: str | None = None, patient: str | None = None
) -> MneSource:
    """Find what a Raw of MNE-Python holds, without reading its signal; see `from_mne_raw`.

    Raises
    ------
    DataError : no channel is a voltage, or no time is left between the gaps
    """
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    channels = [name for name, kind in kinds.items() if kind in _VOLTAGE_TYPES]
    stretches = _stretches(raw)
    if not channels or not stretches:
        raise DataError(
            f"{raw} holds {len(channels)} voltage channels and {len(stretches)} stretches of time "
            "with data; at least one of each is needed. Set its channel types or annotations."
        )
    identity = recording_id or _stem(raw)
    start = raw.info["meas_date"]
    if start is not None:
        start = (start + timedelta(seconds=float(raw.first_time))).replace(tzinfo=None)
    return MneSource(
        raw=raw,
        recording_id=identity,
        patient=patient or str((raw.info["subject_info"] or {}).get("his_id") or identity),
        channels=tuple(channels),
        rate_hz=float(raw.info["sfreq"]),
        stretches=stretches,
        notes=_notes(kinds, channels, raw.info["bads"]),
        start=start,
    )


def from_mne_raw(
    raw: Any, *, recording_id: str | None = None, patient: str | None = None
) -> Recording:
    """Take a recording from MNE-Python.

    Channels of a voltage type are taken; others and those marked bad are named in the notes.
    Time under annotations ``BAD_ACQ_SKIP`` becomes a gap; where Raws were joined (``EDGE
    boundary``) one stretch ends and the next begins. Other annotations become events; instants last
    one sample.

    Parameters
    ----------
    raw : ``mne.io.BaseRaw``, loaded or not
    recording_id : by default the stem of the file the Raw came from, else ``raw``
    patient : by default ``his_id`` of the Raw's subject, else the recording

    Raises
    ------
    DataError : no channel is a voltage, or no time is left between the gaps
    """
    source = open_mne_raw(raw, recording_id=recording_id, patient=patient)
    return Recording(
        recording_id=source.recording_id,
        patient=source.patient,
        channels=source.channels,
        rate_hz=source.rate_hz,
        signal_uv=source.read(source.channels, 0, source.n_samples),
        stretches=source.stretches,
        start=source.start,
        annotations=tuple(_events(raw)),
        notes=source.notes,
    )


def _stem(raw: Any) -> str:
    return Path(raw.filenames[0]).stem if raw.filenames and raw.filenames[0] else "raw"


def _annotations(raw: Any) -> Iterator[tuple[float, float, str, tuple[str, ...]]]:
    """Onset relative to the first sample, duration, text and channels of each annotation."""
    for annotation in raw.annotations:
        yield (
            round(float(annotation["onset"]) - float(raw.first_time), 9),
            float(annotation["duration"]),
            str(annotation["description"]),
            tuple(annotation.get("ch_names", ())),
        )


def _events(raw: Any) -> Iterator[Event]:
    sample_s = 1 / float(raw.info["sfreq"])
    for onset_s, duration_s, text, names in _annotations(raw):
        if text not in (NO_SIGNAL, _JOINT, _JOINT_TWIN):
            yield Event(onset_s, onset_s + (duration_s or sample_s), text, channels=names)


def _stretches(raw: Any) -> tuple[Stretch, ...]:
    """Pieces without a gap."""
    rate_hz = float(raw.info["sfreq"])
    keep = np.ones(raw.n_times, dtype=np.bool_)
    borders = {0, int(raw.n_times)}
    for onset_s, duration_s, text, _ in _annotations(raw):
        first = max(0, nearest_sample(onset_s, rate_hz))
        if text == NO_SIGNAL:
            stop = nearest_sample(onset_s + duration_s, rate_hz)
            keep[first:stop] = False
            borders |= {first, stop}
        elif text == _JOINT:
            borders.add(first)
    inside = sorted(border for border in borders if 0 <= border <= raw.n_times)
    stretches: list[Stretch] = []
    stored = 0
    for start, stop in itertools.pairwise(inside):
        if keep[start]:
            stretches.append(Stretch(stored, stop - start, start / rate_hz))
            stored += stop - start
    return tuple(stretches)


def _notes(kinds: dict[str, str], channels: Sequence[str], bads: Sequence[str]) -> tuple[str, ...]:
    others = [f"'{name}' ({kind})" for name, kind in kinds.items() if name not in channels]
    notes = []
    if others:
        notes.append(f"Left out, channels that are no voltage: {', '.join(others)}.")
    bad = [f"'{name}'" for name in bads if name in channels]
    if bad:
        notes.append(f"Marked bad in MNE: {', '.join(bad)}.")
    return tuple(notes)

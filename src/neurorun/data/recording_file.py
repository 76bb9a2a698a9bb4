"""The file of one prepared recording in a cache.

It is an NPZ whose arrays can be mapped (`aligned_npz`), with these members:

======================  =======================================================================
``signal``              int16 (channels, samples), all stretches one after the other
``scale``, ``offset``   float32 (channels,): microvolts are ``signal * scale + offset``
``events``              float64 (n, 2): onset and offset in seconds
``event_labels``        text (n,)
``header``              text: JSON of `RecordingHeader`
======================  =======================================================================

Windows, masks and standardized values are not in it: they follow from it when they are read.
``signal`` comes first, so it stays where it is when only the events change.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float32, Int16

from neurorun.core import (
    Event,
    FormatError,
    Stretch,
    Timeline,
    atomic_write,
    sha256_of,
    to_json,
)
from neurorun.data.aligned_npz import (
    AlignedNpzWriter,
    FileState,
    Member,
    locate_members,
    map_member,
    read_member,
    state_of,
)
from neurorun.data.signal_spool import StandardizationKind, Statistics
from neurorun.data.standardization import ChannelStatistics

RECORDING_FORMAT = "neurorun-cached-recording"
RECORDING_FORMAT_VERSION = 1

_MEMBERS = {"signal", "scale", "offset", "events", "event_labels", "header"}


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file something was made from, wherever it lies now.

    Parameters
    ----------
    name : without its folder
    n_bytes : its size
    sha256 : of its content
    """

    name: str
    n_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileIdentity":
        """Identify a file by reading all of it."""
        return cls(path.name, path.stat().st_size, sha256_of(path))


@dataclass(frozen=True, eq=False)
class RecordingHeader:
    """What is known of a stored recording beside its signal and its events.

    Parameters
    ----------
    recording_id, patient : names
    channels : one per row of the signal
    rate_hz : samples per second
    stretches : which samples were recorded when
    duration_s, gaps : of the timeline of its events
    unit : ``uV``; or ``standardized`` where only that is known (converted caches)
    statistics : centre and spread per channel, for each way of standardizing
    labelled : whether anybody annotated the recording; if not, no events does not mean no seizure
    repairs : what was repaired or interpolated, one sentence each
    notes : what was mapped, left out or limited, one sentence each
    fingerprint : of the settings it was prepared with
    source : what it was made from; None if that is not known (converted caches)
    """

    recording_id: str
    patient: str
    channels: tuple[str, ...]
    rate_hz: float
    stretches: tuple[Stretch, ...]
    duration_s: float
    gaps: tuple[tuple[float, float], ...]
    unit: Literal["uV", "standardized"]
    statistics: Statistics
    labelled: bool
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    source: FileIdentity | None = None

    @property
    def n_samples(self) -> int:
        """Stored samples per channel."""
        return self.stretches[-1].stop


@dataclass(frozen=True, slots=True)
class MappedSignal:
    """A signal in a file, mapped when it is read."""

    path: Path
    member: Member
    state: FileState

    def mapped(self) -> Int16[np.ndarray, "channels samples"]:
        """Map the signal, or find it mapped.

        Raises
        ------
        DataError : the file was deleted or written again since it was opened
        """
        return map_member(self.path, self.member, self.state).array

    def columns(self, first: int, n_samples: int) -> Int16[np.ndarray, "channels samples"]:
        """Map some samples of all channels that will be read at once.

        Raises
        ------
        DataError : the file was deleted or written again since it was opened
        """
        mapped = map_member(self.path, self.member, self.state)
        mapped.announce(first, first + n_samples)
        columns: Int16[np.ndarray, "channels samples"] = mapped.array[:, first : first + n_samples]
        return columns


@dataclass(frozen=True, eq=False)
class RecordingFile:
    """An opened file: everything but the signal is in memory.

    The timeline is None where nobody annotated the recording.
    """

    header: RecordingHeader
    timeline: Timeline | None
    scale: Float32[np.ndarray, " channels"]
    offset: Float32[np.ndarray, " channels"]
    signal: MappedSignal


def plain_timeline(timeline: Timeline) -> Timeline:
    """Keep onset, offset and label of every event, each once: what a cache stores."""
    events = dict.fromkeys((e.onset_s, e.offset_s, e.label) for e in timeline.events)
    return replace(timeline, events=tuple(Event(*event) for event in events))


class RecordingFileWriter:
    """Writes the signal piece by piece, then the rest."""

    def __init__(self, npz: AlignedNpzWriter) -> None:
        self._npz = npz

    def write_signal(self, pieces: Iterable[np.ndarray], *, shape: tuple[int, int]) -> None:
        """Write int16 pieces: the first channel from start to end, then the second, ..."""
        self._npz.add_pieces("signal", pieces, shape=shape, dtype=np.dtype(np.int16))

    def write_rest(
        self,
        header: RecordingHeader,
        timeline: Timeline | None,
        *,
        scale: Float32[np.ndarray, " channels"],
        offset: Float32[np.ndarray, " channels"],
    ) -> None:
        """Write what belongs to the signal."""
        events = plain_timeline(timeline).events if timeline is not None else ()
        times = np.array([(e.onset_s, e.offset_s) for e in events], np.float64).reshape(-1, 2)
        self._npz.add("scale", scale)
        self._npz.add("offset", offset)
        self._npz.add("events", times)
        self._npz.add("event_labels", np.array([e.label for e in events], np.str_))
        self._npz.add("header", np.array(_header_to_json(header)))


@contextmanager
def writing_recording_file(path: Path) -> Iterator[RecordingFileWriter]:
    """Write the file of one recording: whole when the block succeeds, else not at all."""
    with atomic_write(path) as stream, closing(AlignedNpzWriter(stream)) as npz:
        yield RecordingFileWriter(npz)


def rewrite_events(path: Path, timeline: Timeline | None) -> RecordingHeader:
    """Replace the events of a recording, its signal unchanged.

    Parameters
    ----------
    path : file of the recording
    timeline : its new events; None where nobody annotated it any more

    Returns
    -------
    The new header

    Raises
    ------
    FormatError : the file is damaged
    """
    old = read_recording_file(path)
    header = replace(
        old.header,
        duration_s=timeline.duration_s if timeline else old.header.duration_s,
        gaps=timeline.gaps if timeline else old.header.gaps,
        labelled=timeline is not None,
    )
    signal = old.signal.mapped()
    with writing_recording_file(path) as writer:
        writer.write_signal(signal, shape=signal.shape)
        writer.write_rest(header, timeline, scale=old.scale, offset=old.offset)
    return header


def read_recording_file(path: Path) -> RecordingFile:
    """Open the file of one recording; the signal is located, not read.

    Raises
    ------
    FormatError : the file is damaged, is no recording of a cache, or is of another version
    """
    state, members = state_of(path), locate_members(path)
    missing = _MEMBERS - set(members)
    if missing:
        raise FormatError(
            f"'{path}' has no {', '.join(sorted(missing))}; it is no recording of a cache. Build "
            "the cache again, or convert it if an earlier program made it."
        )
    small = {name: read_member(path, members[name]) for name in sorted(_MEMBERS - {"signal"})}
    header = _header_from_json(str(small["header"].item()), path)
    signal = members["signal"]
    if signal.shape != (len(header.channels), header.n_samples) or signal.dtype != np.int16:
        raise FormatError(
            f"'{path}' holds a signal of shape {signal.shape} and type {signal.dtype}, its header "
            f"speaks of {len(header.channels)} channels and {header.n_samples} samples of int16. "
            "Build the cache again."
        )
    return RecordingFile(
        header,
        _timeline(header, small["events"], small["event_labels"]),
        small["scale"],
        small["offset"],
        MappedSignal(path, signal, state),
    )


def _timeline(header: RecordingHeader, times: np.ndarray, labels: np.ndarray) -> Timeline | None:
    if not header.labelled:
        return None
    events = tuple(
        Event(onset_s, offset_s, label)
        for (onset_s, offset_s), label in zip(times.tolist(), labels.tolist(), strict=True)
    )
    return Timeline(header.recording_id, header.duration_s, events, header.gaps)


def _header_to_json(header: RecordingHeader) -> str:
    return to_json(
        {
            "format": RECORDING_FORMAT,
            "format_version": RECORDING_FORMAT_VERSION,
            "recording_id": header.recording_id,
            "patient": header.patient,
            "channels": header.channels,
            "rate_hz": header.rate_hz,
            "stretches": [stretch_to_json(stretch) for stretch in header.stretches],
            "duration_s": header.duration_s,
            "gaps": header.gaps,
            "unit": header.unit,
            "statistics": {
                kind: statistics
                and {
                    "center": statistics.center,
                    "spread": statistics.spread,
                    "flat": statistics.flat,
                }
                for kind, statistics in header.statistics.items()
            },
            "labelled": header.labelled,
            "repairs": header.repairs,
            "notes": header.notes,
            "fingerprint": header.fingerprint,
            "source": identity_to_json(header.source),
        }
    )


def _header_from_json(text: str, path: Path) -> RecordingHeader:
    try:
        fields = json.loads(text)
        found = fields["format"], fields["format_version"]
        if found != (RECORDING_FORMAT, RECORDING_FORMAT_VERSION):
            raise FormatError(
                f"'{path}' is of format {found[0]}, version {found[1]}; this program reads "
                f"{RECORDING_FORMAT}, version {RECORDING_FORMAT_VERSION}. Build the cache again "
                "with this program, or use the one that made it."
            )
        return RecordingHeader(
            recording_id=fields["recording_id"],
            patient=fields["patient"],
            channels=tuple(fields["channels"]),
            rate_hz=fields["rate_hz"],
            stretches=tuple(Stretch(*stretch) for stretch in fields["stretches"]),
            duration_s=fields["duration_s"],
            gaps=tuple((onset_s, offset_s) for onset_s, offset_s in fields["gaps"]),
            unit=fields["unit"],
            statistics={
                kind: _statistics_from_json(fields["statistics"][kind])
                for kind in get_args(StandardizationKind)
            },
            labelled=fields["labelled"],
            repairs=tuple(fields["repairs"]),
            notes=tuple(fields["notes"]),
            fingerprint=fields["fingerprint"],
            source=identity_from_json(fields["source"]),
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise FormatError(
            f"'{path}' has a damaged header ({error}); delete it and build the cache again."
        ) from error


def _statistics_from_json(fields: dict[str, Any] | None) -> ChannelStatistics | None:
    if fields is None:
        return None
    return ChannelStatistics(
        np.array(fields["center"], np.float64),
        np.array(fields["spread"], np.float64),
        tuple(fields["flat"]),
    )


def stretch_to_json(stretch: Stretch) -> tuple[int, int, float]:
    """First sample, samples, onset in seconds: the arguments of `Stretch`."""
    return stretch.first, stretch.n_samples, stretch.onset_s


def identity_to_json(identity: FileIdentity | None) -> dict[str, Any] | None:
    """Write an identity as an object, or as null."""
    if identity is None:
        return None
    return {"name": identity.name, "n_bytes": identity.n_bytes, "sha256": identity.sha256}


def identity_from_json(fields: dict[str, Any] | None) -> FileIdentity | None:
    """Read what `identity_to_json` wrote."""
    return None if fields is None else FileIdentity(**fields)

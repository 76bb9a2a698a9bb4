"""``attention_maps/``: one map per recording (or window of one), with a table of contents.

``manifest.json`` and ``metadata.json`` tell what lies on the disk, at any moment: they are written
after the maps that they list, and again when others follow.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from pydantic import TypeAdapter

from neurorun.core import FormatError, RunError, atomic_write, sha256_of
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.damage import NPZ_FAULTS
from neurorun.runs.deflated_npz import deflated_npz
from neurorun.runs.document import Measured, read_document, write_document
from neurorun.runs.names import file_stem

ATTENTION = "attention_maps"
ATTENTION_MANIFEST = f"{ATTENTION}/manifest.json"
ATTENTION_METADATA = f"{ATTENTION}/metadata.json"
SUFFIX = "_attention.npz"


@dataclass(frozen=True, slots=True)
class ClipStatistics:
    """What cutting a map to [0, 1] did to it.

    Parameters
    ----------
    raw_min, raw_max : before
    clipped_fraction : share of the values that changed
    """

    raw_min: float
    raw_max: float
    clipped_fraction: float


@dataclass(frozen=True, slots=True)
class MapOrigin:
    """Where a map comes from, and what was decided beside it.

    Parameters
    ----------
    montage : what the rows are
    method : ``native`` for the model's own attention
    normalization : how values came into [0, 1]; ``clip`` does nothing else
    segment_start_s : where the map begins in the recording
    n_valid : columns that were recorded; after them lies padding, which is 0. -1 where not told
    true_label, predicted_label : 0 normal, 1 abnormal; -1 where not told
    prob_abnormal : as predicted; NaN where not told
    dataset : the split
    model_sha256 : of the weights that made it
    """

    montage: str = ""
    method: str = "native"
    normalization: str = "clip"
    segment_start_s: float = 0.0
    n_valid: int = -1
    true_label: int = -1
    predicted_label: int = -1
    prob_abnormal: float = math.nan
    dataset: str = ""
    model_sha256: str = ""


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """The model's weights over one recording, or over one window of it.

    Parameters
    ----------
    file_id : the recording, as its file was called
    attention_map : 0 to 1; values outside are cut off
    sampling_rate : samples per second of the map, > 0
    channels : one name per row
    origin : where it comes from
    time_factor, channel_factor : the map as an outer product, where it is one; None otherwise
    clip : what cutting off did; found here unless given

    Raises
    ------
    RunError : a value is not finite, or the channels or factors do not fit
    """

    file_id: str
    attention_map: Float32[np.ndarray, "channels samples"]
    sampling_rate: float
    channels: tuple[str, ...]
    origin: MapOrigin = field(default_factory=MapOrigin)
    time_factor: Float32[np.ndarray, " instants"] | None = None
    channel_factor: Float32[np.ndarray, " rows"] | None = None
    clip: ClipStatistics | None = None

    def __post_init__(self) -> None:
        raw = self.attention_map
        if not np.isfinite(raw).all():
            raise RunError(
                f"The attention map of '{self.file_id}' holds values that are not finite; numbers "
                "in [0, 1] are needed. Look for NaN in the recording or the weights."
            )
        if len(self.channels) != len(raw) or not self.sampling_rate > 0:
            raise RunError(
                f"The attention map of '{self.file_id}' has {len(raw)} rows, "
                f"{len(self.channels)} channel names and {self.sampling_rate} Hz; one name per "
                "row and a rate above 0 are needed."
            )
        self._check_factors()
        if self.clip is None:
            clipped = np.clip(raw, 0, 1)
            object.__setattr__(self, "clip", _statistics(raw, clipped))
            object.__setattr__(self, "attention_map", clipped)

    def _check_factors(self) -> None:
        n_channels, n_samples = self.attention_map.shape
        for name, factor, n in (
            ("time", self.time_factor, n_samples),
            ("channel", self.channel_factor, n_channels),
        ):
            if factor is not None and len(factor) != n:
                raise RunError(
                    f"The attention map of '{self.file_id}' has a {name} factor of {len(factor)} "
                    f"values; {n} are needed. Leave the factor out, or give it whole."
                )

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and samples."""
        n_channels, n_samples = self.attention_map.shape
        return int(n_channels), int(n_samples)


def _statistics(raw: np.ndarray, clipped: np.ndarray) -> ClipStatistics:
    n_changed = int(np.count_nonzero(raw != clipped))
    return ClipStatistics(float(raw.min()), float(raw.max()), n_changed / raw.size)


@dataclass(frozen=True, slots=True)
class MapEntry:
    """One line of ``manifest.json``; the path is relative to it.

    Parameters
    ----------
    sha256 : of the file
    model_sha256 : of the weights that made the map; empty where not told
    """

    file_id: str
    path: str
    shape: tuple[int, int]
    saved_at: str
    sha256: str = ""
    model_sha256: str = ""


@dataclass(frozen=True, slots=True)
class MapsMetadata:
    """The content of ``metadata.json``: counted from the files, not from memory.

    Parameters
    ----------
    expected_shape : of every map, channels and samples
    sampling_rate : samples per second
    created : UTC
    channel_names, montage, method, normalization : of every map
    """

    n_samples: int
    expected_shape: tuple[int, int]
    dtype: str
    sampling_rate: Measured
    created: str
    channel_names: tuple[str, ...] = ()
    montage: str = ""
    method: str = "native"
    normalization: str = "clip"


def attention_path(file_id: str) -> str:
    """Path of a map, relative to the run folder."""
    return f"{ATTENTION}/{file_stem(file_id)}{SUFFIX}"


def attention_arrays(attention: AttentionMap) -> dict[str, np.ndarray]:
    """Members of the file of a map, by name."""
    origin, clip = attention.origin, attention.clip
    assert clip is not None
    factors = {"time_factor": attention.time_factor, "channel_factor": attention.channel_factor}
    return {
        "attention_map": attention.attention_map,
        "file_id": np.array(attention.file_id),
        "shape": np.array(attention.shape, np.int64),
        "sampling_rate": np.array(attention.sampling_rate, np.float64),
        "channel_names": np.array(attention.channels),
        **{name: factor for name, factor in factors.items() if factor is not None},
        "raw_min": np.array(clip.raw_min),
        "raw_max": np.array(clip.raw_max),
        "clipped_fraction": np.array(clip.clipped_fraction),
        **{name: np.array(getattr(origin, name)) for name in _ORIGIN},
    }


_ORIGIN = tuple(MapOrigin.__dataclass_fields__)


def write_attention_map(folder: Path, attention: AttentionMap, *, saved_at: str = "") -> MapEntry:
    """Write one map, whole or not at all; ``np.load(..., allow_pickle=False)`` opens it.

    Returns
    -------
    Its line of the manifest
    """
    content = deflated_npz(attention_arrays(attention))
    path = folder / attention_path(attention.file_id)
    with atomic_write(path) as stream:
        stream.write(content)
    return MapEntry(
        file_id=attention.file_id,
        path=path.name,
        shape=attention.shape,
        saved_at=saved_at,
        sha256=hashlib.sha256(content).hexdigest(),
        model_sha256=attention.origin.model_sha256,
    )


def read_attention_map(path: Path) -> AttentionMap:
    """Read one map.

    Raises
    ------
    FormatError : it is damaged, or its ``shape`` is not that of the map
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as members:
            found = _map({name: members[name] for name in members.files})
            told = tuple(int(n) for n in members["shape"])
    except NPZ_FAULTS as error:
        raise FormatError(
            f"'{path}' is not a readable attention map ({error}); restore it, or collect the "
            "maps again with `neurorun attention`."
        ) from error
    if told != found.shape:
        raise FormatError(
            f"'{path}' says that its map is {told}, and it is {found.shape}; restore it, or "
            "collect the maps again with `neurorun attention`."
        )
    return found


def _map(members: Mapping[str, np.ndarray]) -> AttentionMap:
    plain: dict[str, Any] = {name: members[name].item() for name in _ORIGIN}
    return AttentionMap(
        file_id=str(members["file_id"]),
        attention_map=members["attention_map"],
        sampling_rate=float(members["sampling_rate"]),
        channels=tuple(members["channel_names"].tolist()),
        origin=MapOrigin(**plain),
        time_factor=members.get("time_factor"),
        channel_factor=members.get("channel_factor"),
        clip=ClipStatistics(
            float(members["raw_min"]), float(members["raw_max"]), float(members["clipped_fraction"])
        ),
    )


def attention_maps_of(folder: Path) -> ByRecording[AttentionMap]:
    """Maps of a run by file_id, each read when it is asked for."""
    return ByRecording(folder / ATTENTION, SUFFIX, read_attention_map)


def write_attention_index(
    folder: Path, *, created: str, entries: Sequence[MapEntry] = ()
) -> tuple[MapEntry, ...]:
    """Write ``manifest.json`` and ``metadata.json``: what lies in the folder, no more and no less.

    Parameters
    ----------
    entries : lines of maps that were just written; other maps keep theirs, and those that no
        line is known of are read

    Raises
    ------
    RunError : there are none, or their shapes differ
    """
    maps = attention_maps_of(folder)
    known = {entry.file_id: entry for entry in (*_listed(folder), *entries)}
    lines = [
        known[file_id] if file_id in known else _entry(folder, maps[file_id], created)
        for file_id in maps
    ]
    shapes = sorted({entry.shape for entry in lines})
    if len(shapes) != 1:
        raise RunError(
            f"'{folder / ATTENTION}' holds {len(lines)} maps of the shapes {shapes}; at least "
            "one, all of one shape, are needed. Collect them again."
        )
    first = maps[lines[0].file_id]
    write_document(folder / ATTENTION_MANIFEST, lines)
    write_document(
        folder / ATTENTION_METADATA,
        MapsMetadata(
            n_samples=len(lines),
            expected_shape=shapes[0],
            dtype="float32",
            sampling_rate=first.sampling_rate,
            created=created,
            channel_names=first.channels,
            montage=first.origin.montage,
            method=first.origin.method,
            normalization=first.origin.normalization,
        ),
    )
    return tuple(lines)


def _listed(folder: Path) -> Sequence[MapEntry]:
    return read_attention_manifest(folder) if (folder / ATTENTION_MANIFEST).is_file() else ()


def _entry(folder: Path, attention: AttentionMap, saved_at: str) -> MapEntry:
    path = folder / attention_path(attention.file_id)
    return MapEntry(
        attention.file_id,
        path.name,
        attention.shape,
        saved_at,
        sha256_of(path),
        attention.origin.model_sha256,
    )


def is_sound(folder: Path, entry: MapEntry) -> bool:
    """Whether the file of a map is there and as it was written."""
    path = folder / ATTENTION / entry.path
    return path.is_file() and sha256_of(path) == entry.sha256


def verify_attention(folder: Path) -> Sequence[MapEntry]:
    """Read ``manifest.json`` and compare it with the maps that lie beside it.

    Raises
    ------
    DataError : it is absent or damaged
    FormatError : a map is missing, was changed, or is not listed
    """
    entries = read_attention_manifest(folder)
    listed = {entry.path for entry in entries}
    there = {path.name for path in (folder / ATTENTION).glob(f"[!.]*{SUFFIX}")}
    faults = [
        f"'{entry.path}' is missing or changed" for entry in entries if not is_sound(folder, entry)
    ]
    faults += [f"'{name}' is not listed" for name in sorted(there - listed)]
    if faults:
        raise FormatError(
            f"'{folder / ATTENTION_MANIFEST}' does not tell what lies beside it: {faults[0]}"
            f"{f', and {len(faults) - 1} more' if faults[1:] else ''}. "
            "Run `neurorun attention` again."
        )
    return entries


def read_attention_manifest(folder: Path) -> Sequence[MapEntry]:
    """Read ``manifest.json``.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(
        folder / ATTENTION_MANIFEST, TypeAdapter(tuple[MapEntry, ...]).validate_json
    )


def read_attention_metadata(folder: Path) -> MapsMetadata:
    """Read ``metadata.json``.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(folder / ATTENTION_METADATA, TypeAdapter(MapsMetadata).validate_json)

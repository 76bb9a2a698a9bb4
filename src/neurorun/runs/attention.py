"""``attention_maps/``: one map per recording, with a table of contents."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from pydantic import TypeAdapter

from neurorun.core import FormatError, RunError, atomic_write
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.document import read_document, write_document
from neurorun.runs.names import file_stem

ATTENTION = "attention_maps"
ATTENTION_MANIFEST = f"{ATTENTION}/manifest.json"
ATTENTION_METADATA = f"{ATTENTION}/metadata.json"
SUFFIX = "_attention.npz"


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """The model's weights over one recording.

    Parameters
    ----------
    file_id : the recording, as its file was called
    attention_map : 0 to 1; values outside are cut off
    sampling_rate : samples per second of the map, > 0
    channels : one name per row

    Raises
    ------
    RunError : a value is not finite, or the channels do not fit
    """

    file_id: str
    attention_map: Float32[np.ndarray, "channels samples"]
    sampling_rate: float
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not np.isfinite(self.attention_map).all():
            raise RunError(
                f"The attention map of '{self.file_id}' holds values that are not finite; numbers "
                "in [0, 1] are needed. Look for NaN in the recording or the weights."
            )
        if len(self.channels) != len(self.attention_map) or not self.sampling_rate > 0:
            raise RunError(
                f"The attention map of '{self.file_id}' has {len(self.attention_map)} rows, "
                f"{len(self.channels)} channel names and {self.sampling_rate} Hz; one name per "
                "row and a rate above 0 are needed."
            )


@dataclass(frozen=True, slots=True)
class MapEntry:
    """One line of ``manifest.json``; the path is relative to it."""

    file_id: str
    path: str
    shape: tuple[int, int]
    saved_at: str


@dataclass(frozen=True, slots=True)
class MapsMetadata:
    """The content of ``metadata.json``: counted from the files, not from memory.

    Parameters
    ----------
    expected_shape : of every map, channels and samples
    sampling_rate : samples per second
    created : UTC
    """

    n_samples: int
    expected_shape: tuple[int, int]
    dtype: str
    sampling_rate: float
    created: str


def attention_path(file_id: str) -> str:
    """Path of a map, relative to the run folder."""
    return f"{ATTENTION}/{file_stem(file_id)}{SUFFIX}"


def write_attention_map(folder: Path, attention: AttentionMap) -> None:
    """Write one map, whole or not at all; ``np.load(..., allow_pickle=False)`` opens it."""
    with atomic_write(folder / attention_path(attention.file_id)) as stream:
        np.savez_compressed(
            stream,
            attention_map=np.clip(attention.attention_map, 0, 1),
            file_id=np.array(attention.file_id),
            shape=np.array(attention.attention_map.shape),
            sampling_rate=np.array(attention.sampling_rate),
            channels=np.array(attention.channels),
        )


def read_attention_map(path: Path) -> AttentionMap:
    """Read one map.

    Raises
    ------
    FormatError : it is damaged
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as members:
            return AttentionMap(
                file_id=str(members["file_id"]),
                attention_map=members["attention_map"],
                sampling_rate=float(members["sampling_rate"]),
                channels=tuple(members["channels"].tolist()),
            )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"'{path}' is not a readable attention map ({error}); restore it, or collect the "
            "maps again with `neurorun attention`."
        ) from error


def attention_maps_of(folder: Path) -> ByRecording[AttentionMap]:
    """Maps of a run by file_id, each read when it is asked for."""
    return ByRecording(folder / ATTENTION, SUFFIX, read_attention_map)


def write_attention_index(folder: Path, *, created: str) -> None:
    """Write ``manifest.json`` and ``metadata.json`` from the maps that lie in the folder.

    Raises
    ------
    RunError : there are none, or their shapes differ
    """
    maps = attention_maps_of(folder)
    entries = [_entry(maps[file_id], created) for file_id in maps]
    shapes = sorted({entry.shape for entry in entries})
    if len(shapes) != 1:
        raise RunError(
            f"'{folder / ATTENTION}' holds {len(entries)} maps of the shapes {shapes}; at least "
            "one, all of one shape, are needed. Collect them again."
        )
    write_document(folder / ATTENTION_MANIFEST, entries)
    rate = next(iter(maps.values())).sampling_rate
    write_document(
        folder / ATTENTION_METADATA, MapsMetadata(len(entries), shapes[0], "float32", rate, created)
    )


def _entry(attention: AttentionMap, saved_at: str) -> MapEntry:
    path = Path(attention_path(attention.file_id)).name
    n_channels, n_samples = attention.attention_map.shape
    return MapEntry(attention.file_id, path, (int(n_channels), int(n_samples)), saved_at)


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

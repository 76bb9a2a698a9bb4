"""The spike store: clips read once and kept so that any region of any clip is one copy away.

``clips.f32`` holds clip after clip, each regions by samples, and only grows; ``store.json`` says
what lies where, with the state of the file that it came from and a checksum. What every clip alone
gives at the channels is kept per leadfield in ``background-<fingerprint>.f32``. All are
memory-mapped.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import SILENT, DataError, FormatError, Progress, read_json, to_json, write_text
from neurorun.simulation.source.clip_file import N_SAMPLES, ClipKey, read_clip

STORE_FORMAT = "neurorun-spike-store"
STORE_FORMAT_VERSION = 1
STORE_FILE = "store.json"
CLIPS_FILE = "clips.f32"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredClip:
    """Where one clip lies, and what it came from.

    Parameters
    ----------
    centre, clip : its key
    place : its position in the store, -1 if it could not be read
    source : size and time of its file, or None if it is absent
    sha256 : checksum of its values
    peak_mv : largest potential of its own region
    reason : why it could not be read, empty if it could
    """

    centre: int
    clip: int
    place: int
    source: tuple[int, int] | None
    sha256: str
    peak_mv: float
    reason: str

    @property
    def key(self) -> ClipKey:
        """Region and number."""
        return self.centre, self.clip


class SpikeStore:
    """Clips of a store, and what each gives at the channels.

    Parameters
    ----------
    folder : the store
    n_regions, n_samples : of every clip
    clips : all that were asked for, in order of their keys
    """

    def __init__(
        self, folder: Path, n_regions: int, n_samples: int, clips: Sequence[StoredClip]
    ) -> None:
        self.folder, self.n_regions, self.n_samples = folder, n_regions, n_samples
        self.table = {clip.key: clip for clip in clips}
        n_places = 1 + max((clip.place for clip in clips), default=-1)
        self.clips = _map(folder / CLIPS_FILE, (n_places, n_regions, n_samples))

    def place(self, key: ClipKey) -> int:
        """Position of a clip, -1 if it is absent or could not be read."""
        clip = self.table.get(key)
        return -1 if clip is None else clip.place

    def clip(self, key: ClipKey) -> Float32[np.ndarray, "regions samples"]:
        """Read-only view of a clip.

        Raises
        ------
        DataError : it is absent or could not be read
        """
        place = self.place(key)
        if place < 0:
            raise DataError(
                f"Clip {key[1]} of region {key[0]} is not in the store '{self.folder}': "
                f"{self.reason(key)}."
            )
        return np.asarray(self.clips[place])

    def reason(self, key: ClipKey) -> str:
        """Why a clip cannot be used; empty if it can."""
        clip = self.table.get(key)
        return "it was not asked for" if clip is None else clip.reason

    @property
    def usable(self) -> tuple[ClipKey, ...]:
        """Keys of all clips that can be used, in order."""
        return tuple(key for key, clip in self.table.items() if clip.place >= 0)

    def fingerprint(self) -> str:
        """Hash of the clips that can be used and of their values."""
        digest = hashlib.sha256()
        for key in self.usable:
            digest.update(f"{key} {self.table[key].sha256}\n".encode())
        return digest.hexdigest()[:16]

    def damaged(self, *, progress: Progress = SILENT) -> tuple[ClipKey, ...]:
        """Clips whose values no longer have their checksum."""
        with progress.phase("checking clips", len(self.usable)) as advance:
            bad = []
            for key in self.usable:
                if _checksum(self.clip(key)) != self.table[key].sha256:
                    bad.append(key)
                advance()
        return tuple(bad)

    def background(
        self, leadfield: Float64[np.ndarray, "channels regions"], *, progress: Progress = SILENT
    ) -> Float32[np.ndarray, "clips channels samples"]:
        """What each clip gives at the channels, computed once per leadfield; memory-mapped.

        Computed in double precision, kept in single.
        """
        wide = np.ascontiguousarray(leadfield)
        name = f"background-{hashlib.sha256(wide.tobytes()).hexdigest()[:16]}.f32"
        path = self.folder / name
        shape = (len(self.clips), len(leadfield), self.n_samples)
        with _locked(self.folder):
            n_done = _whole_pieces(path, shape)
            with (
                _growing(path, n_done, shape) as stream,
                progress.phase("projecting clips", shape[0] - n_done) as advance,
            ):
                for clip in self.clips[n_done:]:
                    seen = wide @ clip.astype(np.float64)
                    stream.write(seen.astype(np.float32).tobytes())
                    advance()
        return _map(path, shape)


def build_store(
    folder: Path,
    files: Mapping[ClipKey, Path],
    *,
    n_regions: int,
    n_samples: int = N_SAMPLES,
    n_workers: int = 1,
    progress: Progress = SILENT,
) -> SpikeStore:
    """Read clips into a store; what it holds already is read again only if its file has changed.

    Parameters
    ----------
    folder : the store, made if needed
    files : file of each clip that will be used; it may be absent
    n_regions, n_samples : of every clip
    n_workers : threads
    progress : one step per file

    Returns
    -------
    The store with these clips, and the reasons of those that cannot be used

    Raises
    ------
    DataError : the folder cannot be written
    FormatError : it holds a store of another format or another number of regions
    """
    try:
        with _locked(folder):
            known = _read_table(folder, n_regions, n_samples)
            states = {key: _state(path) for key, path in files.items()}
            stale = [k for k in files if k not in known or known[k].source != states[k]]
            if stale:
                fresh = _add(
                    folder,
                    known,
                    {key: files[key] for key in sorted(stale)},
                    states,
                    size=(n_regions, n_samples),
                    n_workers=n_workers,
                    progress=progress,
                )
                known = {**known, **fresh}
                _write_table(folder, n_regions, n_samples, known)
    except OSError as error:
        raise DataError(
            f"Cannot write the store '{folder}': {error.strerror or error}. Set store_dir to a "
            "folder with room and write permission."
        ) from error
    return SpikeStore(folder, n_regions, n_samples, [known[key] for key in sorted(files)])


def _add(
    folder: Path,
    known: Mapping[ClipKey, StoredClip],
    files: Mapping[ClipKey, Path],
    states: Mapping[ClipKey, tuple[int, int] | None],
    *,
    size: tuple[int, int],
    n_workers: int,
    progress: Progress,
) -> dict[ClipKey, StoredClip]:
    """Append clips; what a crash leaves, no table names, and the next build writes over it."""
    place = 1 + max((clip.place for clip in known.values()), default=-1)
    added = {}
    with (
        _growing(folder / CLIPS_FILE, place, (place + len(files), *size)) as stream,
        progress.phase("reading clips", len(files)) as advance,
    ):
        for key, found in _read_ahead(files, size, n_workers):
            if isinstance(found, str):
                added[key] = StoredClip(*key, -1, states[key], "", float("nan"), found)
            else:
                stream.write(found.tobytes())
                peak_mv = float(found[key[0]].max())
                added[key] = StoredClip(*key, place, states[key], _checksum(found), peak_mv, "")
                place += 1
            advance()
    return added


def _read_ahead(
    files: Mapping[ClipKey, Path], size: tuple[int, int], n_workers: int
) -> Iterator[tuple[ClipKey, np.ndarray | str]]:
    """Clips in order, or why they cannot be used; a few are read ahead."""
    keys = list(files)

    def read(key: ClipKey) -> np.ndarray | str:
        return _read(key, files[key], size)

    with ThreadPoolExecutor(n_workers) as threads:
        for first in range(0, len(keys), 8 * n_workers):
            some = keys[first : first + 8 * n_workers]
            yield from zip(some, threads.map(read, some), strict=True)


def _read(key: ClipKey, path: Path, size: tuple[int, int]) -> np.ndarray | str:
    if not path.exists():
        return f"'{path}' does not exist"
    try:
        clip = read_clip(path, n_regions=size[0], n_samples=size[1])
    except DataError as error:
        return str(error).partition(";")[0]
    if not clip[key[0]].max() > 0:
        return f"'{path}': region {key[0]} has no potential above 0, so it cannot be scaled"
    return clip


def _checksum(values: np.ndarray) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time write into a store; where none may write, nothing is locked."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        yield
        return
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _whole_pieces(path: Path, shape: tuple[int, ...]) -> int:
    size = path.stat().st_size if path.exists() else 0
    return min(shape[0], size // (4 * int(np.prod(shape[1:]))))


@contextmanager
def _growing(path: Path, n_kept: int, shape: tuple[int, ...]) -> Iterator[IO[bytes]]:
    """Open a file behind its first pieces; what is written is on the disk when the block ends."""
    if n_kept == shape[0] and path.exists():
        with Path(os.devnull).open("wb") as nowhere:
            yield nowhere
        return
    with path.open("r+b" if path.exists() else "w+b") as stream:
        stream.truncate(n_kept * 4 * int(np.prod(shape[1:])))
        stream.seek(0, os.SEEK_END)
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def _map(path: Path, shape: tuple[int, ...]) -> Float32[np.ndarray, "clips rows samples"]:
    if not shape[0]:
        return np.zeros(shape, np.float32)
    if _whole_pieces(path, shape) < shape[0]:
        raise FormatError(
            f"'{path}' is shorter than its table says; delete the folder '{path.parent}', it is "
            "built again from the clips."
        )
    return np.memmap(path, np.float32, "r", shape=shape).view(np.ndarray)


def _read_table(folder: Path, n_regions: int, n_samples: int) -> dict[ClipKey, StoredClip]:
    path = folder / STORE_FILE
    if not path.exists():
        return {}
    stored = read_json(path)
    found = stored.get("format"), stored.get("format_version")
    if found != (STORE_FORMAT, STORE_FORMAT_VERSION):
        raise FormatError(
            f"'{path}' is of format {found}; {STORE_FORMAT} {STORE_FORMAT_VERSION} is read. Set "
            "store_dir to another folder, or delete this one."
        )
    if (stored["n_regions"], stored["n_samples"]) != (n_regions, n_samples):
        raise FormatError(
            f"Store '{folder}' holds clips of {stored['n_regions']} regions and "
            f"{stored['n_samples']} samples, {n_regions} and {n_samples} are needed; set store_dir "
            "to another folder."
        )
    clips = (_clip_from(row) for row in stored["clips"])
    return {clip.key: clip for clip in clips}


def _clip_from(row: list[Any]) -> StoredClip:
    centre, clip, place, source, sha256, peak_mv, reason = row
    state = None if source is None else (int(source[0]), int(source[1]))
    peak = float("nan") if peak_mv is None else float(peak_mv)
    return StoredClip(centre, clip, place, state, sha256, peak, reason)


def _write_table(
    folder: Path, n_regions: int, n_samples: int, known: Mapping[ClipKey, StoredClip]
) -> None:
    rows = [
        to_json([c.centre, c.clip, c.place, c.source, c.sha256, c.peak_mv, c.reason])
        for _, c in sorted(known.items())
    ]
    head = json.dumps(
        {
            "format": STORE_FORMAT,
            "format_version": STORE_FORMAT_VERSION,
            "n_regions": n_regions,
            "n_samples": n_samples,
        }
    )
    lines = ",\n".join(rows)
    write_text(folder / STORE_FILE, f'{head[:-1]}, "clips": [\n{lines}\n]}}\n')

"""The table of contents of a cache: ``cache.json``.

It holds the settings that decided the stored signals, and a row for every recording that was
attempted: what became of it and why, the checksum of its file, and where its samples and seizures
lie, so that windows are cut and chosen without opening a recording.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from neurorun.core import (
    DataError,
    FormatError,
    Stretch,
    fingerprint_of,
    read_json,
    to_json,
    write_text,
)
from neurorun.data.recording_file import stretch_to_json
from neurorun.data.windows import Extent

CACHE_FORMAT = "neurorun-cache"
CACHE_FORMAT_VERSION = 1
CACHE_FILE = "cache.json"
EARLIER_PATTERN = "*_windows.npz"
"""Files of caches of an earlier program."""

Status = Literal["ok", "repaired", "skipped", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The file of one recording, as it was when the table was written.

    Parameters
    ----------
    name : within the folder of the cache
    n_bytes, sha256 : of the whole file
    extent : where its samples and seizures lie
    source_mtime_ns : when its source was last changed; an unchanged time and size spare reading
        the source to see that it is the same. None where there is no source (converted caches)
    """

    name: str
    n_bytes: int
    sha256: str
    extent: Extent
    source_mtime_ns: int | None


@dataclass(frozen=True, slots=True)
class CacheRow:
    """What became of one recording.

    Parameters
    ----------
    recording_id, patient : names
    status : ``ok``; ``repaired`` if its notes say so; ``skipped`` if it cannot be used as asked;
        ``failed`` if it could not be read or prepared
    reason : for all but ``ok``
    stored : its file; None if it was skipped or failed
    """

    recording_id: str
    patient: str
    status: Status
    reason: str = ""
    stored: StoredFile | None = None


@dataclass(frozen=True, eq=False)
class CacheTable:
    """Content of ``cache.json``.

    Parameters
    ----------
    split : name of the split
    settings : every setting that decided the stored signals
    rows : one per recording, in order of ``recording_id``
    complete : whether every recording was attempted; an interrupted build leaves this false
    """

    split: str
    settings: Mapping[str, Any]
    rows: tuple[CacheRow, ...]
    complete: bool

    @property
    def fingerprint(self) -> str:
        """Hash of the settings."""
        return fingerprint_of(self.settings)

    @property
    def stored(self) -> tuple[StoredFile, ...]:
        """Files of the recordings that were prepared."""
        return tuple(row.stored for row in self.rows if row.stored is not None)


@contextmanager
def locked(folder: Path, name: str = ".cache.lock") -> Iterator[None]:
    """Keep other processes from writing the table of a cache meanwhile.

    Raises
    ------
    DataError : the folder cannot be made or written
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / name).open("a")
    except OSError as error:
        raise DataError(
            f"Cannot write in '{folder}': {error.strerror or error}. A cache is built in a folder "
            "with write permission; choose another, or change its permissions."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_cache_table(folder: Path) -> CacheTable:
    """Read ``cache.json``.

    Raises
    ------
    DataError : there is none
    FormatError : it is damaged, or of a version that we do not know
    """
    path = folder / CACHE_FILE
    if not path.exists():
        raise DataError(_no_cache(folder))
    return table_from_json(read_json(path), path)


def table_from_json(fields: Any, source: Path | str) -> CacheTable:
    """Make a table of what its JSON says.

    Parameters
    ----------
    fields : as decoded
    source : where it came from, for messages

    Raises
    ------
    FormatError : it is damaged, or of a version that we do not know
    """
    try:
        found = fields["format"], fields["format_version"]
        if found != (CACHE_FORMAT, CACHE_FORMAT_VERSION):
            raise FormatError(
                f"'{source}' is of format {found[0]}, version {found[1]}; this program reads "
                f"{CACHE_FORMAT}, version {CACHE_FORMAT_VERSION}. Build the cache again with this "
                "program, or use the one that made it."
            )
        rows = tuple(_row_from_json(row) for row in fields["recordings"])
        return CacheTable(fields["split"], fields["settings"], rows, fields["complete"])
    except (KeyError, TypeError) as error:
        raise FormatError(
            f"'{source}' is damaged ({error}); delete it and run `neurorun build-cache` again, "
            "which keeps the recordings that are whole."
        ) from error


def _no_cache(folder: Path) -> str:
    if next(folder.glob(EARLIER_PATTERN), None) is not None:
        return (
            f"'{folder}' holds a cache of an earlier program (*_windows.npz); it must be converted "
            "once with `neurorun.data.convert_earlier_cache`, which makes it about ten times "
            "smaller."
        )
    return (
        f"'{folder}' holds no {CACHE_FILE}; give the folder of one split of a cache, or make one "
        "with `neurorun build-cache`."
    )


def write_cache_table(folder: Path, table: CacheTable) -> None:
    """Write ``cache.json``, one recording a line."""
    head = {
        "format": CACHE_FORMAT,
        "format_version": CACHE_FORMAT_VERSION,
        "split": table.split,
        "complete": table.complete,
        "fingerprint": table.fingerprint,
        "settings": table.settings,
    }
    lines = [f"{to_json(name)}: {to_json(value)}," for name, value in head.items()]
    rows = ",\n".join(to_json(_row_to_json(row)) for row in table.rows)
    text = "{\n" + "\n".join(lines) + f'\n"recordings": [\n{rows}\n]\n}}\n'
    write_text(folder / CACHE_FILE, text)


def _row_to_json(row: CacheRow) -> dict[str, Any]:
    return {
        "recording_id": row.recording_id,
        "patient": row.patient,
        "status": row.status,
        "reason": row.reason,
        "stored": row.stored and _stored_to_json(row.stored),
    }


def _stored_to_json(stored: StoredFile) -> dict[str, Any]:
    return {
        "name": stored.name,
        "n_bytes": stored.n_bytes,
        "sha256": stored.sha256,
        "stretches": [stretch_to_json(stretch) for stretch in stored.extent.stretches],
        "seizures": stored.extent.seizures,
        "source_mtime_ns": stored.source_mtime_ns,
    }


def _row_from_json(fields: dict[str, Any]) -> CacheRow:
    stored = fields["stored"]
    return CacheRow(
        recording_id=fields["recording_id"],
        patient=fields["patient"],
        status=fields["status"],
        reason=fields["reason"],
        stored=stored and _stored_from_json(fields["recording_id"], stored),
    )


def _stored_from_json(recording_id: str, fields: dict[str, Any]) -> StoredFile:
    seizures = fields["seizures"]
    return StoredFile(
        name=fields["name"],
        n_bytes=fields["n_bytes"],
        sha256=fields["sha256"],
        extent=Extent(
            recording_id,
            tuple(Stretch(*stretch) for stretch in fields["stretches"]),
            None if seizures is None else tuple((first, stop) for first, stop in seizures),
        ),
        source_mtime_ns=fields["source_mtime_ns"],
    )

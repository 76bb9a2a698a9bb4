"""Files that are either whole or absent.

Everything is written under a temporary name in the same folder, flushed to the disk, and renamed.
A crash at any moment leaves the old file or the new one, never a torn one.
"""

import hashlib
import json
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from neurorun.core.errors import DataError


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary sibling for writing; give it the final name if the block succeeds.

    The folder is made if needed. On an error the temporary file is removed and an older file
    under the final name stays as it was.

    Raises
    ------
    DataError : the folder cannot be written
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as stream, _removed_on_failure(temporary):
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise DataError(
            f"Cannot write '{path}': {error.strerror or error}. A folder with room and write "
            "permission is needed; choose another, or free some space."
        ) from error


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 with the line ends it has, whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all; what is undefined (NaN) becomes ``null``."""
    write_text(path, to_json(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON, saying which file is damaged.

    Raises
    ------
    DataError : the file is absent or not JSON
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"'{path}' does not exist; check the path.") from error
    except OSError as error:
        raise DataError(
            f"'{path}' cannot be read ({error.strerror}); a file with read permission is needed."
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"'{path}' is not readable as JSON ({error}); restore it or write it again."
        ) from error


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Encode plain values, NumPy numbers and arrays, and paths; anything else is refused.

    Non-finite numbers are undefined values and become ``null``: bare ``NaN`` is not JSON.

    >>> to_json({"f1": float("nan"), "hits": np.int64(3)})
    '{"f1": null, "hits": 3}'
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def sha256_of(path: Path) -> str:
    """Checksum of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint_of(value: Any) -> str:
    """Hash a value that JSON can hold: equal values give equal hashes, in any key order.

    >>> fingerprint_of({"a": 1, "b": 2}) == fingerprint_of({"b": 2, "a": 1})
    True
    """
    canonical = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()[:16]

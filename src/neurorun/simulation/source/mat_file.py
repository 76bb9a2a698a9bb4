"""MATLAB and Octave files of every age, told apart by what they hold, not by their names.

Whatever wrote a file, the same content gives the same dictionary: axes in MATLAB's order, doubles
as float64, logicals as bool, text as ``str``, structures as dictionaries, cells as object arrays.
"""

import gzip
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import DataError, FormatError
from neurorun.simulation.source.mat_hdf5 import load_hdf5
from neurorun.simulation.source.octave_binary import load_octave_binary
from neurorun.simulation.source.octave_text import load_octave_text

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_HDF5_OFFSETS = (0, 512, 1024, 2048)
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_UNPACKED = 1 << 33
_V4_TYPES = range(4053)
_DAMAGED = (
    ValueError, TypeError, OSError, EOFError, KeyError, IndexError, MemoryError,
    NotImplementedError, zlib.error,
)  # fmt: skip
"""What SciPy raises on damaged files beside its own error."""

Names = Collection[str] | None


def load_mat(path: Path | str, names: Collection[str] | None = None) -> dict[str, Any]:
    """Read the variables of a file of MATLAB (v4 to v7.3) or Octave (text, binary, HDF5, gzipped).

    Parameters
    ----------
    path : the file; its suffix means nothing
    names : read only these, as far as they are there; all if None

    Returns
    -------
    Variables by name, at least two axes each, in the order of axes that MATLAB shows

    Raises
    ------
    DataError : the file is absent or cannot be opened
    FormatError : it is empty, cut off, of another kind, or a variable that is asked for is of a
        kind that is not read (sparse, complex in Octave files, objects, function handles)
    MissingExtraError : it is HDF5 (v7.3) and h5py is not installed
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HDF5_OFFSETS[-1] + len(_HDF5_MAGIC))
    except FileNotFoundError as error:
        raise DataError(f"'{path}' does not exist; check the path.") from error
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error.strerror or error}.") from error
    if head.startswith(_GZIP_MAGIC):
        return _load_gzipped(path, names)
    return _reader_for(head, path)(_Source(path, None), names)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the bytes are: in a file, or unpacked in memory."""

    path: Path
    content: bytes | None

    def read(self) -> bytes:
        return self.path.read_bytes() if self.content is None else self.content


_Reader = Callable[[_Source, Names], dict[str, Any]]


def _reader_for(head: bytes, path: Path) -> _Reader:
    """Choose the reader by the first bytes.

    A v7.3 file begins with the text of a v5 header, so HDF5 is asked for first.
    """
    if any(head[at : at + 8] == _HDF5_MAGIC for at in _HDF5_OFFSETS):
        return _load_hdf5
    if head.startswith((b"Octave-1-L", b"Octave-1-B")):
        return lambda source, names: load_octave_binary(source.read(), path, names)
    if head.startswith((b"# Created by Octave", b"# name:", b"% Created by Octave")):
        return lambda source, names: load_octave_text(source.read(), path, names)
    if head[:6] == b"MATLAB" and head[126:128] in (b"IM", b"MI"):
        return _load_matlab
    if _looks_like_v4(head):
        return _load_matlab
    found = "is empty" if not head else f"begins with {head[:12]!r}"
    raise FormatError(
        f"'{path}' {found}; files of MATLAB (v4 to v7.3) and Octave (text, binary, HDF5) are read. "
        "Write it again with save -v7."
    )


def _looks_like_v4(head: bytes) -> bool:
    """Whether the first header of a v4 file makes sense in either order of bytes."""
    for order in ("<i4", ">i4"):
        if len(head) < 21:
            return False
        kind, rows, columns, imaginary, name = np.frombuffer(head[:20], order).tolist()
        if kind in _V4_TYPES and rows >= 0 and columns >= 0 and imaginary in (0, 1):
            text = head[20 : 20 + max(name - 1, 0)]
            if 1 < name < 1024 and text and text.decode("ascii", "replace").isidentifier():
                return True
    return False


def _load_gzipped(path: Path, names: Names) -> dict[str, Any]:
    try:
        with gzip.open(path) as stream:
            content = stream.read(_MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error
    if len(content) > _MAX_UNPACKED:
        raise FormatError(
            f"'{path}' unpacks to more than {_MAX_UNPACKED >> 30} GiB; unpack it yourself if that "
            "is what it should hold."
        )
    return _reader_for(content[:4096], path)(_Source(path, content), names)


def _damaged(path: Path, error: Exception) -> FormatError:
    return FormatError(
        f"'{path}' is cut off or damaged ({error}); copy it again or write it again."
    )


def _load_hdf5(source: _Source, names: Names) -> dict[str, Any]:
    if source.content is None:
        return load_hdf5(source.path, source.path, names)
    return load_hdf5(BytesIO(source.content), source.path, names)


def _load_matlab(source: _Source, names: Names) -> dict[str, Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    stream: Any = source.path if source.content is None else BytesIO(source.content)
    wanted = None if names is None else list(names)
    try:
        found = loadmat(stream, mat_dtype=True, variable_names=wanted)
    except (MatReadError, *_DAMAGED) as error:
        raise _damaged(source.path, error) from error
    return {
        name: _plain(value, f"'{name}' of '{source.path}'")
        for name, value in found.items()
        if not name.startswith("__")
    }


def _plain(value: Any, what: str) -> Any:
    """Turn what SciPy makes of a variable into what every reader gives."""
    if not isinstance(value, np.ndarray) or type(value).__name__ == "MatlabFunction":
        raise FormatError(
            f"{what} is {type(value).__name__}, which is not read; store it as a full array."
        )
    if value.dtype.names is not None:
        return _structure(value, what)
    if value.dtype == object:
        cells = np.empty(value.shape, object)
        for place in np.ndindex(value.shape):
            cells[place] = _plain(value[place], what)
        return cells
    if value.dtype.kind == "U":
        lines = [str(line) for line in value.reshape(-1)]
        return lines[0] if len(lines) == 1 else "\n".join(lines)
    return value


def _structure(value: np.ndarray, what: str) -> Any:
    structures = np.empty(value.shape, object)
    for place in np.ndindex(value.shape):
        entry = value[place]
        structures[place] = {name: _plain(entry[name], what) for name in value.dtype.names or ()}
    return structures.item() if structures.size == 1 else structures

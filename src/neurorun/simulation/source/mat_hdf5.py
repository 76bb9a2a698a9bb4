"""HDF5 as MATLAB (``save -v7.3``) and Octave (``save -hdf5``) lay it out.

Both store arrays with their axes reversed. MATLAB marks each data set with its class and keeps
cells as references into a group ``#refs#``; Octave makes a group of every variable, with its type
beside it.
"""

from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import FormatError, require

_NUMBERS = (
    "double",
    "single",
    "logical",
    *(f"{s}int{b}" for s in ("", "u") for b in (8, 16, 32, 64)),
)
_OCTAVE_KINDS = ("matrix", "scalar", "bool", "range")


def load_hdf5(source: Path | BytesIO, path: Path, names: Collection[str] | None) -> dict[str, Any]:
    """Read the variables of an HDF5 file of MATLAB or Octave.

    Parameters
    ----------
    source : where the bytes are
    path : what to call the file in messages
    names : read only these; all if None

    Raises
    ------
    FormatError : the file is damaged, or a variable is of a kind that is not read
    MissingExtraError : h5py is not installed
    """
    h5py = require("h5py", extra="source")
    try:
        with h5py.File(source, "r") as file:
            return {
                name: _Reader(h5py, file, f"'{name}' of '{path}'").variable(file[name])
                for name in file
                if not name.startswith("#") and (names is None or name in names)
            }
    except (OSError, RuntimeError, KeyError) as error:
        raise FormatError(
            f"'{path}' is cut off or damaged ({error}); copy it again or write it again."
        ) from error


class _Reader:
    """Turns what HDF5 holds into what MATLAB showed."""

    def __init__(self, h5py: Any, file: Any, what: str) -> None:
        self._h5py, self._file, self._what = h5py, file, what

    def variable(self, item: Any) -> Any:
        """One variable, field or cell."""
        if isinstance(item, self._h5py.Group):
            octave = "OCTAVE_NEW_FORMAT" in item.attrs or {"type", "value"} <= set(item)
            return self._octave(item) if octave else self._structure(item)
        kind = item.attrs.get("MATLAB_class", b"")
        kind = kind.decode() if isinstance(kind, bytes) else str(kind)
        if "MATLAB_sparse" in item.attrs:
            raise self._refusal("sparse")
        if "MATLAB_empty" in item.attrs:
            shape = tuple(int(n) for n in np.asarray(item))
            return self._empty(kind, shape)
        if kind == "cell" or item.dtype == self._h5py.ref_dtype:
            return self._cells(item)
        if kind == "char":
            return self._text(np.asarray(item))
        if kind and kind not in _NUMBERS:
            raise self._refusal(kind)
        return self._numbers(np.asarray(item), kind)

    def _structure(self, group: Any) -> Any:
        if "MATLAB_sparse" in group.attrs:
            raise self._refusal("sparse")
        fields = {name: self.variable(item) for name, item in group.items()}
        of_many = [i for i in group.values() if self._is_reference(i)]
        if not of_many or len(of_many) < len(fields):
            return fields
        structures = np.empty(next(iter(fields.values())).shape, object)
        for place in np.ndindex(structures.shape):
            structures[place] = {name: cells[place] for name, cells in fields.items()}
        return structures

    def _is_reference(self, item: Any) -> bool:
        is_set = isinstance(item, self._h5py.Dataset)
        return is_set and item.dtype == self._h5py.ref_dtype and "MATLAB_class" not in item.attrs

    def _cells(self, item: Any) -> np.ndarray:
        references = np.asarray(item).T
        cells = np.empty(references.shape, object)
        for place in np.ndindex(references.shape):
            cells[place] = self.variable(self._file[references[place]])
        return cells

    def _numbers(self, stored: np.ndarray, kind: str) -> np.ndarray:
        if stored.dtype.names is not None or stored.dtype.kind not in "fiub":
            raise self._refusal("complex" if stored.dtype.names else str(stored.dtype))
        values = np.ascontiguousarray(stored.T if stored.ndim > 1 else np.atleast_2d(stored))
        return values.astype(np.bool_) if kind == "logical" else values

    @staticmethod
    def _text(codes: np.ndarray) -> str:
        return "\n".join("".join(map(chr, line)) for line in np.atleast_2d(codes.T).tolist())

    @staticmethod
    def _empty(kind: str, shape: tuple[int, ...]) -> Any:
        if kind == "char":
            return ""
        dtypes = {"double": np.float64, "single": np.float32, "logical": np.bool_, "cell": object}
        return np.empty(shape, dtypes.get(kind, kind))

    def _octave(self, group: Any) -> Any:
        kind = bytes(np.asarray(group["type"]).item()).decode().rstrip("\0")
        form = kind.rpartition(" ")[2]
        if "string" in kind:
            return self._text(np.asarray(group["value"]).T)
        if form not in _OCTAVE_KINDS or form == "range" or "complex" in kind:
            raise self._refusal(kind)
        return self._numbers(np.asarray(group["value"]), "logical" if "bool" in kind else kind)

    def _refusal(self, kind: str) -> FormatError:
        return FormatError(
            f"{self._what} is of class '{kind}', which is not read; store it as a full real array."
        )

"""Write variables as MATLAB v7 or as HDF5 in the layout of MATLAB v7.3."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurorun.core import atomic_write, require

MatFormat = Literal["v7", "hdf5"]

_USER_BLOCK = b"MATLAB 7.3 MAT-file, Platform: neurorun, HDF5 schema 1.00 ."
_CLASSES = {"f8": "double", "f4": "single", "b1": "logical"}


def save_mat(path: Path, fields: Mapping[str, Any], *, mat_format: MatFormat = "v7") -> None:
    """Write arrays, whole or not at all; `load_mat` reads both formats back alike.

    Parameters
    ----------
    path : the file
    fields : arrays of numbers by name; object arrays become cells (v7 only)
    mat_format : ``v7``, or ``hdf5`` for tables above 2 GiB and for readers of v7.3

    Raises
    ------
    DataError : the file cannot be written
    MissingExtraError : ``hdf5`` needs h5py
    """
    content = _as_hdf5(fields) if mat_format == "hdf5" else _as_v7(fields)
    with atomic_write(path) as stream:
        stream.write(content)


def _as_v7(fields: Mapping[str, Any]) -> bytes:
    from scipy.io import savemat

    buffer = BytesIO()
    stream: Any = buffer
    savemat(stream, dict(fields), do_compression=True, oned_as="column")
    content = buffer.getvalue()
    header = b"MATLAB 5.0 MAT-file, written by neurorun".ljust(116)
    return header + content[116:]


def _as_hdf5(fields: Mapping[str, Any]) -> bytes:
    h5py = require("h5py", extra="source")
    buffer = BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        for name, value in fields.items():
            array = np.atleast_2d(np.asarray(value))
            kind = array.dtype.str[1:]
            stored = array.astype(np.uint8) if kind == "b1" else array
            item = file.create_dataset(
                name, data=np.ascontiguousarray(stored.T), compression="gzip", track_times=False
            )
            item.attrs["MATLAB_class"] = np.bytes_(_CLASSES.get(kind, array.dtype.name))
    content = buffer.getvalue()
    block = _USER_BLOCK.ljust(124) + b"\x00\x02IM"
    return block.ljust(512, b"\0") + content[512:]

"""NPZ files with a header: arrays, and in JSON what they are, in one file that is whole or absent.

``np.load(path, allow_pickle=False)`` opens them; the member ``header`` is JSON text.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from neurorun.core import FormatError, RunError, atomic_write, to_json
from neurorun.runs.damage import NPZ_FAULTS
from neurorun.runs.deflated_npz import deflated_npz

T = TypeVar("T")

Arrays = Mapping[str, np.ndarray]
Header = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeadedFormat:
    """One kind of such files.

    Parameters
    ----------
    name, version : as the header holds them
    item : what one file is, for messages
    """

    name: str
    version: int
    item: str


def write_headed_npz(path: Path, kind: HeadedFormat, header: Header, arrays: Arrays) -> None:
    """Write a file, compressed.

    Raises
    ------
    DataError : it cannot be written
    """
    whole = {"format": kind.name, "format_version": kind.version, **header}
    content = deflated_npz({"header": np.array(to_json(whole)), **arrays})
    with atomic_write(path) as stream:
        stream.write(content)


def read_headed_npz(path: Path, kind: HeadedFormat, make: Callable[[Header, Arrays], T]) -> T:
    """Read a file.

    Parameters
    ----------
    make : of header and arrays, what the file holds

    Raises
    ------
    FormatError : it is damaged, or of a version that we do not know
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
        header = json.loads(str(arrays["header"]))
        found = (header["format"], header["format_version"])
        if found != (kind.name, kind.version):
            raise FormatError(
                f"'{path}' has the format and version {found}; this neurorun reads "
                f"{(kind.name, kind.version)}. Update neurorun."
            )
        return make(header, arrays)
    except (*NPZ_FAULTS, RunError) as error:
        raise FormatError(
            f"'{path}' is not a readable {kind.item} ({error}); restore it, or evaluate the run "
            "again."
        ) from error

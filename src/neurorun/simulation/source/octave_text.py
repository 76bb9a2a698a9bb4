"""The text format of GNU Octave (``save -text``)."""

import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import FormatError

_DTYPES: dict[str, type] = {
    "": np.float64,
    "float": np.float32,
    "bool": np.bool_,
    **{
        f"{sign}int{bits}": getattr(np, f"{sign}int{bits}")
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}
_TEXTS = ("string", "sq_string")
_HEADER = b"# "


def load_octave_text(content: bytes, path: Path, names: Collection[str] | None) -> dict[str, Any]:
    """Read the variables of a text file of Octave.

    Parameters
    ----------
    content : the whole file
    path : what to call it in messages
    names : read only these; all if None

    Raises
    ------
    FormatError : values are missing, or a variable is complex, a cell, a structure or a range
    """
    found: dict[str, Any] = {}
    content = content.replace(b"\r\n", b"\n")
    for name, body in _variables(content):
        if names is None or name in names:
            found[name] = _Variable(name, body, path).value()
    if not found and names is None:
        raise FormatError(f"'{path}' holds no variable; write it again with save -text.")
    return found


def _variables(content: bytes) -> Iterator[tuple[str, bytes]]:
    marker = b"\n# name: "
    place = (b"\n" + content).find(marker)
    while place >= 0:
        line_end = content.find(b"\n", place + len(marker) - 1)
        line_end = len(content) if line_end < 0 else line_end
        name = content[place + len(marker) - 1 : line_end].decode("utf-8", "replace").strip()
        following = content.find(marker, line_end)
        yield name, content[line_end + 1 : len(content) if following < 0 else following]
        place = -1 if following < 0 else following + 1


class _Variable:
    """One variable: its header lines, then its values."""

    def __init__(self, name: str, body: bytes, path: Path) -> None:
        self._what = f"'{name}' of '{path}'"
        self._header: dict[str, str] = {}
        while body.startswith(_HEADER):
            line, _, body = body.partition(b"\n")
            key, _, text = line[len(_HEADER) :].decode("utf-8", "replace").partition(":")
            self._header[key] = text.strip()
        self._body = body

    def value(self) -> Any:
        """Array with at least two axes, or text."""
        kind = self._header.get("type", "")
        if kind in _TEXTS:
            return self._text()
        element, _, form = f" {kind}".rpartition(" ")
        element = element.strip()
        if kind == "bool":
            element, form = "bool", "scalar"
        if form not in ("matrix", "scalar") or element not in _DTYPES:
            raise FormatError(
                f"{self._what} is of type '{kind}'; real numbers, logicals and text are read. "
                "Store it as a plain matrix, or write the file with save -v7."
            )
        shape = (1, 1) if form == "scalar" else self._shape()
        return self._values(shape, _DTYPES[element])

    def _shape(self) -> tuple[int, ...]:
        try:
            if "ndims" not in self._header:
                return int(self._header["rows"]), int(self._header["columns"])
            line, _, self._body = self._body.partition(b"\n")
            shape = tuple(int(word) for word in line.split())
        except (KeyError, ValueError) as error:
            raise FormatError(f"{self._what} does not state its size; write it again.") from error
        if len(shape) != int(self._header["ndims"]):
            raise FormatError(
                f"{self._what} states {self._header['ndims']} axes and the sizes {shape}; write it "
                "again."
            )
        return shape

    def _values(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """Parse numbers; matrices with ``rows`` go by rows, those with ``ndims`` by columns."""
        if issubclass(dtype, np.int64 | np.uint64):
            values = np.array(self._body.split(), dtype=object).astype(dtype)
        else:
            values = self._floats().astype(dtype)
        if values.size != int(np.prod(shape)):
            raise FormatError(
                f"{self._what} holds {values.size} values, its size {' x '.join(map(str, shape))} "
                "asks for another number; the file is cut off or damaged. Copy it again."
            )
        by_columns = "ndims" in self._header
        return np.ascontiguousarray(values.reshape(shape, order="F" if by_columns else "C"))

    def _floats(self) -> np.ndarray:
        body = self._body.replace(b"NA", b"NaN") if b"NA" in self._body else self._body
        if not body.strip():
            return np.empty(0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return np.fromstring(body.decode("ascii"), dtype=np.float64, sep=" ")
            except (DeprecationWarning, ValueError) as error:
                raise FormatError(
                    f"{self._what} holds something else than real numbers ({error}); complex and "
                    "damaged values are not read."
                ) from error

    def _text(self) -> str:
        lines = [
            line.decode("utf-8", "replace")
            for line in self._body.splitlines()
            if not line.startswith(b"# length")
        ]
        return "\n".join(lines[: int(self._header.get("elements", 1))])

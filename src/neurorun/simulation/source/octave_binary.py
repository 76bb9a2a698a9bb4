"""The binary format of GNU Octave (``save -binary``)."""

import struct
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import FormatError

_MAGIC_LENGTH = 10
_NAMED_TYPE = 255
_STORED = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8", "u8", "i8")
_KINDS = {
    "matrix": "f8",
    "float matrix": "f4",
    "scalar": "f8",
    "float scalar": "f4",
    "bool": "f8",
    **{
        f"{sign}int{bits} {form}": f"{'u' if sign else 'i'}{bits // 8}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
        for form in ("matrix", "scalar")
    },
}


def load_octave_binary(content: bytes, path: Path, names: Collection[str] | None) -> dict[str, Any]:
    """Read the variables of a binary file of Octave.

    Parameters
    ----------
    content : the whole file
    path : what to call it in messages
    names : keep only these; all if None

    Raises
    ------
    FormatError : the file is cut off, or a variable is of a kind that is not read
    """
    try:
        found = _Bytes(content, path).variables()
    except (struct.error, ValueError) as error:
        raise FormatError(
            f"'{path}' is cut off or damaged ({error}); copy it again or write it again."
        ) from error
    return {name: value for name, value in found.items() if names is None or name in names}


class _Bytes:
    """Reads one thing after the other."""

    def __init__(self, content: bytes, path: Path) -> None:
        self._content, self._path = content, path
        self._order = "<" if content[_MAGIC_LENGTH - 1 : _MAGIC_LENGTH] == b"L" else ">"
        self._at = _MAGIC_LENGTH + 1

    def variables(self) -> dict[str, np.ndarray]:
        found = {}
        while self._at < len(self._content):
            name = self._text()
            self._text()
            self._byte()
            kind = self._text() if self._byte() == _NAMED_TYPE else "of an old kind"
            if kind not in _KINDS:
                raise FormatError(
                    f"'{name}' of '{self._path}' is of type '{kind}'; plain real matrices are "
                    "read. Write the file with save -v7."
                )
            found[name] = self._value(kind)
        return found

    def _value(self, kind: str) -> np.ndarray:
        wanted = _KINDS[kind]
        shape = self._shape() if kind.endswith("matrix") else (1, 1)
        stored = wanted if "int" in kind else _STORED[self._byte()]
        values = np.frombuffer(
            self._take(int(np.prod(shape)) * int(stored[1])), self._order + stored
        )
        return np.ascontiguousarray(values.reshape(shape, order="F").astype(wanted))

    def _shape(self) -> tuple[int, ...]:
        """Sizes of axes: their number comes negated; an old file gives rows and columns."""
        first = self._number()
        if first >= 0:
            return first, self._number()
        return tuple(self._number() for _ in range(-first))

    def _take(self, n: int) -> bytes:
        piece = self._content[self._at : self._at + n]
        if n < 0 or len(piece) < n:
            raise ValueError(f"{n} bytes are announced, {len(piece)} are there")
        self._at += n
        return piece

    def _byte(self) -> int:
        return self._take(1)[0]

    def _number(self) -> int:
        return int(struct.unpack(f"{self._order}i", self._take(4))[0])

    def _text(self) -> str:
        return self._take(self._number()).decode("utf-8", "replace")

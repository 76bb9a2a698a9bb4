"""NPZ files whose arrays can be mapped in place.

A plain NPZ: uncompressed, opened by ``np.load(path, allow_pickle=False)``. Two things are added
that NumPy's own writer leaves out: the data of every array begin at a multiple of 64 bytes (the zip
entry is padded by an extra field, as Android packages do), and times are fixed, so that the same
arrays give the same bytes. Arrays may be written piece by piece, never whole in memory.
"""

import mmap
import os
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from neurorun.core import DataError, FormatError

ALIGNMENT = 64
_MAX_MAPPED_FILES = 128
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ZIP64_FIELD = 20
_PADDING_FIELD = 0xD935
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Member:
    """Where the data of one array lie in an NPZ file.

    Parameters
    ----------
    offset : bytes from the start of the file to the first element
    shape, dtype : of the array, rows first
    """

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


class AlignedNpzWriter:
    """Writes arrays one after the other into an open, seekable file."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True)

    def close(self) -> None:
        """Write the directory of the archive; the file stays open."""
        self._zip.close()

    def add(self, name: str, array: np.ndarray) -> None:
        """Write one array."""
        array = np.ascontiguousarray(array).reshape(array.shape)
        self.add_pieces(name, [array], shape=array.shape, dtype=array.dtype)

    def add_pieces(
        self,
        name: str,
        pieces: Iterable[np.ndarray],
        *,
        shape: tuple[int, ...],
        dtype: np.dtype[np.generic],
    ) -> None:
        """Write one array of known shape from contiguous pieces, in the order of its elements."""
        entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
        entry.create_system = 3
        entry.external_attr = 0o644 << 16
        entry.extra = _padding(self._stream.tell(), len(entry.filename))
        header = BytesIO()
        np.lib.format.write_array_header_1_0(
            header,
            {
                "descr": np.lib.format.dtype_to_descr(dtype),
                "fortran_order": False,
                "shape": shape,
            },
        )
        n_bytes = 0
        with self._zip.open(entry, "w", force_zip64=True) as member:
            member.write(header.getvalue())
            for piece in pieces:
                n_bytes += member.write(piece.reshape(-1).data.cast("B"))
        expected = int(np.prod(shape)) * dtype.itemsize
        assert n_bytes == expected, f"{name}: {n_bytes} bytes written, {expected} announced"


def _padding(position: int, name_length: int) -> bytes:
    """Extra field that brings the data of an entry at ``position`` to a multiple of 64 bytes.

    The header of the array itself is padded to 64 bytes by NumPy.
    """
    start = position + _LOCAL_HEADER.size + name_length + _ZIP64_FIELD + 4
    n_padding = -start % ALIGNMENT
    return struct.pack("<HH", _PADDING_FIELD, n_padding) + bytes(n_padding)


def locate_members(path: Path) -> dict[str, Member]:
    """Find every array of an NPZ file without reading its data.

    Raises
    ------
    FormatError : the file is no NPZ, is cut off, or holds compressed arrays
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
            entries = archive.infolist()
            size = path.stat().st_size
            return {e.filename.removesuffix(".npy"): _locate(stream, e, size) for e in entries}
    except (zipfile.BadZipFile, ValueError, EOFError, struct.error) as error:
        raise FormatError(
            f"'{path}' is not a whole NPZ file ({error}); delete it and build the cache again."
        ) from error


def _locate(stream: IO[bytes], entry: zipfile.ZipInfo, file_size: int) -> Member:
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"'{entry.filename}' is compressed and cannot be mapped")
    stream.seek(entry.header_offset)
    *_, name_length, extra_length = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    stream.seek(name_length + extra_length, 1)
    major, _ = np.lib.format.read_magic(stream)
    if major != 1:
        raise ValueError(f"'{entry.filename}' has an array header of version {major}")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if fortran_order or dtype.hasobject:
        raise ValueError(f"'{entry.filename}' is no plain array in row order")
    offset = stream.tell()
    if offset + int(np.prod(shape)) * dtype.itemsize > file_size:
        raise ValueError(f"'{entry.filename}' is cut off")
    return Member(offset, shape, dtype)


def read_member(path: Path, member: Member) -> np.ndarray:
    """Read one small array into memory."""
    with path.open("rb") as stream:
        stream.seek(member.offset)
        count = int(np.prod(member.shape))
        data = stream.read(count * member.dtype.itemsize)
    return np.frombuffer(data, member.dtype, count).reshape(member.shape)


FileState = tuple[int, int, int]
"""What tells whether a file was replaced: its inode, its size, when it was written."""


def state_of(path: Path) -> FileState:
    """State of a file now."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@dataclass(frozen=True, eq=False, slots=True)
class MappedArray:
    """An array in a file, mapped read-only.

    Parameters
    ----------
    array : its elements, read from the disk when they are looked at
    file : the mapped file
    offset : bytes from the start of the file to the first element
    """

    array: np.ndarray
    file: mmap.mmap
    offset: int

    def announce(self, first: int, stop: int) -> None:
        """Say that these columns of all rows are about to be read.

        The disk then fetches them together instead of page by page, which is about ten times
        faster where they are not in memory yet, and costs some microseconds where they are.
        """
        n_rows, n_columns = self.array.shape
        itemsize, madvise = self.array.itemsize, self.file.madvise
        n_bytes = (stop - first) * itemsize
        begin = self.offset + first * itemsize
        for row_begin in range(begin, begin + n_rows * n_columns * itemsize, n_columns * itemsize):
            page = row_begin & -mmap.PAGESIZE
            madvise(mmap.MADV_WILLNEED, page, row_begin - page + n_bytes)


@lru_cache(maxsize=_MAX_MAPPED_FILES)
def map_member(path: Path, member: Member, state: FileState) -> MappedArray:
    """Map one array read-only.

    The most recent files stay mapped; as each holds a file descriptor, and a process may have few
    of them, older ones are closed and mapped again when needed (some microseconds).

    Raises
    ------
    DataError : the file is gone, or is not in the state that it was located in
    """
    return map_once(path, member, state)


def map_once(path: Path, member: Member, state: FileState) -> MappedArray:
    """Map one array read-only, for as long as it is held.

    Raises
    ------
    DataError : the file is gone, or is not in the state that it was located in
    """
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise DataError(f"'{path}' was deleted while it was read; start again.") from error
    if (status.st_ino, status.st_size, status.st_mtime_ns) != state:
        raise DataError(
            f"'{path}' was written again while it was read; windows of two builds must not be "
            "mixed. Start again."
        )
    count = int(np.prod(member.shape))
    array = np.frombuffer(mapped, member.dtype, count, member.offset).reshape(member.shape)
    return MappedArray(array, mapped, member.offset)

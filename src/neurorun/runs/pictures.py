"""``pictures/``: named PNG pictures of a task, with captions in ``pictures/manifest.json``."""

import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from neurorun.core import FormatError, RunError, atomic_write
from neurorun.runs.by_name import ByName, required_caption, write_listed
from neurorun.runs.document import read_document
from neurorun.runs.names import file_stem

PICTURES = "pictures"
PICTURES_MANIFEST = f"{PICTURES}/manifest.json"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK_FRAME = 12  # length, type and checksum around the content of a chunk


class Picture(NamedTuple):
    """A picture and the sentence that says what it shows.

    Parameters
    ----------
    png : the bytes of the file
    """

    caption: str
    png: bytes


@dataclass(frozen=True, slots=True)
class PictureEntry:
    """What the manifest holds about one picture."""

    caption: str


def picture_path(name: str) -> str:
    """Path of a picture, relative to the run folder.

    >>> picture_path("overlay 3")
    'pictures/overlay 3.png'
    """
    return f"{PICTURES}/{file_stem(name)}.png"


def fault_of_png(png: bytes) -> str | None:
    """Say what is wrong with the bytes of a PNG file; None if they are whole.

    Every chunk is held against its checksum; the picture is not decoded.

    References
    ----------
    .. [1] W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", section 5.

    Examples
    --------
    >>> fault_of_png(b"GIF89a")
    'it does not begin as a PNG file'
    """
    if not png.startswith(_SIGNATURE):
        return "it does not begin as a PNG file"
    place, kinds = len(_SIGNATURE), []
    while place + _CHUNK_FRAME <= len(png):
        length = int.from_bytes(png[place : place + 4])
        end = place + _CHUNK_FRAME + length
        checked, told = png[place + 4 : end - 4], png[end - 4 : end]
        if end > len(png) or zlib.crc32(checked).to_bytes(4) != told:
            return f"it is damaged from byte {place} on"
        kinds.append(checked[:4])
        place = end
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or place != len(png):
        return "it is cut short"
    return None


def write_picture(folder: Path, name: str, png: bytes, *, caption: str) -> None:
    """Write a picture, or replace one; a crash leaves all listed pictures whole.

    Raises
    ------
    RunError : the bytes are no PNG file, or there is no caption
    DataError : the folder cannot be written
    """
    required_caption(caption, of=f"Picture '{name}'")
    fault = fault_of_png(png)
    if fault:
        raise RunError(
            f"Picture '{name}' of {len(png)} bytes is no PNG file ({fault}); give the bytes of a "
            "whole one."
        )
    path = folder / picture_path(name)

    def write() -> PictureEntry:
        with atomic_write(path) as stream:
            stream.write(png)
        return PictureEntry(caption)

    write_listed(folder / PICTURES_MANIFEST, read_pictures_manifest(folder), name, write=write)


def read_pictures_manifest(folder: Path) -> dict[str, PictureEntry]:
    """Read captions by name; empty if the run has no pictures.

    Raises
    ------
    FormatError : damaged
    """
    path = folder / PICTURES_MANIFEST
    if not path.exists():
        return {}
    return read_document(path, TypeAdapter(dict[str, PictureEntry]).validate_json)


def read_picture(folder: Path, name: str, entry: PictureEntry) -> Picture:
    """Read one picture.

    Raises
    ------
    FormatError : it is absent or damaged
    """
    path = folder / picture_path(name)
    if not path.is_file():
        raise FormatError(f"'{path}' is listed but missing; restore it or write it again.")
    png = path.read_bytes()
    fault = fault_of_png(png)
    if fault:
        raise FormatError(f"'{path}' is no readable PNG file: {fault}; restore it.")
    return Picture(entry.caption, png)


def pictures_of(folder: Path) -> ByName[Picture]:
    """Pictures of a run by name, each read when it is asked for."""
    listed = read_pictures_manifest(folder).items()
    readers = {name: partial(read_picture, folder, name, entry) for name, entry in listed}
    return ByName(folder / PICTURES, readers)

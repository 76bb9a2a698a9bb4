"""Folders in object storage, named by URLs such as ``s3://bucket/cache/train``.

An object store holds whole objects: one appears when it is complete, and a new one takes the place
of the old at once. What cannot be had of it are locks, parts that are written again, and maps into
memory; so a cache is worked on in a local copy (`cache_mirror`).
"""

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from neurorun.core import ConfigError, DataError, MissingExtraError, require

_URL = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}([^/].*)", re.IGNORECASE)
_LOCAL_URL = re.compile(r"(?:file|local):(?://)?(?=/)", re.IGNORECASE)
_PIECE = 1 << 24


@dataclass(frozen=True, slots=True)
class ObjectUrl:
    """A folder in object storage.

    Parameters
    ----------
    scheme : names the kind of storage: ``s3``, ``gs``, ``az`` ...
    path : bucket and key, without slashes at its ends

    Examples
    --------
    >>> str(ObjectUrl("s3", "bucket/cache") / "train")
    's3://bucket/cache/train'
    """

    scheme: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    def __truediv__(self, name: str) -> "ObjectUrl":
        return ObjectUrl(self.scheme, f"{self.path}/{name}")

    @property
    def name(self) -> str:
        """Last part of the path."""
        return PurePosixPath(self.path).name

    @property
    def parent(self) -> "ObjectUrl":
        """The folder in which this one lies.

        Raises
        ------
        ConfigError : it is a whole bucket
        """
        before, slash, _ = self.path.rpartition("/")
        if not slash:
            raise ConfigError(
                f"'{self}' is a whole bucket; a folder in it is needed, such as '{self}/cache'."
            )
        return ObjectUrl(self.scheme, before)


Place = Path | ObjectUrl
"""Where a cache lies: a folder of this machine, or one in object storage."""


def place_of(place: Place | str) -> Place:
    """Tell folders from URLs.

    ``file://`` is a folder. A `pathlib.Path` that was made of a URL has lost a slash, and is taken
    as what was meant.

    Raises
    ------
    ConfigError : a URL names no bucket, or climbs with ``..``

    Examples
    --------
    >>> place_of("cache/tusz"), str(place_of(Path("s3://bucket/cache/")))
    (PosixPath('cache/tusz'), 's3://bucket/cache')
    """
    if isinstance(place, ObjectUrl):
        return place
    text = str(place)
    local = _LOCAL_URL.match(text)
    if local is not None:
        return Path(text[local.end() :])
    match = _URL.fullmatch(text)
    if match is None:
        if "://" in text:
            raise ConfigError(f"'{text}' names no bucket; write, for example, s3://bucket/cache.")
        return Path(text)
    path = match[2].rstrip("/")
    if ".." in path.split("/"):
        raise ConfigError(f"'{text}' climbs with '..'; write the whole path of the folder.")
    return ObjectUrl(match[1].lower(), path)


CacheDir = Annotated[
    Place,
    BeforeValidator(lambda value: place_of(value) if isinstance(value, str | Path) else value),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "path"}),
]
"""Type of a setting that holds a folder or a URL."""


class ObjectStorage:
    """Reads and writes the objects of one folder.

    Parameters
    ----------
    url : the folder

    Raises
    ------
    MissingExtraError : the library for this kind of storage is not installed
    DataError : there is no such kind of storage
    """

    def __init__(self, url: ObjectUrl) -> None:
        self._url = url
        fsspec = require("fsspec", extra="cloud")
        try:
            self._files, self._root = fsspec.core.url_to_fs(str(url))
        except ImportError as error:
            raise MissingExtraError(
                f"'{url}' needs a library that is not installed ({error}). Install the one for S3 "
                'with: pip install "neurorun[cloud]"'
            ) from error
        except ValueError as error:
            raise DataError(
                f"'{url}' is of no known kind of storage ({error}); s3:// is one."
            ) from error

    def read(self, name: str) -> bytes | None:
        """Content of a small object; None if there is none."""
        with _faults_told(self._url):
            try:
                return bytes(self._files.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def pieces(self, name: str) -> Iterator[bytes]:
        """Content of an object, 16 MB at a time."""
        with (
            _faults_told(self._url),
            self._files.open(self._path(name), "rb", block_size=_PIECE) as stream,
        ):
            while piece := stream.read(_PIECE):
                yield piece

    def write(self, name: str, content: bytes) -> None:
        """Put a small object in place, whole."""
        with _faults_told(self._url):
            self._files.pipe_file(self._path(name), content)

    def upload(self, path: Path, name: str) -> None:
        """Put the content of a file in place, whole."""
        with _faults_told(self._url):
            self._files.put_file(str(path), self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


@contextmanager
def _faults_told(url: ObjectUrl) -> Iterator[None]:
    try:
        yield
    except _fault_types() as error:
        raise DataError(
            f"'{url}' cannot be reached, read or written ({type(error).__name__}: {error}). Check "
            "its address, the connection and the credentials; for S3 these are AWS_ENDPOINT_URL, "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile."
        ) from error


def _fault_types() -> tuple[type[BaseException], ...]:
    """What storage libraries raise when the storage, not the program, is at fault."""
    found: tuple[type[BaseException], ...] = (OSError,)
    if importlib.util.find_spec("botocore") is not None:
        exceptions: Any = require("botocore.exceptions", extra="cloud")
        found = (*found, exceptions.BotoCoreError, exceptions.ClientError)
    return found

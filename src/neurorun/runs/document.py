"""Typed JSON documents: a dataclass on one side, a file on the other."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ValidationError

from neurorun.core import FormatError, read_json, to_json, write_json

T = TypeVar("T")


def _nan_for_null(value: Any) -> Any:
    return float("nan") if value is None else value


Measured = Annotated[float, BeforeValidator(_nan_for_null)]
"""A number that may be undefined: NaN in memory, ``null`` in the file."""


def write_document(path: Path, value: Any) -> None:
    """Write a dataclass, or a list or dict of them, as JSON: whole or not at all."""
    write_json(path, as_plain(value))


def read_document(path: Path, decode: Callable[..., T]) -> T:
    """Read what `write_document` wrote; keys that we do not know are ignored.

    Parameters
    ----------
    decode : ``TypeAdapter(kind).validate_json``, the kind being a dataclass, or a tuple or dict
        of them

    Raises
    ------
    DataError : the file is absent or not JSON
    FormatError : a key is missing or a value has the wrong type
    """
    return parse(read_json(path), decode, source=f"'{path}'")


def parse(value: Any, decode: Callable[..., T], *, source: str) -> T:
    """Check decoded JSON against a dataclass and build it.

    Raises
    ------
    FormatError : the message names the source and the place of the first fault
    """
    try:
        return decode(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise FormatError(
            f"{source} is not as it was written, at {place}: {first['msg'].lower()}; restore the "
            "file or write it again."
        ) from error


def as_plain(value: Any) -> Any:
    """Dataclasses as dicts, all the way down."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, dict):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    return value


def as_line(value: dict[str, Any]) -> bytes:
    """One JSON object as one line, undefined numbers as ``null``."""
    return to_json(value).encode("utf-8") + b"\n"

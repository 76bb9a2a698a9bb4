"""Whatever people hand over, as plain numbers and plain settings that every file format holds.

Checked as a whole before anything is written, so that no folder is left half made.
"""

import dataclasses
import logging
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any

from neurorun.core import RunError

logger = logging.getLogger(__name__)


def plain_number(value: Any, *, name: str) -> float:
    """Turn a number of Python, NumPy, PyTorch or JAX into a float; None is "not measured", NaN.

    Parameters
    ----------
    name : what the number is, for the message

    Raises
    ------
    RunError : not a single number

    Examples
    --------
    >>> plain_number(3, name="epochs")
    3.0
    """
    if value is None:
        return float("nan")
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        return float(value)
    if hasattr(value, "item") and getattr(value, "size", None) is not None:
        return plain_number(_single(value, name=name), name=name)
    raise RunError(
        f"{name} is {value!r} of type {type(value).__name__}; a single number, or None where "
        "nothing was measured, is allowed. Convert it with float(...)."
    )


def measured_number(value: Any, *, name: str) -> float:
    """Turn a number into a float as `plain_number` does; an infinite one is told and undefined.

    >>> measured_number(float("inf"), name="val_loss")
    nan
    """
    number = plain_number(value, name=name)
    if math.isinf(number):
        logger.warning("%s is %s; files hold it as undefined.", name, number)
        return math.nan
    return number


def _single(value: Any, *, name: str) -> Any:
    try:
        return value.item()
    except (ValueError, RuntimeError) as error:
        raise RunError(
            f"{name} holds an array of shape {tuple(value.shape)}; a single number is allowed. "
            "Reduce it first, for example with .mean()."
        ) from error


def plain_settings(config: Any) -> dict[str, Any]:
    """Copy a configuration into nested dicts, lists, text, numbers, booleans and None.

    Mappings (OmegaConf's too), dataclasses, pydantic models and namespaces become dicts; paths,
    dates and enumerations become their text or value; one-number arrays become numbers.

    Raises
    ------
    RunError : a value has no plain form; the message names its dotted key

    Examples
    --------
    >>> plain_settings({"data": {"dir": PurePath("cache")}, "rates": (10, 2.5)})
    {'data': {'dir': 'cache'}, 'rates': [10, 2.5]}
    """
    plain = _plain(config, "")
    if not isinstance(plain, dict):
        raise RunError(
            f"The configuration is a {type(config).__name__}; a mapping, dataclass, pydantic model "
            "or namespace is allowed. Wrap its values in a dict."
        )
    return plain


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, Enum):
        value = value.value
    fields = _fields(value)
    if fields is not None:
        return {str(name): _plain(item, _dotted(key, name)) for name, item in fields.items()}
    items = _items(value)
    if items is not None:
        return [_plain(item, f"{key}[{index}]") for index, item in enumerate(items)]
    return _scalar(value, key)


def _items(value: Any) -> Iterable[Any] | None:
    if isinstance(value, AbstractSet):
        return sorted(value, key=repr)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return value
    return None


def _scalar(value: Any, key: str) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return _bare(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if callable(getattr(value, "tolist", None)):  # NumPy, PyTorch, JAX
        return _plain(value.tolist(), key)
    raise RunError(
        f"Setting '{key}' is {value!r} of type {type(value).__name__}; numbers, text, booleans, "
        "None, paths, dates, and lists or mappings of them are allowed. Give its plain value."
    )


def _bare(value: str | bool | float | None) -> str | bool | float | None:
    """Strip subclasses (``np.float64``, ``StrEnum``), which YAML would write with their type."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return None


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(getattr(value, "model_dump", None)):
        dumped: Mapping[Any, Any] = value.model_dump()
        return dumped
    if isinstance(value, SimpleNamespace) or type(value).__name__ == "Namespace":
        named: Mapping[str, Any] = vars(value)
        return named
    return None


def _dotted(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def look_up(settings: Mapping[str, Any], *keys: str) -> Any:
    """First value, not None, under any of several dotted keys; None if there is none.

    >>> look_up({"data": {"root_dir": "x"}}, "data.dataset_path", "data.root_dir")
    'x'
    """
    for key in keys:
        value: Any = settings
        for part in key.split("."):
            value = value[part] if isinstance(value, Mapping) and part in value else None
        if value is not None:
            return value
    return None

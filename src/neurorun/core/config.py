"""The base of every configuration section, and the strict reader of configuration files.

Each section is defined beside the code that it configures and documented field by field; the
docstring below a field becomes its description in the JSON Schema.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from neurorun.core.errors import ConfigError


class Config(BaseModel):
    """Frozen settings that refuse unknown keys and non-finite numbers.

    >>> class WindowConfig(Config):
    ...     duration_s: float = 60.0
    >>> WindowConfig(duration_s=10).duration_s
    10.0
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=True,
    )


ConfigT = TypeVar("ConfigT", bound=Config)


class _StrictLoader(yaml.SafeLoader):
    """YAML without its two traps: ``1e-4`` is a number, and a key may stand only once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a dictionary, refusing a key that stands twice."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise ConfigError(
                    f"line {key_node.start_mark.line + 1}: key '{key}' stands twice; keep one."
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def parse_yaml(text: str) -> Any:
    """Parse YAML in which ``1e-4`` is a number and a repeated key is an error.

    Raises
    ------
    ConfigError : the text is not YAML, or a key stands twice

    Examples
    --------
    >>> parse_yaml("learning_rate: 1e-4")
    {'learning_rate': 0.0001}
    """
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader, only stricter
    except yaml.YAMLError as error:
        raise ConfigError(f"not readable as YAML: {_yaml_fault(error)}") from error


def _yaml_fault(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark else problem


def read_settings(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a configuration file as a dictionary and apply ``section.key=value`` overrides.

    Raises
    ------
    ConfigError : the file is absent, empty or not a mapping, or an override is malformed
    """
    try:
        settings = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"Configuration '{path}' does not exist; the project's own are in configs/."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Configuration '{path}' cannot be read: {error}.") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(
            f"Configuration '{path}' holds {type(settings).__name__}, not sections with keys; "
            "start from configs/local.yaml."
        )
    override_settings(settings, overrides)
    return settings


def override_settings(settings: dict[str, Any], overrides: Sequence[str]) -> None:
    """Apply ``section.key=value`` to settings, in place; values are parsed as YAML.

    Raises
    ------
    ConfigError : an override is malformed, or goes through a value

    Examples
    --------
    >>> settings = {"training": {"epochs": 2}}
    >>> override_settings(settings, ["training.epochs=3"])
    >>> settings
    {'training': {'epochs': 3}}
    """
    for override in overrides:
        _override(settings, override)


def _override(settings: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(
            f"--set {override}: a key and a value are needed, for example training.epochs=3."
        )
    *sections, last = key.strip().split(".")
    place = settings
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise ConfigError(f"--set {override}: '{section}' is a value, not a section.")
    place[last] = parse_yaml(value)


def validate_settings(settings: Mapping[str, Any], model: type[ConfigT], *, source: str) -> ConfigT:
    """Turn a dictionary into checked settings, naming every fault in words.

    Parameters
    ----------
    settings : sections with their keys
    model : the configuration class
    source : what to call the origin in messages, usually the file

    Raises
    ------
    ConfigError : a key is unknown (the nearest known one is named), missing, of a wrong type or
        out of range; all faults are listed, one a line
    """
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        faults = [_describe(fault, model) for fault in error.errors()]
        raise ConfigError("\n".join(f"{source}: {fault}" for fault in faults)) from error


def _describe(fault: Any, model: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _fields_at(model, fault["loc"][:-1])
        return f"'{place}' is not a known key. {nearest_of(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"'{place}' is missing; it has no default, so write it."
    if fault["type"] == "value_error":
        return f"{place}: {fault['ctx']['error']}" if place else str(fault["ctx"]["error"])
    return f"'{place}' is {fault['input']!r}; {_lower_first(fault['msg'])}."


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _fields_at(model: type[BaseModel], place: Sequence[Any]) -> list[str]:
    """Names of the fields of the section at a place, following nested sections."""
    for part in place:
        field = model.model_fields.get(str(part))
        inner = field.annotation if field else None
        candidates = [inner, *getattr(inner, "__args__", ())]
        sections = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not sections:
            return []
        model = sections[0]
    return list(model.model_fields)


def nearest_of(name: str, known: Iterable[str]) -> str:
    """Sentence that names the nearest known name, or all of them.

    >>> nearest_of("learning_rte", ["learning_rate", "epochs"])
    "Did you mean 'learning_rate'? Known: epochs, learning_rate."
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    guess = f"Did you mean '{close[0]}'? " if close else ""
    return f"{guess}Known: {', '.join(names)}."

"""``config.yaml``: every setting of the run, fully resolved, in plain types."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neurorun.core import FormatError, RunError, write_text
from neurorun.runs.plain import look_up

CONFIG = "config.yaml"


@dataclass(frozen=True, slots=True)
class Headline:
    """The few settings by which a run is told from others; None where the settings lack one.

    Parameters
    ----------
    model_type : dotted class path or name
    dataset : path or name, as text
    training_epochs : planned, not run
    """

    experiment_name: str | None
    project_name: str | None
    model_type: str | None
    dataset: str | None
    training_epochs: int | None
    batch_size: int | None
    learning_rate: float | None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Headline":
        """Pick them out of the settings, under the names that earlier configurations use.

        Raises
        ------
        RunError : a number is written as text, as PyYAML reads ``1e-4``
        """
        found = {field: look_up(settings, *keys) for field, keys in HEADLINE_KEYS.items()}
        return cls(
            experiment_name=_text(found["experiment_name"]),
            project_name=_text(found["project_name"]),
            model_type=_text(found["model_type"]),
            dataset=_text(found["dataset"]),
            training_epochs=_whole("training_epochs", found["training_epochs"]),
            batch_size=_whole("batch_size", found["batch_size"]),
            learning_rate=_number("learning_rate", found["learning_rate"]),
        )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(field: str, value: Any) -> int | None:
    number = _number(field, value)
    if number is not None and not number.is_integer():
        raise _not_a_number(field, value, "a whole number")
    return None if number is None else int(number)


def _number(field: str, value: Any) -> float | None:
    """One number; None also for a table of numbers, such as one rate per group of weights."""
    if value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_a_number(field, value, "a number")
    return float(value)


def _not_a_number(field: str, value: Any, allowed: str) -> RunError:
    return RunError(
        f"Setting {HEADLINE_KEYS[field][0]} is {value!r}; {allowed} is needed. Correct it; in "
        "YAML write 1.0e-4, because 1e-4 is text there."
    )


HEADLINE_KEYS = {
    "experiment_name": ("experiment.name",),
    "project_name": ("project_name",),
    "model_type": ("model._target_", "model.name", "task"),
    "dataset": (
        "data.dataset_path",
        "data.data_root",
        "data.root_dir",
        "data.data_dir",
        "data.dataset",
    ),
    "training_epochs": ("training.epochs",),
    "batch_size": ("training.batch_size", "data.batch_size"),
    "learning_rate": ("training.learning_rate",),
}
"""Where each is looked for, in this order."""


def write_config(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write plain settings (see `plain_settings`) in the order they have."""
    write_text(folder / CONFIG, to_yaml(settings))


def read_config(folder: Path) -> dict[str, Any]:
    """Read the settings; nothing in the file can run code.

    Raises
    ------
    FormatError : the file is absent, not YAML, or not a mapping
    """
    return read_yaml(folder / CONFIG)


def to_yaml(value: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """Encode plain values as block YAML, letters of every script as they are."""
    for readable in (True, False):  # PyYAML loses some rare separators unless it escapes all
        text: str = yaml.safe_dump(
            dict(value), allow_unicode=readable, sort_keys=sort_keys, width=100
        )
        if yaml.safe_load(text) == value:
            break
    return text


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping of plain values.

    Raises
    ------
    FormatError : the file is absent, not YAML, or not a mapping
    """
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise FormatError(
            f"'{path}' cannot be read as YAML ({reason}); restore the file."
        ) from error
    if not isinstance(value, dict):
        raise FormatError(
            f"'{path}' holds a {type(value).__name__}; a mapping of settings is needed. "
            "Restore the file."
        )
    return value

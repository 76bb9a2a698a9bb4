"""What every task tells of a model that it scored on one split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, get_args, runtime_checkable

from neurorun.core import ConfigError
from neurorun.data import SplitName
from neurorun.runs import Cell, RunWriter


@dataclass(frozen=True, slots=True)
class OtherData:
    """Data that a run was not made of, to be scored with its model.

    Parameters
    ----------
    place : folder or file
    name : under which the run keeps what comes of them; never that of a split
    """

    place: Path
    name: str

    @classmethod
    def at(cls, place: Path, *, name: str | None = None) -> "OtherData":
        """Name data after their folder or file, unless they are given a name.

        Raises
        ------
        ConfigError : the given name is empty, or that of a split

        Examples
        --------
        >>> OtherData.at(Path("/corpora/siena")).name
        'siena'
        >>> OtherData.at(Path("/corpora/siena/test")).name
        'siena/test'
        """
        splits = get_args(SplitName)
        if name == "":
            raise ConfigError("The name of other data is empty; give one, or leave it out.")
        if name in splits:
            raise ConfigError(
                f"Other data were named '{name}', but {', '.join(splits)} are splits of the run; "
                "choose another name."
            )
        resolved = place.resolve()
        own = resolved.stem if resolved.is_file() else resolved.name
        if own in splits:
            own = f"{resolved.parent.name}/{own}"
        return cls(place=resolved, name=name or own)


@runtime_checkable
class Results(Protocol):
    """Scores of a model on one split, with the material that they rest on.

    Attributes
    ----------
    split : the split, or the name of other data
    metrics : by declared name; NaN where undefined
    methods : scoring method and version behind each group of metrics
    rows : one per scored item, equal keys
    """

    @property
    def split(self) -> str:
        """Name of what was scored."""
        ...

    @property
    def metrics(self) -> Mapping[str, float]:
        """Values by declared name."""
        ...

    @property
    def methods(self) -> Mapping[str, str]:
        """Scoring methods with their versions."""
        ...

    @property
    def rows(self) -> Sequence[Mapping[str, Cell]]:
        """One row per scored item."""
        ...

    def keep(self, record: RunWriter, *, epoch: int) -> None:
        """Write what the best checkpoint, of this epoch, gives on the split into its run.

        The same of every split, under its name: rows by ``write_predictions(split=...)``, tables,
        pictures and the like into ``record.of(split)``. What was chosen on validation, and what
        tells of training, is written for validation only. Scores are recorded by the experiment.
        """
        ...

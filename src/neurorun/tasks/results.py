"""What every task tells of a model that it scored on one split."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, get_args, runtime_checkable

from neurorun.data import SplitName
from neurorun.runs import Cell, RunWriter


def name_of_data(data: Path) -> str:
    """Name under which other data are scored: that of their folder or file, never a split's.

    >>> name_of_data(Path("/corpora/siena")), name_of_data(Path("/corpora/siena/test"))
    ('siena', 'siena/test')
    """
    place = data.resolve()
    name = place.stem if place.is_file() else place.name
    return f"{place.parent.name}/{name}" if name in get_args(SplitName) else name


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

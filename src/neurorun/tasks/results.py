"""What every task tells of a model that it scored on one split."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from neurorun.runs import Cell, RunWriter


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
        """Write what the best checkpoint, of this epoch, gives on validation into its run."""
        ...

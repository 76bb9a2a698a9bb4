"""``class_distributions.json``: how many items of each class every split holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from neurorun.core import RunError
from neurorun.runs.document import read_document, write_document

DISTRIBUTIONS = "class_distributions.json"


@dataclass(frozen=True, slots=True)
class ClassDistribution:
    """Counts of one split; keys as earlier readers expect them.

    Parameters
    ----------
    dataset : the split
    distribution : items per class; for seizure detection windows per window kind
    total_samples : all items together (the name is that of earlier readers; items are meant)
    timestamp : UTC, when it was counted

    Raises
    ------
    RunError : the total is not the sum
    """

    dataset: str
    distribution: dict[str, int]
    total_samples: int
    timestamp: str

    def __post_init__(self) -> None:
        if sum(self.distribution.values()) != self.total_samples:
            raise RunError(
                f"Split '{self.dataset}' is said to hold {self.total_samples} items, its classes "
                f"hold {sum(self.distribution.values())}; both must agree. Count again."
            )


def write_class_distributions(folder: Path, distributions: Sequence[ClassDistribution]) -> None:
    """Write the file, whole or not at all."""
    write_document(folder / DISTRIBUTIONS, list(distributions))


def read_class_distributions(folder: Path) -> tuple[ClassDistribution, ...]:
    """Read the file.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(
        folder / DISTRIBUTIONS, TypeAdapter(tuple[ClassDistribution, ...]).validate_json
    )

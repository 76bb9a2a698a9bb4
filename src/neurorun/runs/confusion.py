"""``confusion_matrices.json``: how often which class was taken for which, per split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from neurorun.core import RunError
from neurorun.runs.document import read_document, write_document

CONFUSION = "confusion_matrices.json"


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """Counts of one split; keys as earlier readers expect them.

    Parameters
    ----------
    dataset : the split
    labels : every class, also one that never occurred; names, or the numbers that readers of the
        first gaze experiments expect
    matrix : rows are the true class, columns the predicted one, in the order of the labels
    timestamp : UTC, when it was counted
    epoch : of the checkpoint that predicted
    names : what numbers among the labels mean, in their order; None where labels are names

    Raises
    ------
    RunError : the matrix is not one row and one column per label, or a count is negative
    """

    dataset: str
    labels: tuple[str | int, ...]
    matrix: tuple[tuple[int, ...], ...]
    timestamp: str
    epoch: int
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        n = len(self.labels)
        if len(self.matrix) != n or any(len(row) != n or min(row) < 0 for row in self.matrix):
            raise RunError(
                f"The confusion matrix of '{self.dataset}' is {self.matrix}; counts, one row and "
                f"one column for each of {', '.join(map(str, self.labels))}, are needed."
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        return self.names or tuple(str(label) for label in self.labels)


def write_confusion_matrices(folder: Path, matrices: Sequence[ConfusionMatrix]) -> None:
    """Write the file, whole or not at all."""
    write_document(folder / CONFUSION, list(matrices))


def add_confusion_matrices(folder: Path, matrices: Sequence[ConfusionMatrix]) -> None:
    """Write matrices beside those of other datasets; one of the same dataset is replaced in place.

    Raises
    ------
    FormatError : what is there is damaged
    """
    there = read_confusion_matrices(folder) if (folder / CONFUSION).exists() else ()
    by_dataset = {one.dataset: one for one in (*there, *matrices)}
    write_confusion_matrices(folder, list(by_dataset.values()))


def read_confusion_matrices(folder: Path) -> tuple[ConfusionMatrix, ...]:
    """Read the file.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(folder / CONFUSION, TypeAdapter(tuple[ConfusionMatrix, ...]).validate_json)

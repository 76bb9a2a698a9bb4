"""``splits.json``: which recordings, of which patients, each split holds."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from neurorun.core import RunError, fingerprint_of
from neurorun.runs.document import read_document, write_document

SPLITS = "splits.json"


@dataclass(frozen=True, slots=True)
class Splits:
    """Recordings by split, each with its patient: ``{recording_id: patient}``.

    Parameters
    ----------
    train, validation, test : the splits
    shared_patients : patients that are known to lie in several splits, since they were divided by
        files; the scores of such a run are too good

    Raises
    ------
    RunError : a recording, or a patient that is not said to be shared, lies in two splits

    Examples
    --------
    >>> Splits(train={"a_1": "a"}, validation={"b_1": "b"}).n_patients
    {'train': 1, 'validation': 1, 'test': 0}
    """

    train: dict[str, str]
    validation: dict[str, str]
    test: dict[str, str] = field(default_factory=dict)
    shared_patients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what, members in (
            ("Patient", {name: self._own_patients(split) for name, split in self.by_name.items()}),
            ("Recording", {name: set(split) for name, split in self.by_name.items()}),
        ):
            _check_disjoint(what, members)

    def _own_patients(self, split: dict[str, str]) -> set[str]:
        return set(split.values()) - set(self.shared_patients)

    @property
    def by_name(self) -> dict[str, dict[str, str]]:
        """The three splits under their names."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def n_patients(self) -> dict[str, int]:
        """Patients per split."""
        return {name: len(set(split.values())) for name, split in self.by_name.items()}

    @property
    def fingerprints(self) -> dict[str, str]:
        """One hash per split: equal hashes are equal recordings."""
        return {name: fingerprint_of(split) for name, split in self.by_name.items()}


def _check_disjoint(what: str, members: dict[str, set[str]]) -> None:
    names = list(members)
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            both = sorted(members[first] & members[second])
            if both:
                raise RunError(
                    f"{what} '{both[0]}' is in {first} and in {second} ({len(both)} in both); a "
                    "split never divides a patient. Split by patient."
                )


def write_splits(folder: Path, splits: Splits) -> None:
    """Write the file, whole or not at all."""
    write_document(folder / SPLITS, splits)


def read_splits(folder: Path) -> Splits:
    """Read the file.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(folder / SPLITS, TypeAdapter(Splits).validate_json)

"""Divide the recordings of a corpus into train, validation and test, never a patient.

By the corpus's own folders, or by patient at random: patients with and without seizures are dealt
separately, so that each split has its share of both and of the recorded time. The result depends
on names and on the seed, not on the order in which files were found. The division by files that
earlier work used is kept, by name, for comparison; it puts one patient into several splits.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from neurorun.core import Config, ConfigError, DataError, fingerprint_of
from neurorun.data.corpora import SurveyedEntry
from neurorun.data.entries import SplitName

SPLITS_FORMAT = "neurorun-splits"
SPLITS_FORMAT_VERSION = 1

_NAMES: tuple[SplitName, ...] = ("train", "validation", "test")
_ATTEMPTS = 64
_log = logging.getLogger(__name__)

SplitPolicy = Literal["grouped", "official_tusz", "filewise"]


class SplitConfig(Config):
    """How recordings are divided into train, validation and test."""

    split_policy: SplitPolicy = "grouped"
    """``grouped`` deals patients at random, ``official_tusz`` takes the corpus's own folders,
    ``filewise`` the first files in order of name (patients then leak; for comparison only)."""

    validation_split: float = Field(default=0.2, ge=0.0, le=0.5)
    """Share of ``validation``; not used by ``official_tusz``."""

    test_split: float = Field(default=0.0, ge=0.0, le=0.5)
    """Share of ``test``; 0 where the corpus has test recordings of its own, which stay test."""

    split_measure: Literal["duration", "recordings"] = "duration"
    """What the shares are shares of, for ``grouped``."""

    split_seed: int = Field(default=42, ge=0)
    """Decides which patients go where, and which recordings a limit keeps."""

    max_recordings: PositiveInt | None = None
    """Recordings kept of each split, for a quick trial; null keeps all."""

    max_hours: PositiveFloat | None = None
    """Hours kept of each split, at least one recording; null keeps all."""

    @model_validator(mode="after")
    def something_is_left_to_train_on(self) -> "SplitConfig":
        """Refuse shares that leave nothing for training."""
        if self.validation_split + self.test_split >= 1:
            raise ConfigError(
                f"validation_split {self.validation_split:g} and test_split {self.test_split:g} "
                "leave nothing to train on; their sum must be below 1."
            )
        return self


@dataclass(frozen=True, slots=True)
class Splits:
    """Which recordings belong to which split.

    Parameters
    ----------
    policy : how they were divided
    train, validation, test : names of recordings, sorted
    shared_patients : patients in more than one split; empty unless the policy is ``filewise``
    """

    policy: SplitPolicy
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()
    shared_patients: tuple[str, ...] = ()

    def of(self, split: SplitName) -> tuple[str, ...]:
        """Recordings of one split."""
        members: dict[SplitName, tuple[str, ...]] = {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
        }
        return members[split]

    @property
    def fingerprint(self) -> str:
        """Hash of the division: equal for equal splits, however they came about."""
        return fingerprint_of({name: self.of(name) for name in _NAMES})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {
            "format": SPLITS_FORMAT,
            "format_version": SPLITS_FORMAT_VERSION,
            "policy": self.policy,
            "shared_patients": list(self.shared_patients),
            **{name: list(self.of(name)) for name in _NAMES},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Splits":
        """Read what `to_dict` wrote.

        Raises
        ------
        DataError : it is something else, or of a version that we do not know
        """
        kind, version = values.get("format"), values.get("format_version")
        if (kind, version) != (SPLITS_FORMAT, SPLITS_FORMAT_VERSION):
            raise DataError(
                f"Splits have format {kind!r}, version {version!r}; {SPLITS_FORMAT!r}, version "
                f"{SPLITS_FORMAT_VERSION} is known. Make them again, or update neurorun."
            )
        return cls(
            policy=values["policy"],
            shared_patients=tuple(values["shared_patients"]),
            **{name: tuple(values[name]) for name in _NAMES},
        )


def make_splits(entries: Sequence[SurveyedEntry], config: SplitConfig) -> Splits:
    """Divide the recordings of a corpus.

    Parameters
    ----------
    entries : surveyed, in any order
    config : policy, shares, seed and limits

    Raises
    ------
    DataError : a split that is asked for would be empty or without a seizure, an official split
        is missing, or a patient lies in two official splits
    """
    assigned = _POLICIES[config.split_policy](sorted(entries, key=_by_name), config)
    shared = _shared_patients(assigned)
    if shared and config.split_policy != "filewise":
        patient, names = next(iter(shared.items()))
        raise DataError(
            f"Patient '{patient}' has recordings in {' and '.join(names)} ({len(shared)} such "
            "patients); a patient belongs to one split. Correct the folders or the table, or set "
            "data.split_policy to grouped."
        )
    if shared:
        _log.warning(
            "%d patients lie in more than one split (policy filewise): metrics will be too good. "
            "Use it only to compare with earlier work.",
            len(shared),
        )
    limited = {name: _limited(assigned[name], config) for name in _NAMES}
    return Splits(
        policy=config.split_policy,
        shared_patients=tuple(sorted(_shared_patients(limited))),
        **{name: tuple(sorted(entry.recording_id for entry in limited[name])) for name in _NAMES},
    )


_Assigned = Mapping[SplitName, Sequence[SurveyedEntry]]


def _by_name(entry: SurveyedEntry) -> str:
    return entry.recording_id


def _shared_patients(assigned: _Assigned) -> dict[str, list[str]]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name in _NAMES:
        for patient in sorted({entry.patient for entry in assigned[name]}):
            places[patient].append(name)
    return {patient: names for patient, names in places.items() if len(names) > 1}


def _official(entries: Sequence[SurveyedEntry], config: SplitConfig) -> _Assigned:
    del config
    without = [entry for entry in entries if entry.split is None]
    assigned = {name: [e for e in entries if e.split == name] for name in _NAMES}
    if without or not assigned["train"] or not assigned["validation"]:
        found = ", ".join(f"{len(assigned[name])} {name}" for name in _NAMES)
        raise DataError(
            f"The corpus has {found} and {len(without)} recordings without official split; "
            "official_tusz needs train (train) and validation (dev) for all. Let data.data_dir be "
            "the folder above train, dev and eval, or set data.split_policy to grouped."
        )
    return assigned


def _filewise(entries: Sequence[SurveyedEntry], config: SplitConfig) -> _Assigned:
    held_out, rest = _held_out(entries, config)
    rest = sorted(rest, key=lambda entry: str(entry.path))
    n_validation = int(config.validation_split * len(rest))
    n_test = int(config.test_split * len(rest))
    return {
        "validation": rest[:n_validation],
        "test": [*held_out, *rest[n_validation : n_validation + n_test]],
        "train": rest[n_validation + n_test :],
    }


def _held_out(
    entries: Sequence[SurveyedEntry], config: SplitConfig
) -> tuple[list[SurveyedEntry], list[SurveyedEntry]]:
    """Set the corpus's own test recordings apart: they are never trained on."""
    held_out = [entry for entry in entries if entry.split == "test"]
    if held_out and config.test_split > 0:
        raise DataError(
            f"data.test_split is {config.test_split:g}, but the corpus has {len(held_out)} test "
            "recordings of its own, which stay test. Set data.test_split to 0."
        )
    return held_out, [entry for entry in entries if entry.split != "test"]


def _grouped(entries: Sequence[SurveyedEntry], config: SplitConfig) -> _Assigned:
    held_out, rest = _held_out(entries, config)
    patients = _patients(rest, config)
    shares = {
        "train": 1 - config.validation_split - config.test_split,
        "validation": config.validation_split,
        "test": config.test_split,
    }
    wanted = [name for name in _NAMES if shares[name] > 0]
    _check_enough(patients, wanted)
    fractions = np.array([shares[name] for name in wanted])
    rng = np.random.default_rng(config.split_seed)
    deals = [_deal(patients, fractions, rng) for _ in range(_ATTEMPTS)]
    best = min(deals, key=lambda deal: _imbalance(patients, deal, fractions))
    assigned: dict[SplitName, list[SurveyedEntry]] = {name: [] for name in _NAMES}
    for patient, position in zip(patients, best, strict=True):
        assigned[wanted[position]].extend(patient.entries)
    assigned["test"].extend(held_out)
    return assigned


@dataclass(frozen=True, slots=True)
class _Patient:
    entries: tuple[SurveyedEntry, ...]
    weight: float
    n_seizures: int

    @property
    def has_seizures(self) -> bool:
        return self.n_seizures > 0


def _patients(entries: Sequence[SurveyedEntry], config: SplitConfig) -> list[_Patient]:
    groups: defaultdict[str, list[SurveyedEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.patient].append(entry)
    by_duration = config.split_measure == "duration"
    return [
        _Patient(
            entries=tuple(group),
            weight=sum(entry.duration_s if by_duration else 1.0 for entry in group),
            n_seizures=sum(entry.n_seizures or 0 for entry in group),
        )
        for _, group in sorted(groups.items())
    ]


def _check_enough(patients: Sequence[_Patient], wanted: Sequence[str]) -> None:
    labelled = any(e.n_seizures is not None for patient in patients for e in patient.entries)
    with_seizures = sum(patient.has_seizures for patient in patients)
    enough = len(patients) if not labelled else with_seizures
    if enough < len(wanted):
        what = "patients with seizures" if labelled else "patients"
        raise DataError(
            f"The corpus has {enough} {what}; {len(wanted)} are needed, one each for "
            f"{', '.join(wanted)}. Add recordings, or set data.validation_split or "
            "data.test_split to 0."
        )


def _deal(
    patients: Sequence[_Patient], fractions: np.ndarray, rng: np.random.Generator
) -> list[int]:
    """Give each patient, in random order, to the split that lacks most of its share."""
    positions = [0] * len(patients)
    for stratum in (True, False):
        members = [i for i, patient in enumerate(patients) if patient.has_seizures is stratum]
        total = sum(patients[i].weight for i in members) or 1.0
        held = np.zeros(len(fractions))
        for i in rng.permutation(members):
            place = int(np.argmin(held / fractions))
            positions[i] = place
            held[place] += patients[i].weight / total
    return positions


def _imbalance(
    patients: Sequence[_Patient], positions: Sequence[int], fractions: np.ndarray
) -> float:
    """How far the shares of weight and of seizures lie from those wanted, summed."""
    off = 0.0
    for quantities in ([p.weight for p in patients], [float(p.n_seizures) for p in patients]):
        held = np.bincount(positions, weights=quantities, minlength=len(fractions))
        off += float(np.abs(held / (held.sum() or 1.0) - fractions).sum())
    return off


def _limited(entries: Sequence[SurveyedEntry], config: SplitConfig) -> list[SurveyedEntry]:
    """Keep a random part; recordings with and without seizures take turns while both last."""
    if config.max_recordings is None and config.max_hours is None:
        return list(entries)
    rng = np.random.default_rng([config.split_seed, 1])
    ordered = sorted(entries, key=_by_name)
    shuffled = [ordered[i] for i in rng.permutation(len(ordered))]
    kept: list[SurveyedEntry] = []
    left_s = config.max_hours * 3600 if config.max_hours is not None else np.inf
    for entry in _in_turns(shuffled):
        full = config.max_recordings is not None and len(kept) >= config.max_recordings
        if full or (kept and entry.duration_s > left_s):
            break
        kept.append(entry)
        left_s -= entry.duration_s
    return kept


def _in_turns(entries: Sequence[SurveyedEntry]) -> list[SurveyedEntry]:
    with_seizures = [entry for entry in entries if entry.n_seizures]
    without = [entry for entry in entries if not entry.n_seizures]
    turns = [(2 * i, e) for i, e in enumerate(with_seizures)]
    turns += [(2 * i + 1, e) for i, e in enumerate(without)]
    return [entry for _, entry in sorted(turns, key=lambda turn: turn[0])]


_POLICIES = {"official_tusz": _official, "grouped": _grouped, "filewise": _filewise}

"""Recordings that are normal or abnormal as a whole: found, labelled, divided, with their gaze.

Trees of NMT and TUAB are read whatever the order of their folders: ``{train,eval}/{normal,
abnormal}``, ``{normal,abnormal}/{train,eval}``, with or without folders below. A ``Labels.csv``
(columns recordname, label, loc) says the rest.
"""

import csv
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from neurorun.core import DataError
from neurorun.data.abnormality.config import AbnormalityDataConfig
from neurorun.data.entries import SplitName
from neurorun.data.gaze import find_gaze_files

CLASSES = ("normal", "abnormal")
"""Names of the classes; their places are the labels 0 and 1."""

LABELS_TABLE = "Labels.csv"
_SPLITS: Mapping[str, SplitName] = {
    "train": "train", "training": "train", "val": "validation", "validation": "validation",
    "dev": "validation", "eval": "test", "evaluation": "test", "test": "test",
}  # fmt: skip
_LABELS = {"normal": 0, "abnormal": 1, "0": 0, "1": 1}
_SUFFIXES = (".edf", ".bdf")
_log = logging.getLogger(__name__)

Label = Literal[0, 1]


@dataclass(frozen=True, slots=True)
class AbnormalityEntry:
    """One recording of the corpus.

    Parameters
    ----------
    recording_id : its name without suffix, unique
    patient : the person
    path : EDF or BDF file
    label : 0 normal, 1 abnormal
    split : where the folders put it, or None where they do not say
    gaze : fixation files by number of the window, None standing for the whole recording
    """

    recording_id: str
    patient: str
    path: Path
    label: int
    split: SplitName | None
    gaze: Mapping[int | None, Path]


def find_abnormality_recordings(config: AbnormalityDataConfig) -> tuple[AbnormalityEntry, ...]:
    """List the recordings of a corpus, sorted by name.

    Raises
    ------
    DataError : there are none, one has no label or two, or two have one name
    """
    if not config.data_dir.is_dir():
        raise DataError(f"data.data_dir '{config.data_dir}' is no folder; give that of the corpus.")
    table = _read_table(config.data_dir / LABELS_TABLE)
    paths = sorted(path for path in config.data_dir.rglob("*") if path.suffix.lower() in _SUFFIXES)
    entries = [_entry(path, config, table) for path in paths]
    if not entries:
        raise DataError(
            f"'{config.data_dir}' holds no EDF or BDF file; give a folder with recordings below "
            "normal and abnormal, or with a Labels.csv."
        )
    repeated = [name for name, n in Counter(e.recording_id for e in entries).items() if n > 1]
    if repeated:
        raise DataError(
            f"{len(repeated)} recordings have the name of another, for example '{repeated[0]}'; "
            "names must be unique, since maps and windows are filed under them. Rename one."
        )
    return _with_gaze(sorted(entries, key=lambda entry: entry.recording_id), config)


def _read_table(path: Path) -> Mapping[str, Mapping[str, str]]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    if rows and not {"recordname", "label"} <= rows[0].keys():
        raise DataError(
            f"'{path}' has the columns {', '.join(rows[0])}; recordname and label are needed."
        )
    return {Path(row["recordname"].strip()).stem: row for row in rows}


def _entry(
    path: Path, config: AbnormalityDataConfig, table: Mapping[str, Mapping[str, str]]
) -> AbnormalityEntry:
    row = table.get(path.stem, {})
    folders = [part.lower() for part in path.relative_to(config.data_dir).parts[:-1]]
    told = {_LABELS[part] for part in folders if part in CLASSES}
    if "label" in row:
        told.add(_label(row["label"], path))
    if len(told) != 1:
        raise DataError(
            f"'{path}' is {'both normal and abnormal' if told else 'neither'} by its folders and "
            f"{LABELS_TABLE}; put it below one folder normal or abnormal, or give it one label."
        )
    split = next((_SPLITS[part] for part in folders if part in _SPLITS), None)
    match = re.match(config.patient_pattern, path.stem, re.IGNORECASE)
    return AbnormalityEntry(
        recording_id=path.stem,
        patient=match[1] if match else path.stem,
        path=path,
        label=told.pop(),
        split=split or _SPLITS.get(row.get("loc", "").strip().lower()),
        gaze={},
    )


def _label(text: str, path: Path) -> int:
    label = _LABELS.get(text.strip().lower())
    if label is None:
        raise DataError(f"'{path}' has the label '{text}' in {LABELS_TABLE}; normal or abnormal.")
    return label


def _with_gaze(
    entries: Sequence[AbnormalityEntry], config: AbnormalityDataConfig
) -> tuple[AbnormalityEntry, ...]:
    folder = config.gaze_dir or config.data_dir / "gaze"
    if config.gaze_dir is not None and not folder.is_dir():
        raise DataError(
            f"data.gaze_dir '{folder}' is no folder; give that of the fixation files, or null."
        )
    found = find_gaze_files(folder)
    with_gaze = []
    for entry in entries:
        short = entry.recording_id.lstrip("0").lower() or "0"
        files = {
            name.window: path
            for name, path in found.items()
            if name.recording in (entry.recording_id.lower(), short)
        }
        with_gaze.append(replace(entry, gaze=files))
    used = {path for entry in with_gaze for path in entry.gaze.values()}
    unused = sorted(path.name for path in found.values() if path not in used)
    if unused:
        _log.warning("%d gaze files belong to no recording: %s", len(unused), ", ".join(unused[:5]))
    return tuple(with_gaze)


def gaze_file_for(entry: AbnormalityEntry, window: int) -> Path | None:
    """Fixation file of a window: its own, else that of the whole recording, else None."""
    return entry.gaze.get(window, entry.gaze.get(None))


def split_abnormality(
    entries: Sequence[AbnormalityEntry], config: AbnormalityDataConfig
) -> dict[SplitName, tuple[AbnormalityEntry, ...]]:
    """Divide recordings into train, validation and test, never a patient.

    Folders that say test (eval) or validation are kept; the rest is dealt by patient, the classes
    separately, so that each split has its share of both.

    Raises
    ------
    DataError : a patient lies in two folders of splits, or a split lacks a class that train has
    """
    fixed: dict[str, SplitName] = {}
    for entry in entries:
        if entry.split in ("validation", "test"):
            fixed[entry.patient] = entry.split
    for entry in entries:
        if entry.patient in fixed and entry.split not in (fixed[entry.patient], None):
            raise DataError(
                f"Patient '{entry.patient}' lies in '{fixed[entry.patient]}' and '{entry.split}'; "
                "a patient belongs to one split. Move the recordings, or set data.patient_pattern."
            )
    free = [entry for entry in entries if entry.patient not in fixed]
    dealt = {**fixed, **_deal(free, config, has=set(fixed.values()))}
    names: tuple[SplitName, ...] = ("train", "validation", "test")
    splits = {name: tuple(e for e in entries if dealt[e.patient] == name) for name in names}
    _check_classes(splits)
    return splits


def _deal(
    entries: Sequence[AbnormalityEntry],
    config: AbnormalityDataConfig,
    *,
    has: set[SplitName],
) -> dict[str, SplitName]:
    shares: dict[SplitName, float] = {}
    if "validation" not in has:
        shares["validation"] = config.validation_split
    if config.test_split > 0:
        if "test" in has:
            raise DataError(
                f"data.test_split is {config.test_split:g}, but the data have test recordings of "
                "their own. Set data.test_split to 0."
            )
        shares["test"] = config.test_split
    rng = np.random.default_rng(config.split_seed)
    dealt: dict[str, SplitName] = {}
    label_of = {entry.patient: 0 for entry in entries}
    for entry in entries:
        label_of[entry.patient] = max(label_of[entry.patient], entry.label)
    for label in (0, 1):
        patients = sorted(name for name, own in label_of.items() if own == label)
        order = [patients[i] for i in rng.permutation(len(patients))]
        for split, share in shares.items():
            n = max(1, round(share * len(patients))) if patients else 0
            dealt.update(dict.fromkeys(order[:n], split))
            order = order[n:]
        dealt.update(dict.fromkeys(order, "train"))
    return dealt


def _check_classes(splits: Mapping[SplitName, Sequence[AbnormalityEntry]]) -> None:
    for name in ("train", "validation"):
        found = {entry.label for entry in splits[name]}
        if found != {0, 1}:
            held = ", ".join(CLASSES[label] for label in sorted(found)) or "nothing"
            raise DataError(
                f"The split {name} would hold {held}; normal and abnormal recordings are needed. "
                "Give more patients, or change data.validation_split."
            )

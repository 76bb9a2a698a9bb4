"""How corpora are laid out on disk: one function per layout, from folder to entries.

=========== ===================================================================================
tuh_eeg     ``{train,dev,eval}/patient/session/montage/patient_sNNN_tNNN.edf``, events beside
chb_mit     ``chbNN/chbNN_NN.edf`` and ``chbNN/chbNN-summary.txt``
siena       ``PNxx/PNxx-n.edf`` and ``PNxx/Seizures-list-PNxx.txt``
bids        ``sub-x/[ses-y/]eeg/*_eeg.edf`` and ``*_events.tsv``
table       a CSV file with the columns recording, annotation, patient, split
folder      any tree with one folder per patient; events beside each recording, named after it
=========== ===================================================================================

Files of events beside a recording ``x.edf`` are ``x.csv_bi``, ``x.tsv``, ``x_events.tsv`` and
``x.csv``, preferred in this order: csv_bi is what the scorers of TUSZ read, its sibling csv marks
single channels.
"""

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from neurorun.core import DataError
from neurorun.data.entries import AnnotationChoice, CorpusEntry, SplitName
from neurorun.formats import read_chb_mit_summary, read_siena_list, same_recording

RECORDING_SUFFIXES = (".edf", ".bdf")
TABLE_NAME = "recordings.csv"
TABLE_COLUMNS = ("recording", "annotation", "patient", "split")

SPLIT_NAMES: Mapping[str, SplitName] = {
    "train": "train",
    "dev": "validation",
    "val": "validation",
    "validation": "validation",
    "eval": "test",
    "test": "test",
}
"""Names of splits as corpora write them."""

SAME_PATIENT = {"chb21": "chb01"}
"""Case chb21 of CHB-MIT is the girl of chb01, 1.5 years later (its page at PhysioNet says so)."""

_TUSZ_STEM = re.compile(r"([a-z]{8})_s\d{3}_t\d{3}", re.IGNORECASE)
_CHB_FOLDER = re.compile(r"chb\d\d", re.IGNORECASE)
_SIENA_FOLDER = re.compile(r"PN\d\d", re.IGNORECASE)
_EVENT_ENDINGS = {"csv_bi": (".csv_bi",), "tsv": (".tsv", "_events.tsv"), "csv": (".csv",)}
_PREFERENCE = ("csv_bi", "tsv", "csv")


class Layout(Protocol):
    """Lists the recordings of one kind of corpus, in any order."""

    def __call__(
        self, data_dir: Path, *, annotations: AnnotationChoice, patient_pattern: str | None
    ) -> list[CorpusEntry]:
        """Return an entry for every recording; an entry without annotation where it is absent."""
        ...


def detect_layout(data_dir: Path) -> str:
    """Name of the layout that the names in a folder speak for; ``folder`` if none does.

    Raises
    ------
    DataError : it is a file but no table
    """
    if data_dir.is_file():
        if data_dir.suffix.lower() != ".csv":
            raise DataError(
                f"data_dir '{data_dir}' is a file; a folder of recordings is needed, or a CSV "
                f"table with the columns {', '.join(TABLE_COLUMNS)}."
            )
        return "table"
    if (data_dir / TABLE_NAME).is_file():
        return "table"
    folders = [data_dir.name, *(child.name for child in data_dir.iterdir() if child.is_dir())]
    if any(name.startswith("sub-") for name in folders):
        return "bids"
    if any(_CHB_FOLDER.fullmatch(name) for name in folders):
        return "chb_mit"
    if any(_SIENA_FOLDER.fullmatch(name) for name in folders):
        return "siena"
    first = next(_recordings(data_dir), None)
    return "tuh_eeg" if first is not None and _TUSZ_STEM.match(first.stem) else "folder"


def tuh_eeg(
    data_dir: Path, *, annotations: AnnotationChoice, patient_pattern: str | None
) -> list[CorpusEntry]:
    """TUSZ, or part of it; the official split is a folder on the way to the recording."""
    del patient_pattern
    return [
        CorpusEntry(
            recording_id=path.stem,
            patient=path.stem.partition("_")[0],
            path=path,
            split=_split_on_the_way(path.relative_to(data_dir)),
            annotation=_beside(path, path.stem, annotations),
        )
        for path in _recordings(data_dir)
    ]


def _split_on_the_way(path: Path) -> SplitName | None:
    return next((SPLIT_NAMES[part] for part in path.parts if part in SPLIT_NAMES), None)


def chb_mit(
    data_dir: Path, *, annotations: AnnotationChoice, patient_pattern: str | None
) -> list[CorpusEntry]:
    """CHB-MIT; cases chb01 and chb21 are one patient, and become one."""
    del annotations, patient_pattern
    entries = []
    for folder in _folders(data_dir, _CHB_FOLDER):
        case = folder.name.lower()
        summary = folder / f"{folder.name}-summary.txt"
        described = read_chb_mit_summary(summary) if summary.is_file() else {}
        entries += [
            CorpusEntry(
                recording_id=path.stem,
                patient=SAME_PATIENT.get(case, case),
                path=path,
                annotation=summary if path.name in described else None,
                annotation_format="chb_mit_summary",
            )
            for path in _recordings(folder)
        ]
    return entries


def siena(
    data_dir: Path, *, annotations: AnnotationChoice, patient_pattern: str | None
) -> list[CorpusEntry]:
    """Siena; every recording holds a seizure, so one that the list does not name is unlabelled."""
    del annotations, patient_pattern
    entries = []
    for folder in _folders(data_dir, _SIENA_FOLDER):
        paths = list(_recordings(folder))
        lists = sorted(folder.glob("Seizures-list-*.txt"))
        entries += [
            CorpusEntry(
                recording_id=path.stem,
                patient=folder.name,
                path=path,
                annotation=lists[0] if lists and siena_name(lists[0], path) else None,
                annotation_format="siena_list",
            )
            for path in paths
        ]
    return entries


def siena_name(seizure_list: Path, recording: Path) -> str | None:
    """Name under which a list speaks of a recording, or None if it does not.

    A list with one name in a folder with one recording means that one, however it is written:
    ``PN01.edf`` and ``PN11-.edf`` are the only names of their lists.
    """
    names = sorted({seizure.file_name for seizure in read_siena_list(seizure_list)})
    for name in names:
        if same_recording(name, recording.name):
            return name
    alone = len(names) == 1 and len(list(_recordings(recording.parent))) == 1
    return names[0] if alone else None


def bids(
    data_dir: Path, *, annotations: AnnotationChoice, patient_pattern: str | None
) -> list[CorpusEntry]:
    """BIDS-EEG; derivatives and other modalities are not looked at."""
    del annotations, patient_pattern
    entries = []
    for path in _recordings(data_dir):
        inner = path.relative_to(data_dir.parent).parts
        patient = next((part for part in inner if part.startswith("sub-")), None)
        if "derivatives" in path.relative_to(data_dir).parts:
            continue
        if patient is None or path.parent.name != "eeg" or not path.stem.endswith("_eeg"):
            continue
        stem = path.stem.removesuffix("_eeg")
        events = path.with_name(f"{stem}_events.tsv")
        entries.append(
            CorpusEntry(
                recording_id=stem,
                patient=patient,
                path=path,
                annotation=events if events.is_file() else None,
            )
        )
    return entries


def table(
    data_dir: Path, *, annotations: AnnotationChoice, patient_pattern: str | None
) -> list[CorpusEntry]:
    """A CSV file that names recordings; paths are relative to its folder.

    The cells of ``annotation`` and ``split`` may be empty, those columns may be absent.

    Raises
    ------
    DataError : a column or a cell is missing, a split is unknown, or a file does not exist
    """
    del annotations, patient_pattern
    path = data_dir if data_dir.is_file() else data_dir / TABLE_NAME
    if not path.is_file():
        raise DataError(
            f"'{path}' does not exist; a table corpus is a CSV file with the columns "
            f"{', '.join(TABLE_COLUMNS)}. Give it as data_dir."
        )
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    return [_table_entry(path, number, row) for number, row in enumerate(rows, start=2)]


def _table_entry(table_path: Path, line: int, row: Mapping[str | None, str | None]) -> CorpusEntry:
    unknown = [str(name) for name in row if name not in TABLE_COLUMNS]
    cells = {name: (row.get(name) or "").strip() for name in TABLE_COLUMNS}
    if unknown or not cells["recording"] or not cells["patient"]:
        found = f"unknown columns {', '.join(unknown)}" if unknown else f"cells {cells}"
        raise DataError(
            f"'{table_path}', line {line}: {found}; the columns are {', '.join(TABLE_COLUMNS)}, "
            "recording and patient are needed in every row. Correct the table."
        )
    if cells["split"] and cells["split"] not in SPLIT_NAMES:
        raise DataError(
            f"'{table_path}', line {line}: split is '{cells['split']}'; known are "
            f"{', '.join(SPLIT_NAMES)}, or nothing. Correct the table."
        )
    recording = _existing(table_path, line, cells["recording"])
    return CorpusEntry(
        recording_id=_name_of(Path(cells["recording"])),
        patient=cells["patient"],
        path=recording,
        split=SPLIT_NAMES.get(cells["split"]),
        annotation=_existing(table_path, line, cells["annotation"])
        if cells["annotation"]
        else None,
    )


def _existing(table_path: Path, line: int, name: str) -> Path:
    path = table_path.parent / name
    if not path.is_file():
        raise DataError(
            f"'{table_path}', line {line}: '{path}' does not exist; paths are relative to the "
            "folder of the table. Correct the table, or restore the file."
        )
    return path


def folder(
    data_dir: Path, *, annotations: AnnotationChoice, patient_pattern: str | None
) -> list[CorpusEntry]:
    """Any tree of recordings; the patient is the first folder, or what a pattern finds.

    Raises
    ------
    DataError : the patient of a recording is not known
    """
    return [
        CorpusEntry(
            recording_id=_name_of(path.relative_to(data_dir)),
            patient=_patient_of(path.relative_to(data_dir), patient_pattern),
            path=path,
            annotation=_beside(path, path.stem, annotations),
        )
        for path in _recordings(data_dir)
    ]


def _patient_of(path: Path, pattern: str | None) -> str:
    if pattern is None and len(path.parts) > 1:
        return path.parts[0]
    found = re.search(pattern, path.as_posix()) if pattern is not None else None
    if found is None or not found[1]:
        how = "lies in no folder" if pattern is None else f"does not match '{pattern}'"
        raise DataError(
            f"Recording '{path}' {how}, so its patient is unknown and might end up in two splits. "
            "Put the recordings of each patient into a folder of their own, set "
            "data.patient_pattern (for anna_01.edf: '^([^_]+)_'), or use a table."
        )
    return found[1]


LAYOUTS: Mapping[str, Layout] = {
    "tuh_eeg": tuh_eeg,
    "chb_mit": chb_mit,
    "siena": siena,
    "bids": bids,
    "table": table,
    "folder": folder,
}
"""Every layout by its name in the configuration."""


def _recordings(data_dir: Path) -> Iterator[Path]:
    """Files with EEG below a folder, sorted; hidden files and folders are passed over."""
    found = []
    for folder, inner, files in os.walk(data_dir):
        inner[:] = [name for name in inner if not name.startswith(".")]
        named = (name for name in files if name.lower().endswith(RECORDING_SUFFIXES))
        found += [Path(folder, name) for name in named if not name.startswith(".")]
    return (path for path in sorted(found) if path.is_file())


def _folders(data_dir: Path, pattern: re.Pattern[str]) -> Sequence[Path]:
    if pattern.fullmatch(data_dir.name):
        return [data_dir]
    return sorted(
        child for child in data_dir.iterdir() if child.is_dir() and pattern.fullmatch(child.name)
    )


def _beside(path: Path, stem: str, annotations: AnnotationChoice) -> Path | None:
    """Event file of a recording, the preferred one if there are several."""
    for kind in _PREFERENCE if annotations == "auto" else (annotations,):
        for ending in _EVENT_ENDINGS[kind]:
            candidate = path.with_name(stem + ending)
            if candidate.is_file():
                return candidate
    return None


def _name_of(path: Path) -> str:
    """Recording name from a relative path: the folders belong to it, so that it is unique."""
    inner = [part for part in path.with_suffix("").parts if part not in ("..", path.anchor)]
    return "__".join(inner)

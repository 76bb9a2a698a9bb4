"""Pair event files by name: two files, or every file of one folder with its namesake in another.

Folders are searched at any depth. The name of a recording is its path below the folder without
suffix and without the ``_events`` of BIDS, so trees of the same layout pair by path whatever the
formats. Where no path fits, the last part of the name decides. Nothing is left out silently: a
reference without detections is an error unless it is said what that means.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from neurorun.core import SILENT, Progress, ScoringError, Timeline
from neurorun.formats import Labels, Overlaps, read_events

TABLE_SUFFIXES = (".csv_bi", ".csv", ".tsv")
SIGNAL_SUFFIXES = (".edf", ".bdf")
"""Only looked at in folders without tables, for there they are usually signals."""

Missing = Literal["refuse", "empty"]
"""A reference without detected events is an error, or means that nothing was detected (SzCORE)."""

_BIDS_PATIENT = re.compile(r"(?:^|/)(sub-[^/_]+)")
_TUSZ_PATIENT = re.compile(r"(?:^|/)([a-z]{8})_s\d{3}_t\d{3}$")


@dataclass(frozen=True, slots=True)
class EventFilePair:
    """The two event files of one recording.

    Parameters
    ----------
    name : of the recording: its path below the folders, without suffix
    reference : annotated events
    detected : detected events, or None where there is no such file
    """

    name: str
    reference: Path
    detected: Path | None

    @property
    def patient(self) -> str | None:
        """Patient by the naming rules of BIDS or TUSZ; None if the name follows neither.

        >>> EventFilePair("01_tcp_ar/aaaaaasf_s001_t000", Path("a"), None).patient
        'aaaaaasf'
        """
        found = _BIDS_PATIENT.search(self.name) or _TUSZ_PATIENT.search(self.name)
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Pairing:
    """Files of two folders, paired.

    Parameters
    ----------
    pairs : one per reference file, in order of their names
    unreferenced : detected files without a reference, which nothing can be said about
    """

    pairs: tuple[EventFilePair, ...]
    unreferenced: tuple[Path, ...]

    @property
    def missing(self) -> tuple[EventFilePair, ...]:
        """Pairs without detected events."""
        return tuple(pair for pair in self.pairs if pair.detected is None)

    @property
    def patients(self) -> dict[str, str] | None:
        """Patient of every recording, or None if the name of one of them does not say."""
        known = {pair.name: pair.patient for pair in self.pairs}
        named = {name: patient for name, patient in known.items() if patient is not None}
        return named if len(named) == len(known) else None


def pair_by_name(reference: Path, detected: Path, *, suffix: str | None = None) -> Pairing:
    """Pair two event files, or the event files of two folders by name.

    Parameters
    ----------
    reference, detected : two files, or two folders
    suffix : look only at files that end so, such as ``.csv_bi``; by default at all tables, of
        several ``.tsv`` only at ``_events.tsv``, and at EDF+ files where there are no tables

    Raises
    ------
    ScoringError : one is a file and the other a folder, the reference has no event files, two files
        of one folder have the same name, or no name of one folder is found in the other
    """
    if reference.is_dir() != detected.is_dir():
        kinds = ("file", "folder")
        raise ScoringError(
            f"'{reference}' is a {kinds[reference.is_dir()]} and '{detected}' a "
            f"{kinds[detected.is_dir()]}; give two files or two folders."
        )
    if not reference.is_dir():
        return Pairing(
            (EventFilePair(_name(reference, reference.parent), reference, detected),), ()
        )
    annotated = _by_path(reference, suffix)
    proposed = _by_path(detected, suffix)
    if not annotated.keys() & proposed.keys():
        annotated, proposed = _by_last_part(annotated.values()), _by_last_part(proposed.values())
    _check_names_meet(annotated.keys(), proposed.keys(), reference, detected)
    pairs = (EventFilePair(name, path, proposed.get(name)) for name, path in annotated.items())
    rest = (path for name, path in proposed.items() if name not in annotated)
    return Pairing(tuple(pairs), tuple(rest))


def set_name(reference: Path, detected: Path) -> str:
    """Name a set of recordings by the folder that holds both sides, else by the reference's.

    >>> set_name(Path("corpus/ref"), Path("corpus/hyp")), set_name(Path("tusz/dev"), Path("out"))
    ('corpus', 'dev')
    """
    annotated, proposed = (
        path.parent if path.is_file() else path
        for path in (reference.absolute(), detected.absolute())
    )
    if annotated != proposed and annotated.parent == proposed.parent and annotated.parent.name:
        return annotated.parent.name
    return annotated.name


def _by_path(folder: Path, suffix: str | None) -> dict[str, Path]:
    return _unique((_name(path, folder), path) for path in _event_files(folder, suffix))


def _by_last_part(paths: Iterable[Path]) -> dict[str, Path]:
    return _unique((_name(path, path.parent), path) for path in paths)


def _name(path: Path, folder: Path) -> str:
    stem = path.name.removesuffix(path.suffix).removesuffix("_events").removesuffix("_eeg")
    return path.with_name(stem).relative_to(folder).as_posix()


def _unique(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, path in named:
        if name in found:
            raise ScoringError(
                f"'{found[name]}' and '{path}' are both of recording '{name}'; one file per "
                "recording is scored. Remove one, or choose a kind with --suffix .csv_bi."
            )
        found[name] = path
    return found


def _event_files(folder: Path, suffix: str | None) -> list[Path]:
    files = sorted(path for path in folder.rglob("[!.]*") if path.is_file())
    if suffix is not None:
        return [path for path in files if path.name.endswith(suffix)]
    tables = [path for path in files if path.suffix in TABLE_SUFFIXES]
    if any(path.name.endswith("_events.tsv") for path in tables):
        tables = [p for p in tables if p.suffix != ".tsv" or p.name.endswith("_events.tsv")]
    return tables or [path for path in files if path.suffix.lower() in SIGNAL_SUFFIXES]


def _check_names_meet(
    annotated: Iterable[str], proposed: Iterable[str], reference: Path, detected: Path
) -> None:
    names, others = sorted(annotated), sorted(proposed)
    if not names:
        raise ScoringError(
            f"'{reference}' holds no event files; {', '.join(TABLE_SUFFIXES + SIGNAL_SUFFIXES)} "
            "are looked for. Check the path."
        )
    if not set(names) & set(others):
        raise ScoringError(
            f"None of the {len(names)} recordings in '{reference}' (such as '{names[0]}') is among "
            f"the {len(others)} in '{detected}' (such as '{others[0] if others else 'none'}'); "
            "files are paired by name. Rename them, or check the paths."
        )


def read_patients(path: Path) -> dict[str, str]:
    """Patient of every recording, from a CSV with the columns ``recording_id`` and ``patient``.

    Raises
    ------
    ScoringError : it cannot be read so; the message names the line
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScoringError(f"'{path}' cannot be read as CSV ({error}); write it anew.") from error
    patients: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        recording_id, patient = row.get("recording_id"), row.get("patient")
        if not recording_id or not patient or recording_id in patients:
            raise ScoringError(
                f"'{path}', line {line}: recording_id is '{recording_id or ''}' and patient "
                f"'{patient or ''}'; both columns are needed, each recording once. Correct the row."
            )
        patients[recording_id] = patient
    return patients


def read_pairs(
    pairing: Pairing,
    *,
    missing: Missing = "refuse",
    labels: Labels | None = None,
    overlaps: Overlaps = "refuse",
    progress: Progress = SILENT,
) -> Iterator[tuple[Timeline, Timeline]]:
    """Read the files of a pairing, one recording after the other.

    Parameters
    ----------
    pairing : which files belong together
    missing : whether a reference without detected events is refused or counts as nothing detected
    labels, overlaps : see `read_events`
    progress : is told of each recording

    Yields
    ------
    Reference and detected timeline of each recording, both named as in the pairing.

    Raises
    ------
    ScoringError : detected events are missing; all of them are named
    DataError : a file cannot be read
    """
    if pairing.missing and missing == "refuse":
        raise ScoringError(_missing_files(pairing.missing))
    with progress.phase("scoring", len(pairing.pairs)) as advance:
        for pair in pairing.pairs:
            reference = read_events(pair.reference, labels=labels, overlaps=overlaps)
            reference = replace(reference, recording_id=pair.name)
            detected = replace(reference, events=())
            if pair.detected is not None:
                detected = read_events(
                    pair.detected, duration_s=reference.duration_s, labels=labels, overlaps=overlaps
                )
            yield reference, replace(detected, recording_id=pair.name)
            advance()


def _missing_files(missing: Sequence[EventFilePair]) -> str:
    names = ", ".join(f"'{pair.name}'" for pair in missing)
    return (
        f"{len(missing)} reference recordings have no detected events: {names}. Each needs a file, "
        "also if nothing was detected. Write them, or count them as nothing detected with "
        "--missing empty."
    )

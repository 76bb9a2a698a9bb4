"""The recordings of a corpus: where they lie, whose they are, and which annotation belongs to each.

A corpus is a folder in one of the layouts of `neurorun.data.layouts`. Finding recordings opens no
EDF file; surveying them reads headers and annotations, which takes milliseconds each.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from neurorun.core import (
    SILENT,
    Config,
    ConfigError,
    DataError,
    Progress,
    merge_touching,
)
from neurorun.data.entries import AnnotationChoice, CorpusEntry, LabelsPolicy
from neurorun.data.layouts import LAYOUTS, detect_layout
from neurorun.data.references import read_reference, recorded_time

LayoutName = Literal["auto", "tuh_eeg", "chb_mit", "siena", "bids", "table", "folder"]
_NAMED = 5


class CorpusConfig(Config):
    """Which recordings are used, and what is known about them."""

    dataset: LayoutName = "auto"
    """How the folder is laid out; ``auto`` looks at the names in it."""

    data_dir: Path = Path("data")
    """Folder of the corpus, or the CSV file of a ``table``."""

    labels: LabelsPolicy = "required"
    """Whether a recording without annotation file is an error (``required``) or unlabelled."""

    annotations: AnnotationChoice = "auto"
    """Which file is read where several lie beside a recording: csv_bi, then tsv, then csv."""

    label_map: dict[str, str | None] = Field(default_factory=dict)
    """What labels mean that are in no table; null leaves their rows out."""

    patient_pattern: str | None = None
    """Regular expression whose group is the patient in a path of a ``folder`` corpus; null takes
    the first folder."""

    @field_validator("patient_pattern")
    @classmethod
    def pattern_has_one_group(cls, pattern: str | None) -> str | None:
        """Refuse a pattern that cannot be used, or does not say which part is the patient."""
        if pattern is None:
            return None
        try:
            n_groups = re.compile(pattern).groups
        except re.error as error:
            raise ConfigError(
                f"patient_pattern '{pattern}' is no regular expression ({error}); for files "
                "such as anna_01.edf write '^([^_]+)_'."
            ) from error
        if n_groups != 1:
            raise ConfigError(
                f"patient_pattern '{pattern}' has {n_groups} groups; one is needed, the patient. "
                "For files such as anna_01.edf write '^([^_]+)_'."
            )
        return pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedEntry(CorpusEntry):
    """A recording of a corpus whose header and annotation have been read.

    Parameters
    ----------
    duration_s : seconds of EEG, without gaps; 0 if the recording cannot be read
    n_seizures : None if the recording is unlabelled or cannot be read
    problem : why it cannot be used, empty if it can
    """

    duration_s: float
    n_seizures: int | None
    problem: str = ""


def find_recordings(
    data_dir: Path,
    layout: LayoutName = "auto",
    *,
    labels: LabelsPolicy = "required",
    annotations: AnnotationChoice = "auto",
    patient_pattern: str | None = None,
) -> tuple[CorpusEntry, ...]:
    """List the recordings of a corpus, sorted by ``recording_id``.

    Parameters
    ----------
    data_dir : folder of the corpus, or the CSV file of a ``table``
    layout : one of `LAYOUTS`, or ``auto``
    labels : ``required`` makes a missing annotation file an error
    annotations : which file is read where several lie beside a recording
    patient_pattern : for ``folder``: regular expression whose group is the patient

    Raises
    ------
    DataError : there is no recording, an annotation is missing, two recordings have the same
        name, or a patient is not known
    """
    if not data_dir.exists():
        raise DataError(
            f"data_dir '{data_dir}' does not exist; give the folder that holds the recordings."
        )
    name = detect_layout(data_dir) if layout == "auto" else layout
    entries = LAYOUTS[name](data_dir, annotations=annotations, patient_pattern=patient_pattern)
    if not entries:
        raise DataError(
            f"data_dir '{data_dir}' holds no recording in the layout '{name}'; EDF or BDF files "
            "are needed. Correct data_dir or dataset."
        )
    _check_names(entries)
    if labels == "required":
        _check_annotations(entries, name)
    return tuple(sorted(entries, key=lambda entry: entry.recording_id))


def _check_names(entries: Sequence[CorpusEntry]) -> None:
    counts = Counter(entry.recording_id for entry in entries)
    repeated = [entry for entry in entries if counts[entry.recording_id] > 1]
    if repeated:
        first = repeated[0].recording_id
        paths = [str(entry.path) for entry in repeated if entry.recording_id == first]
        raise DataError(
            f"Recording '{first}' exists {len(paths)} times: {', '.join(paths)}; names must be "
            "unique in a corpus. Rename or remove the copies."
        )


def _check_annotations(entries: Sequence[CorpusEntry], layout: str) -> None:
    missing = [str(entry.path) for entry in entries if entry.annotation is None]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise DataError(
            f"{len(missing)} of {len(entries)} recordings have no annotation in the layout "
            f"'{layout}': {', '.join(missing[:_NAMED])}{more}. A missing file is not the same as "
            "no seizure: restore the files, or set data.labels to optional if these recordings "
            "are unlabelled."
        )


def survey(
    entries: Sequence[CorpusEntry],
    *,
    label_map: Mapping[str, str | None] | None = None,
    progress: Progress = SILENT,
) -> tuple[SurveyedEntry, ...]:
    """Read the header and the annotation of every recording.

    A recording that cannot be used is kept with its ``problem``, so that nothing disappears: who
    builds the cache meets the same error and reports it.

    Parameters
    ----------
    entries : from `find_recordings`
    label_map : what labels mean that are in no table
    progress : one step per recording
    """
    surveyed = []
    with progress.phase("reading headers and annotations", len(entries)) as advance:
        for entry in entries:
            surveyed.append(_surveyed(entry, label_map))
            advance()
    return tuple(surveyed)


def _surveyed(entry: CorpusEntry, label_map: Mapping[str, str | None] | None) -> SurveyedEntry:
    known = {field.name: getattr(entry, field.name) for field in fields(entry)}
    try:
        recorded = recorded_time(entry.path)
        n_seizures = None
        if entry.annotation is not None:
            timeline = read_reference(entry, recorded, label_map=label_map)
            n_seizures = len(merge_touching(timeline.seizures))
        return SurveyedEntry(**known, duration_s=recorded.observed_s, n_seizures=n_seizures)
    except DataError as error:
        return SurveyedEntry(**known, duration_s=0.0, n_seizures=None, problem=str(error))

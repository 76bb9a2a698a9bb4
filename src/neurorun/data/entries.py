"""One recording of a corpus on disk: what its place in the folder tells about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SplitName = Literal["train", "validation", "test"]
LabelsPolicy = Literal["required", "optional"]
AnnotationChoice = Literal["auto", "csv_bi", "tsv", "csv"]
AnnotationFormat = Literal["events", "chb_mit_summary", "siena_list"]


@dataclass(frozen=True, slots=True)
class CorpusEntry:
    """A recording, its patient and the file that holds its reference events.

    Parameters
    ----------
    recording_id : unique within the corpus, fit for a file name
    patient : the person; the same in all recordings of that person
    path : EDF or BDF file
    split : official split of the corpus, or None where it has none
    annotation : file with its events, or None if there is none
    annotation_format : ``events`` for the formats of `neurorun.formats.read_events`
    """

    recording_id: str
    patient: str
    path: Path
    split: SplitName | None = None
    annotation: Path | None = None
    annotation_format: AnnotationFormat = "events"

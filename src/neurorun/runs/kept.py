"""What a run keeps of one split beside its scores and rows: tables, pictures, events and more.

Of validation it lies in the run folder itself; of another split, or of other data, it lies below
``scored/<split>/``, laid out alike.
"""

from dataclasses import dataclass
from pathlib import Path

from neurorun.core import Timeline
from neurorun.runs.attention import (
    ATTENTION_MANIFEST,
    AttentionMap,
    MapEntry,
    attention_maps_of,
    read_attention_manifest,
)
from neurorun.runs.by_name import ByName
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.estimates import Cortex, KeptEstimate, estimates_of, read_cortex
from neurorun.runs.events_folder import events_of
from neurorun.runs.gaze_reviews import GazeReview, gaze_reviews_of
from neurorun.runs.names import file_stem, identity_of
from neurorun.runs.pictures import Picture, pictures_of
from neurorun.runs.probabilities import Probabilities, probabilities_of
from neurorun.runs.strips import Strip, strips_of
from neurorun.runs.tables_folder import CaptionedTable, tables_of

SCORED = "scored"
"""Folder of what was kept of other splits than validation, and of other data."""


def kept_path(split: str) -> str:
    """Folder of what is kept of a split, relative to the run folder.

    >>> kept_path("validation"), kept_path("test")
    ('.', 'scored/test')
    """
    return "." if split == "validation" else f"{SCORED}/{file_stem(split)}"


def kept_splits(folder: Path) -> tuple[str, ...]:
    """Splits besides validation, and other data, of which a run folder keeps anything; sorted."""
    paths = (folder / SCORED).glob("[!.]*")
    return tuple(sorted(identity_of(path.name) for path in paths if path.is_dir()))


@dataclass(frozen=True)
class Kept:
    """What a run keeps of one split; each item is read when it is asked for.

    Parameters
    ----------
    path : the run folder for validation, else a folder of its own inside
    """

    path: Path

    @property
    def events(self) -> ByRecording[Timeline]:
        """Detected events by recording_id, read one recording at a time."""
        return events_of(self.path)

    @property
    def probabilities(self) -> ByRecording[Probabilities]:
        """Predictions before any threshold, by recording_id; empty unless they were asked for."""
        return probabilities_of(self.path)

    @property
    def strips(self) -> ByRecording[Strip]:
        """Pieces of recordings for reports, read one at a time."""
        return strips_of(self.path)

    @property
    def cortex(self) -> Cortex:
        """The surface on which estimates are drawn."""
        return read_cortex(self.path)

    @property
    def estimates(self) -> ByRecording[KeptEstimate]:
        """True and estimated region activity by example, read one at a time."""
        return estimates_of(self.path)

    @property
    def tables(self) -> ByName[CaptionedTable]:
        """Further tables of the task by name, read one at a time."""
        return tables_of(self.path)

    @property
    def pictures(self) -> ByName[Picture]:
        """Pictures of the task by name, read one at a time."""
        return pictures_of(self.path)

    @property
    def attention_entries(self) -> tuple[MapEntry, ...]:
        """Table of contents of the attention maps; empty where there are none.

        Raises
        ------
        FormatError : it is damaged
        """
        if not (self.path / ATTENTION_MANIFEST).is_file():
            return ()
        return tuple(read_attention_manifest(self.path))

    @property
    def gaze_reviews(self) -> ByRecording[GazeReview]:
        """Pages of windows with attention and gaze, read one window at a time."""
        return gaze_reviews_of(self.path)

    def attention_maps(self) -> ByRecording[AttentionMap]:
        """Attention maps by recording_id, read one at a time."""
        return attention_maps_of(self.path)

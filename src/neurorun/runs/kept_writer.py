"""Writing what a run keeps of one split beside its scores and rows: one method per file."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from neurorun.core import Timeline
from neurorun.runs.attention import (
    ATTENTION_MANIFEST,
    ATTENTION_METADATA,
    AttentionMap,
    MapEntry,
    attention_path,
    write_attention_index,
    write_attention_map,
)
from neurorun.runs.estimates import (
    CORTEX,
    Cortex,
    KeptEstimate,
    estimate_path,
    write_cortex,
    write_estimate,
)
from neurorun.runs.events_folder import events_path, write_run_events
from neurorun.runs.gaze_reviews import GazeReview, review_path, write_gaze_review
from neurorun.runs.kept import kept_path
from neurorun.runs.pictures import PICTURES_MANIFEST, picture_path, write_picture
from neurorun.runs.probabilities import (
    Probabilities,
    probabilities_path,
    write_probabilities,
)
from neurorun.runs.record import utc_now
from neurorun.runs.strips import Strip, strip_path, write_strip
from neurorun.runs.tables_folder import TABLES_MANIFEST, table_path, write_named_table


class KeptWriter(ABC):
    """Writes what is kept of one split.

    Attributes
    ----------
    folder : where it lies; read again by ``Kept(folder)``
    """

    folder: Path

    @abstractmethod
    def _writing(self, *names: str) -> AbstractContextManager[None]:
        """Note which files of the folder change, and tell a refusing disk as a fault of the run."""

    def write_events(self, timeline: Timeline) -> None:
        """Record the detected events of one recording."""
        with self._writing(events_path(timeline.recording_id)):
            write_run_events(self.folder, timeline)

    def write_probabilities(self, probabilities: Probabilities) -> None:
        """Record what the model said about one recording, before any threshold."""
        with self._writing(probabilities_path(probabilities.recording_id)):
            write_probabilities(self.folder, probabilities)

    def write_strip(self, strip: Strip) -> None:
        """Record a short piece of one recording for reports."""
        with self._writing(strip_path(strip.recording_id)):
            write_strip(self.folder, strip)

    def write_cortex(self, cortex: Cortex) -> None:
        """Record the surface on which estimates are drawn."""
        with self._writing(CORTEX):
            write_cortex(self.folder, cortex)

    def write_estimate(self, kept: KeptEstimate) -> None:
        """Record true and estimated region activity of one example."""
        with self._writing(estimate_path(kept.example)):
            write_estimate(self.folder, kept)

    def write_table(self, name: str, rows: Sequence[Mapping[str, Any]], *, caption: str) -> None:
        """Record a table that has no file of its own; one of the same name is replaced.

        Parameters
        ----------
        rows : the same columns in each; None or NaN where undefined
        caption : one sentence that says what the table shows
        """
        with self._writing(TABLES_MANIFEST, table_path(name)):
            write_named_table(self.folder, name, rows, caption=caption)

    def write_picture(self, name: str, png: bytes, *, caption: str) -> None:
        """Record a picture; one of the same name is replaced.

        Parameters
        ----------
        png : the bytes of the file
        caption : one sentence that says what the picture shows
        """
        with self._writing(PICTURES_MANIFEST, picture_path(name)):
            write_picture(self.folder, name, png, caption=caption)

    def write_attention_map(self, attention: AttentionMap) -> MapEntry:
        """Record the attention map of one recording; return its line of the table of contents."""
        with self._writing(attention_path(attention.file_id)):
            return write_attention_map(self.folder, attention, saved_at=utc_now())

    def write_attention_index(self, entries: Sequence[MapEntry] = ()) -> None:
        """Record the table of contents of the attention maps that lie in the folder.

        Parameters
        ----------
        entries : lines of maps that were just written, which then need not be read
        """
        with self._writing(ATTENTION_MANIFEST, ATTENTION_METADATA):
            write_attention_index(self.folder, created=utc_now(), entries=entries)

    def write_gaze_review(self, review: GazeReview) -> None:
        """Record some pages of one window with attention and gaze, for reports."""
        with self._writing(review_path(review.window_id)):
            write_gaze_review(self.folder, review)


class OtherSplitWriter(KeptWriter):
    """Writes what is kept of a split other than validation, or of other data.

    Parameters
    ----------
    run_folder : the run
    split : the split, or the name of other data
    writing : of the run; takes paths relative to its folder
    """

    def __init__(
        self, run_folder: Path, split: str, writing: Callable[..., AbstractContextManager[None]]
    ) -> None:
        self._place = kept_path(split)
        self.folder = run_folder / self._place
        self._writing_of_run = writing

    def _writing(self, *names: str) -> AbstractContextManager[None]:
        return self._writing_of_run(*(f"{self._place}/{name}" for name in names))

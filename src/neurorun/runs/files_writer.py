"""What a run keeps beside its epochs and checkpoints: one method per file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
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
from neurorun.runs.confusion import CONFUSION, ConfusionMatrix, write_confusion_matrices
from neurorun.runs.distributions import (
    DISTRIBUTIONS,
    ClassDistribution,
    write_class_distributions,
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
from neurorun.runs.operating_points import (
    FA_CURVE,
    OPERATING_POINTS,
    ChosenPoint,
    FaCurve,
    write_fa_curves,
    write_operating_points,
)
from neurorun.runs.pictures import PICTURES_MANIFEST, picture_path, write_picture
from neurorun.runs.predictions import predictions_path, write_predictions
from neurorun.runs.probabilities import (
    Probabilities,
    probabilities_path,
    write_probabilities,
)
from neurorun.runs.record import RunRecord, utc_now
from neurorun.runs.scores import (
    SplitScores,
    split_scores_path,
    write_split_scores,
)
from neurorun.runs.splits import SPLITS, Splits, write_splits
from neurorun.runs.strips import Strip, strip_path, write_strip
from neurorun.runs.tables_folder import TABLES_MANIFEST, table_path, write_named_table


class RunFiles(ABC):
    """The part of a `RunWriter` that writes files of results."""

    folder: Path
    _record: RunRecord

    @abstractmethod
    def _writing(self, *names: str) -> AbstractContextManager[None]:
        """Note which files change, and tell a refusing disk as a fault of the run."""

    @abstractmethod
    def _save(self, record: RunRecord) -> None:
        """Write ``run.json``."""

    def write_splits(self, splits: Splits) -> None:
        """Record which recordings were trained on, validated on and tested on."""
        with self._writing(SPLITS):
            write_splits(self.folder, splits)

    def write_class_distributions(self, distributions: Sequence[ClassDistribution]) -> None:
        """Record how many items of each class the splits hold."""
        with self._writing(DISTRIBUTIONS):
            write_class_distributions(self.folder, distributions)

    def write_confusion_matrices(self, matrices: Sequence[ConfusionMatrix]) -> None:
        """Record how often which class was taken for which."""
        with self._writing(CONFUSION):
            write_confusion_matrices(self.folder, matrices)

    def write_operating_points(self, points: Sequence[ChosenPoint]) -> None:
        """Record the thresholds chosen on validation."""
        with self._writing(OPERATING_POINTS):
            write_operating_points(self.folder, points)

    def write_fa_curves(self, curves: Sequence[FaCurve]) -> None:
        """Record the curves from which thresholds were read."""
        with self._writing(FA_CURVE):
            write_fa_curves(self.folder, curves)

    def write_scores(self, scores: SplitScores) -> None:
        """Record the metrics of one split, measured with one checkpoint."""
        with self._writing(split_scores_path(scores.split)):
            write_split_scores(self.folder, scores)

    def write_predictions(
        self, rows: Sequence[Mapping[str, Any]], *, split: str = "validation"
    ) -> None:
        """Record one row per scored recording or image; every row has the same columns.

        While rows are replaced they are not listed, so that none is read with the columns of
        others.

        Parameters
        ----------
        rows : the first column names the item
        split : that was scored, or the name of other data
        """
        path = predictions_path(split)
        others = {name: kinds for name, kinds in self._record.tables.items() if name != path}
        if path in self._record.tables:
            self._save(replace(self._record, tables=others))
        with self._writing(path):
            kinds = write_predictions(self.folder, rows, split=split)
        self._save(replace(self._record, tables={**others, path: kinds}))

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

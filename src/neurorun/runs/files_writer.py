"""What a run tells of its data and of the splits that were scored: one method per file."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurorun.core import RunError
from neurorun.runs.attention import ATTENTION
from neurorun.runs.confusion import CONFUSION, ConfusionMatrix, add_confusion_matrices
from neurorun.runs.distributions import (
    DISTRIBUTIONS,
    ClassDistribution,
    write_class_distributions,
)
from neurorun.runs.kept import kept_path
from neurorun.runs.kept_writer import KeptWriter, OtherSplitWriter
from neurorun.runs.operating_points import (
    FA_CURVE,
    OPERATING_POINTS,
    ChosenPoint,
    FaCurve,
    add_fa_curves,
    write_operating_points,
)
from neurorun.runs.predictions import predictions_path, write_predictions
from neurorun.runs.record import RunRecord
from neurorun.runs.scores import (
    SplitScores,
    split_scores_path,
    write_split_scores,
)
from neurorun.runs.splits import SPLITS, Splits, write_splits


class RunFiles(KeptWriter):
    """The part of a `RunWriter` that writes files of results.

    What is written without naming a split belongs to validation.
    """

    _record: RunRecord

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
        """Record how often which class was taken for which; matrices of other datasets stay."""
        with self._writing(CONFUSION):
            add_confusion_matrices(self.folder, matrices)

    def write_operating_points(self, points: Sequence[ChosenPoint]) -> None:
        """Record the thresholds chosen on validation."""
        with self._writing(OPERATING_POINTS):
            write_operating_points(self.folder, points)

    def write_fa_curves(self, curves: Sequence[FaCurve]) -> None:
        """Record curves over all thresholds; those of other splits stay."""
        with self._writing(FA_CURVE):
            add_fa_curves(self.folder, curves)

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
        self._unlist_rows(path)
        with self._writing(path):
            kinds = write_predictions(self.folder, rows, split=split)
        self._save(replace(self._record, tables={**self._record.tables, path: kinds}))

    def of(self, split: str) -> KeptWriter:
        """What writes the tables, pictures, events and more that are kept of a split."""
        if split == "validation":
            return self
        return OtherSplitWriter(self.folder, split, self._writing)

    def forget(self, split: str) -> None:
        """Take away what was kept of a split before it is scored anew, its scores first.

        Attention maps stay: they tell by which weights they were made.

        Raises
        ------
        RunError : the split is validation, on which the run rests
        """
        if split == "validation":
            raise RunError(
                "What was kept of validation cannot be forgotten, since the run rests on it; "
                "only other splits may be scored anew."
            )
        self._remove(split_scores_path(split))
        self._unlist_rows(predictions_path(split))
        self._remove(predictions_path(split), *_files_kept_of(self.folder, split))

    def _unlist_rows(self, path: str) -> None:
        if path in self._record.tables:
            others = {name: kinds for name, kinds in self._record.tables.items() if name != path}
            self._save(replace(self._record, tables=others))

    def _remove(self, *names: str) -> None:
        with self._writing(*names):
            for name in names:
                (self.folder / name).unlink(missing_ok=True)


def _files_kept_of(folder: Path, split: str) -> list[str]:
    """Paths of what is kept of a split, without attention maps; tables of contents first."""
    files = [path for path in (folder / kept_path(split)).rglob("*") if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in files]
    others = [name for name in names if f"/{ATTENTION}/" not in name]
    return sorted(others, key=lambda name: (not name.endswith("/manifest.json"), name))

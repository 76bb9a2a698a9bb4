"""What crack segmentation measured on one split, and how a run folder keeps it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neurorun.evaluation import (
    MASK_MEASURES,
    MASK_SCORING_VERSION,
    MaskEvaluation,
    MaskEvaluationConfig,
    at_thresholds,
)
from neurorun.runs import Cell, ConfusionMatrix, KeptWriter, Run, RunWriter, utc_now

CLASSES = ("background", "crack")
THRESHOLD_CURVE = "threshold_curve"
CHOSEN_THRESHOLD = "chosen_threshold"
INTERVALS = "intervals"


@dataclass(frozen=True)
class Overlay:
    """A picture of one image with its hits and faults, and the words below it."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True, eq=False)
class CrackResults:
    """Scores of a network on one split, with the material that they rest on.

    Parameters
    ----------
    split : the split, or the name of other data
    evaluation : counts of every image and what follows from them
    config : how masks were compared
    overlays : pictures for the report
    """

    split: str
    evaluation: MaskEvaluation
    config: MaskEvaluationConfig
    overlays: tuple[Overlay, ...] = ()

    @property
    def metrics(self) -> Mapping[str, float]:
        """Values by declared name."""
        return self.evaluation.metrics

    @property
    def methods(self) -> Mapping[str, str]:
        """By which rules masks were compared."""
        return {
            "masks": MASK_SCORING_VERSION,
            "empty masks": self.config.empty_masks,
            "threshold": f"{self.config.threshold:g}",
        }

    @property
    def rows(self) -> Sequence[Mapping[str, Cell]]:
        """One row per image, the lowest intersection over union first."""
        rows = [one.to_row(self.config) for one in self.evaluation.images]
        return sorted(rows, key=lambda row: (_undefined_last(row["iou"]), row["image"]))

    def keep(self, record: RunWriter, *, epoch: int) -> None:
        """Write what the best checkpoint gives on the split into its run.

        The threshold is that of validation; other splits leave it as it is.

        Parameters
        ----------
        epoch : of the best checkpoint
        """
        counts = self.evaluation.counts
        matrix = ((counts.tn, counts.fp), (counts.fn, counts.tp))
        record.write_predictions(self.rows, split=self.split)
        record.write_confusion_matrices(
            [ConfusionMatrix(self.split, CLASSES, matrix, utc_now(), epoch)]
        )
        kept = record.of(self.split)
        self._keep_tables(kept)
        if self.split == "validation":
            self._keep_threshold(kept)
        for overlay in self.overlays:
            kept.write_picture(overlay.name, overlay.png, caption=overlay.caption)

    @property
    def _place(self) -> str:
        return f"{self.split}, all pixels together"

    def _keep_tables(self, kept: KeptWriter) -> None:
        found, place = self.evaluation, self._place
        kept.write_table(
            INTERVALS,
            self.interval_rows(),
            caption=(
                f"Bootstrap intervals (95 %) over the {len(found.images)} images of {place}, at a "
                f"threshold of {self.config.threshold:g}."
            ),
        )
        kept.write_table(
            THRESHOLD_CURVE,
            at_thresholds(found.curve),
            caption=f"Measures at every threshold, {place}.",
        )

    def _keep_threshold(self, kept: KeptWriter) -> None:
        chosen = self.evaluation.chosen_threshold
        kept.write_table(
            CHOSEN_THRESHOLD,
            [
                {
                    "threshold": math.nan if chosen is None else chosen,
                    "iou": self.metrics["val_iou_chosen"],
                }
            ],
            caption=f"Threshold with the highest intersection over union, {self._place}.",
        )

    def interval_rows(self) -> list[dict[str, Cell]]:
        """Value and interval of each pooled measure."""
        return [
            {
                "measure": name,
                "value": self.metrics[f"val_{name}"],
                "low": self.evaluation.intervals[name].low,
                "high": self.evaluation.intervals[name].high,
                "n_images": len(self.evaluation.images),
                "n_resamples": self.evaluation.intervals[name].n_resamples,
            }
            for name in MASK_MEASURES
        ]


def frozen_threshold(run: Run) -> float | None:
    """The threshold that a run chose on validation; None if there was nothing to choose by."""
    threshold = run.tables[CHOSEN_THRESHOLD].rows[0]["threshold"]
    assert isinstance(threshold, float)
    return None if math.isnan(threshold) else threshold


def _undefined_last(value: Cell) -> float:
    assert isinstance(value, float)
    return math.inf if math.isnan(value) else value

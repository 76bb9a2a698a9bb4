"""Counts at every threshold at once, so that a threshold can be chosen after the prediction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from neurorun.core import ScoringError
from neurorun.evaluation.masks import PixelCounts

THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(1, 100))
"""Probabilities that are tried: a pixel is predicted if its own is higher."""


@dataclass(frozen=True, eq=False)
class ThresholdCounts:
    """Predicted pixels at each of `THRESHOLDS`; counts of images may be added.

    Parameters
    ----------
    tp, fp : pixels predicted at each threshold, marked and not
    n_marked, n_other : pixels in all
    """

    tp: Int64[np.ndarray, " thresholds"]
    fp: Int64[np.ndarray, " thresholds"]
    n_marked: int
    n_other: int

    @classmethod
    def none(cls) -> "ThresholdCounts":
        """Counts of no pixel."""
        zeros = np.zeros(len(THRESHOLDS), np.int64)
        return cls(zeros, zeros, 0, 0)

    @classmethod
    def between(
        cls,
        reference: Bool[np.ndarray, "height width"],
        probabilities: Float32[np.ndarray, "height width"],
    ) -> "ThresholdCounts":
        """Compare probabilities with a mask of the same image.

        Raises
        ------
        ScoringError : a probability lies outside [0, 1] or is not a number
        """
        check_mask_probabilities(probabilities)
        # as many thresholds lie below a probability as it passes
        passed = np.searchsorted(
            np.array(THRESHOLDS, np.float32), probabilities.ravel(), side="left"
        )
        marked = reference.ravel()
        return cls(
            tp=_at_each(passed[marked]),
            fp=_at_each(passed[~marked]),
            n_marked=int(np.count_nonzero(marked)),
            n_other=int(np.count_nonzero(~marked)),
        )

    def __add__(self, other: "ThresholdCounts") -> "ThresholdCounts":
        return ThresholdCounts(
            self.tp + other.tp,
            self.fp + other.fp,
            self.n_marked + other.n_marked,
            self.n_other + other.n_other,
        )

    def counts(self) -> tuple[PixelCounts, ...]:
        """Counts at every threshold, from the lowest."""
        return tuple(self.at(threshold) for threshold in THRESHOLDS)

    def at(self, threshold: float) -> PixelCounts:
        """Counts at one of `THRESHOLDS`."""
        place = THRESHOLDS.index(threshold)
        tp, fp = int(self.tp[place]), int(self.fp[place])
        return PixelCounts(tp=tp, fp=fp, fn=self.n_marked - tp, tn=self.n_other - fp)

    def best_threshold(self) -> float | None:
        """Threshold with the highest pooled intersection over union; None if nothing is marked.

        Of equal ones the one nearest to 0.5 is taken.
        """
        if not self.n_marked:
            return None
        return min(
            zip(THRESHOLDS, self.counts(), strict=True),
            key=lambda one: (-one[1].iou, abs(one[0] - 0.5)),
        )[0]


def _at_each(passed: Int64[np.ndarray, " pixels"]) -> Int64[np.ndarray, " thresholds"]:
    """Count, for every threshold, the pixels that pass it."""
    exactly = np.bincount(passed, minlength=len(THRESHOLDS) + 1)
    return np.cumsum(exactly[::-1])[::-1][1:].astype(np.int64)


def check_mask_probabilities(probabilities: Float32[np.ndarray, "height width"]) -> None:
    """Refuse what is not a probability.

    Raises
    ------
    ScoringError : a value lies outside [0, 1] or is not a number
    """
    lowest, highest = float(probabilities.min()), float(probabilities.max())
    if not (lowest >= 0 and highest <= 1):
        raise ScoringError(
            f"Probabilities of an image reach from {lowest:g} to {highest:g}; 0 to 1 is needed. "
            "Take the sigmoid of logits, once."
        )


def at_thresholds(curve: ThresholdCounts) -> Sequence[dict[str, float]]:
    """The curve as rows of a table: threshold, precision, recall, IoU and Dice."""
    return [
        {
            "threshold": threshold,
            "precision": counts.precision,
            "recall": counts.recall,
            "iou": counts.iou,
            "dice": counts.dice,
        }
        for threshold, counts in zip(THRESHOLDS, curve.counts(), strict=True)
    ]

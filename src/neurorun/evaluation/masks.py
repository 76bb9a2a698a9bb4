"""Compare two masks of one image, pixel by pixel.

Counts of images may be added; every ratio is made of counts, so a measure of many images is that of
all their pixels together ("pooled"), or the mean of the images' own measures, and is named so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from neurorun.evaluation.measures import ratio

EmptyMasks = Literal["undefined", "one"]

MASK_MEASURES = ("iou", "dice", "precision", "recall", "f1", "accuracy")
"""Names of what `PixelCounts.measure` gives, in the order in which it is reported."""


@dataclass(frozen=True, slots=True)
class PixelCounts:
    """Pixels by what is marked in the reference and what was predicted.

    A ratio without denominator is NaN: precision where nothing was predicted, recall where nothing
    is marked, and all but accuracy where both masks are empty.

    Parameters
    ----------
    tp, fn : marked pixels that were predicted, and that were not
    fp, tn : other pixels that were predicted, and that were not

    Examples
    --------
    >>> counts = PixelCounts(tp=3, fp=1, fn=2) + PixelCounts(tn=4)
    >>> counts.iou, counts.precision, counts.recall, counts.accuracy
    (0.5, 0.75, 0.6, 0.7)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def between(
        cls,
        reference: Bool[np.ndarray, "height width"],
        predicted: Bool[np.ndarray, "height width"],
    ) -> "PixelCounts":
        """Compare two masks of the same image."""
        tp = int(np.count_nonzero(reference & predicted))
        fn = int(np.count_nonzero(reference)) - tp
        fp = int(np.count_nonzero(predicted)) - tp
        return cls(tp=tp, fp=fp, fn=fn, tn=reference.size - tp - fn - fp)

    def __add__(self, other: "PixelCounts") -> "PixelCounts":
        return PixelCounts(
            tp=self.tp + other.tp,
            fp=self.fp + other.fp,
            fn=self.fn + other.fn,
            tn=self.tn + other.tn,
        )

    @property
    def both_empty(self) -> bool:
        """Whether nothing is marked and nothing was predicted."""
        return self.tp + self.fp + self.fn == 0

    @property
    def iou(self) -> float:
        """Intersection over union, the Jaccard index."""
        return ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def dice(self) -> float:
        """Twice the intersection over the sum of both areas."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: the same number as `dice`."""
        return self.dice

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that are marked."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the marked pixels that were predicted."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def accuracy(self) -> float:
        """Share of all pixels that are right; high for any mask of something small."""
        return ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    def measure(self, name: str, *, empty: EmptyMasks = "undefined") -> float:
        """One of `MASK_MEASURES`.

        Parameters
        ----------
        empty : what holds where both masks are empty
            ``undefined`` : NaN, for there is nothing to divide by. ``one`` : 1, for nothing was to
            be found and nothing was predicted.

        Examples
        --------
        >>> nothing = PixelCounts(tn=100)
        >>> nothing.measure("iou"), nothing.measure("iou", empty="one")
        (nan, 1.0)
        """
        if self.both_empty and empty == "one":
            return 1.0
        value: float = getattr(self, name)
        return value


def mean_of_images(values: Sequence[float]) -> float:
    """Mean of the defined values; NaN if there is none.

    >>> mean_of_images([0.5, math.nan, 1.0])
    0.75
    """
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan

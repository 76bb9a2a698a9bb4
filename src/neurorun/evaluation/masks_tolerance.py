"""Compare two masks with a tolerance: a border drawn a pixel aside is no fault.

A predicted pixel is right if a marked one lies within the radius, a marked pixel is found if a
predicted one does, both by the Euclidean distance of pixel centres. So two sets of hits are
counted, one for precision and one for recall; a radius of 0 gives the plain measures.

References
----------
.. [1] Shi, Cui, Qi, Meng, Chen, "Automatic road crack detection using random structured forests",
   IEEE Transactions on Intelligent Transportation Systems 17, 2016: predicted pixels within a
   margin of a marked one count as true positives.
.. [2] Martin, Fowlkes, Malik, "Learning to detect natural image boundaries using local brightness,
   color, and texture cues", IEEE TPAMI 26, 2004: precision and recall with their own hits.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from neurorun.core import ScoringError
from neurorun.evaluation.measures import ratio


@dataclass(frozen=True, slots=True)
class ToleranceCounts:
    """Pixels of both masks, and how many of them have one of the other mask nearby.

    Parameters
    ----------
    radius_px : how near is near, >= 0
    predicted, predicted_near : predicted pixels, and those near a marked one
    marked, marked_near : marked pixels, and those near a predicted one

    Examples
    --------
    >>> line, aside = np.zeros((2, 9, 9), bool)
    >>> line[4], aside[5] = True, True
    >>> tolerance_counts(line, aside, radius_px=1).f1, tolerance_counts(line, aside, radius_px=0).f1
    (1.0, 0.0)
    """

    radius_px: float
    predicted: int = 0
    predicted_near: int = 0
    marked: int = 0
    marked_near: int = 0

    def __add__(self, other: "ToleranceCounts") -> "ToleranceCounts":
        if other.radius_px != self.radius_px:
            raise ScoringError(
                f"Counts within {self.radius_px:g} and {other.radius_px:g} pixels cannot be added; "
                "only those of one radius can. Count again."
            )
        return ToleranceCounts(
            self.radius_px,
            predicted=self.predicted + other.predicted,
            predicted_near=self.predicted_near + other.predicted_near,
            marked=self.marked + other.marked,
            marked_near=self.marked_near + other.marked_near,
        )

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that lie near a marked one; NaN if none was predicted."""
        return ratio(self.predicted_near, self.predicted)

    @property
    def recall(self) -> float:
        """Share of the marked pixels that lie near a predicted one; NaN if none is marked."""
        return ratio(self.marked_near, self.marked)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 if only one mask is empty, NaN if both are."""
        if not (self.predicted and self.marked):
            return ratio(0, self.predicted + self.marked)
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def iou(self) -> float:
        """The intersection over union that belongs to this F1, ``f1 / (2 - f1)``."""
        return self.f1 / (2 - self.f1)


def tolerance_counts(
    reference: Bool[np.ndarray, "height width"],
    predicted: Bool[np.ndarray, "height width"],
    *,
    radius_px: float,
) -> ToleranceCounts:
    """Compare two masks of one image within a radius.

    Parameters
    ----------
    radius_px : pixels, >= 0
    """
    return ToleranceCounts(
        radius_px,
        predicted=int(np.count_nonzero(predicted)),
        predicted_near=_n_near(predicted, reference, radius_px),
        marked=int(np.count_nonzero(reference)),
        marked_near=_n_near(reference, predicted, radius_px),
    )


def _n_near(
    mask: Bool[np.ndarray, "height width"],
    other: Bool[np.ndarray, "height width"],
    radius_px: float,
) -> int:
    """Count the pixels of a mask that have one of the other within the radius."""
    from scipy.ndimage import distance_transform_edt

    if not other.any():
        return 0
    return int(np.count_nonzero(distance_transform_edt(~other)[mask] <= radius_px))

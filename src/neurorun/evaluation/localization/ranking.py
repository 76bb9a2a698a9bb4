"""How well strengths separate active from silent regions, at every threshold together."""

import math

import numpy as np
from jaxtyping import Bool, Float64


class RankedRegions:
    """Regions in the order of their strength, each with a weight.

    Parameters
    ----------
    strengths : of an estimate
    active : where there truly is a source
    weights : 1 each, or areas

    Examples
    --------
    >>> ranked = RankedRegions(
    ...     np.array([0.9, 0.4, 0.6, 0.1]), np.array([True, True, False, False]), np.ones(4)
    ... )
    >>> ranked.auroc(), round(ranked.average_precision(), 4), round(ranked.best_f1(), 4)
    (0.75, 0.8333, 0.8)
    """

    def __init__(
        self,
        strengths: Float64[np.ndarray, " regions"],
        active: Bool[np.ndarray, " regions"],
        weights: Float64[np.ndarray, " regions"],
    ) -> None:
        levels, place = np.unique(-strengths, return_inverse=True)
        n = levels.size
        self._hit = np.cumsum(np.bincount(place, weights * active, minlength=n))
        self._false = np.cumsum(np.bincount(place, weights * ~active, minlength=n))

    def auroc(self) -> float:
        """Area under the receiver operating characteristic, ties counting half; NaN for one kind.

        It is the chance that of an active and a silent region, drawn by weight, the active one is
        the stronger.
        """
        positive, negative = self._hit[-1], self._false[-1]
        if not (positive > 0 and negative > 0):
            return math.nan
        hit = np.concatenate([[0.0], self._hit])
        steps = np.diff(self._false, prepend=0.0)
        return float(np.sum((hit[1:] + hit[:-1]) / 2 * steps) / (positive * negative))

    def average_precision(self) -> float:
        """Mean precision over the steps of recall; NaN without an active region."""
        positive = self._hit[-1]
        if not positive > 0:
            return math.nan
        gained = np.diff(self._hit, prepend=0.0) / positive
        return float(np.sum(gained * self._hit / (self._hit + self._false)))

    def best_f1(self) -> float:
        """F1 at the threshold that the truth would choose; NaN without an active region."""
        positive = self._hit[-1]
        if not positive > 0:
            return math.nan
        return float(np.max(2 * self._hit / (positive + self._hit + self._false)))

"""Measures of single samples: how well probabilities separate seizure from background.

They need no threshold, or count every sample alike; clinical questions are about events. Samples
without prediction are left out.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from neurorun.evaluation.measures import ratio
from neurorun.evaluation.postprocessing import check_probabilities


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """Samples by what was annotated and what was detected; counts of recordings may be added.

    Parameters
    ----------
    tp, fn : seizure samples inside and outside detected events
    fp, tn : background samples inside and outside detected events

    Examples
    --------
    >>> (SampleCounts(tp=1, fn=1) + SampleCounts(fp=1, tn=3)).specificity
    0.75
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def between(
        cls,
        reference: Bool[np.ndarray, " samples"],
        detected: Bool[np.ndarray, " samples"],
    ) -> "SampleCounts":
        """Compare two masks of the same samples."""
        tp = int(np.count_nonzero(reference & detected))
        fn = int(np.count_nonzero(reference)) - tp
        fp = int(np.count_nonzero(detected)) - tp
        return cls(tp=tp, fp=fp, fn=fn, tn=reference.size - tp - fn - fp)

    def __add__(self, other: "SampleCounts") -> "SampleCounts":
        return SampleCounts(
            tp=self.tp + other.tp,
            fp=self.fp + other.fp,
            fn=self.fn + other.fn,
            tn=self.tn + other.tn,
        )

    @property
    def specificity(self) -> float:
        """Share of background samples outside detected events; NaN without background."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def sensitivity(self) -> float:
        """Share of seizure samples inside detected events; NaN without seizure."""
        return ratio(self.tp, self.tp + self.fn)


class RankedSamples:
    """Collects samples of any number of recordings and measures how they are ranked.

    Up to 67 million samples (73 hours at 256 Hz) the measures are exact: each is kept in four
    bytes, background is sorted once, and the seizure samples, which are few, are looked up in it.
    Of more samples only counts are kept, of probabilities rounded down to 17 significant bits, so
    that memory stays where it is; values that fall together then count as ties.

    Examples
    --------
    >>> samples = RankedSamples()
    >>> samples.add(np.float32([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    >>> samples.auroc()
    0.75
    """

    def __init__(self) -> None:
        self._seizure: list[np.ndarray] = []
        self._background: list[np.ndarray] = []
        self._n_kept = 0
        self._counts: np.ndarray | None = None
        self._known: _Ranks | None = None

    def add(
        self,
        probabilities: Float32[np.ndarray, " samples"],
        reference: Bool[np.ndarray, " samples"],
    ) -> None:
        """Add samples; those without prediction (NaN) are left out.

        Raises
        ------
        ScoringError : a value lies outside [0, 1]
        """
        check_probabilities(probabilities)
        is_known = ~np.isnan(probabilities)
        self._seizure.append(probabilities[is_known & reference])
        self._background.append(probabilities[is_known & ~reference])
        self._n_kept += probabilities.size
        self._known = None
        if self._counts is not None or self._n_kept > _MOST_KEPT:
            self._count()

    def auroc(self) -> float:
        """Area under the receiver operating characteristic, ties counting half [1]_.

        NaN unless there are seizure and background samples.

        References
        ----------
        .. [1] Hanley, McNeil, "The meaning and use of the area under a receiver operating
           characteristic (ROC) curve", Radiology 143, 1982.
        """
        ranks = self._ranks()
        n_ordered_twice = int(np.dot(ranks.n_seizure, ranks.n_below + ranks.n_not_above))
        return ratio(n_ordered_twice, 2 * int(ranks.n_seizure.sum()) * ranks.n_background)

    def auprc(self) -> float:
        """Average precision, the step-wise area under the precision-recall curve [1]_.

        NaN without seizure samples.

        References
        ----------
        .. [1] Davis, Goadrich, "The relationship between precision-recall and ROC curves",
           ICML 2006; summed without interpolation as in scikit-learn.
        """
        ranks = self._ranks()
        n_seizure = int(ranks.n_seizure.sum())
        if not n_seizure:
            return math.nan
        n_found = np.cumsum(ranks.n_seizure[::-1])[::-1]
        n_false = ranks.n_background - ranks.n_below
        return float(np.dot(ranks.n_seizure / n_seizure, n_found / (n_found + n_false)))

    def _count(self) -> None:
        """Count the samples kept so far, and keep them no longer."""
        if self._counts is None:
            self._counts = np.zeros((2, (_BITS_OF_ONE >> _DROPPED_BITS) + 1), dtype=np.int64)
        for counts, kept in zip(self._counts, (self._background, self._seizure), strict=True):
            while kept:
                bits = (kept.pop() + np.float32(0)).view(np.uint32)  # the sum has no negative zero
                np.add.at(counts, bits >> _DROPPED_BITS, 1)

    def _ranks(self) -> "_Ranks":
        if self._counts is not None:
            background, seizure = self._counts
            n_not_above = np.cumsum(background)
            found = np.flatnonzero(seizure)
            return _Ranks(
                seizure[found],
                n_not_above[found] - background[found],
                n_not_above[found],
                int(n_not_above[-1]),
            )
        if self._known is None:
            background = np.concatenate([_NONE, *self._background])
            background.sort()
            self._background = [background]
            values, n_seizure = np.unique(
                np.concatenate([_NONE, *self._seizure]), return_counts=True
            )
            self._known = _Ranks(
                n_seizure.astype(np.int64),
                np.searchsorted(background, values, side="left"),
                np.searchsorted(background, values, side="right"),
                background.size,
            )
        return self._known


class _Ranks(NamedTuple):
    """Where the values of seizure samples, increasing, lie among the background samples."""

    n_seizure: Int64[np.ndarray, " values"]
    n_below: Int64[np.ndarray, " values"]
    n_not_above: Int64[np.ndarray, " values"]
    n_background: int


class Calibration:
    """Collects samples of any number of recordings and measures whether probabilities mean rates.

    Only sums are kept, so a split of any size needs no memory.

    Examples
    --------
    >>> samples = Calibration()
    >>> samples.add(np.float32([0.0, 0.5, 0.5, 1.0]), np.array([False, False, True, True]))
    >>> samples.brier(), samples.ece()
    (0.125, 0.0)
    """

    N_BINS = 15
    """Bins of [0, 1], equally wide; each holds its lower end, the last one both."""

    def __init__(self) -> None:
        self._n_samples = np.zeros(self.N_BINS, dtype=np.int64)
        self._n_seizure = np.zeros(self.N_BINS, dtype=np.int64)
        self._sum_p = np.zeros(self.N_BINS)
        self._squares = 0.0

    def add(
        self,
        probabilities: Float32[np.ndarray, " samples"],
        reference: Bool[np.ndarray, " samples"],
    ) -> None:
        """Add samples; those without prediction (NaN) are left out.

        Raises
        ------
        ScoringError : a value lies outside [0, 1]
        """
        check_probabilities(probabilities)
        for first in range(0, probabilities.size, _BLOCK):
            p = probabilities[first : first + _BLOCK]
            is_known = ~np.isnan(p)
            self._add(p[is_known].astype(np.float64), reference[first : first + _BLOCK][is_known])

    def _add(self, p: Float64[np.ndarray, " _"], is_seizure: Bool[np.ndarray, " _"]) -> None:
        bins = np.minimum((p * self.N_BINS).astype(np.intp), self.N_BINS - 1)
        self._n_samples += np.bincount(bins, minlength=self.N_BINS)
        self._n_seizure += np.bincount(bins[is_seizure], minlength=self.N_BINS)
        self._sum_p += np.bincount(bins, weights=p, minlength=self.N_BINS)
        error = p - is_seizure
        self._squares += float(np.square(error, out=error).sum())

    def brier(self) -> float:
        """Mean squared difference of probability and outcome [1]_; NaN without samples.

        References
        ----------
        .. [1] Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
           Review 78(1), 1950; the form for two classes.
        """
        return ratio(self._squares, int(self._n_samples.sum()))

    def ece(self) -> float:
        """Expected calibration error [1]_; NaN without samples.

        In 15 equally wide bins of probability, the difference of mean probability and share of
        seizure samples, weighted by the samples of the bin. A bin holds its lower end and the last
        one also 1, so that every probability, 0 included, lies in exactly one.

        References
        ----------
        .. [1] Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017,
           equation 3; there a bin holds its upper end, which would leave out a probability of 0.
        """
        gaps = np.abs(self._sum_p - self._n_seizure)
        return ratio(float(gaps.sum()), int(self._n_samples.sum()))


_BLOCK = 1 << 16  # samples that stay in the processor's cache from one step to the next
_NONE = np.empty(0, dtype=np.float32)
_MOST_KEPT = 1 << 26  # samples, 256 megabytes
_BITS_OF_ONE = 0x3F800000  # of 1.0 as float32; those of smaller positive numbers are smaller
_DROPPED_BITS = 7

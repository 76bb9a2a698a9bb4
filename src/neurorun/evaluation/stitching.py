"""Overlapping windows become one probability per sample.

A sample that no window covers has no prediction: it is NaN, which no threshold passes.
"""

from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from neurorun.core import Config, ScoringError

Method = Literal["overlap_add", "overlap_add_weighted", "max"]


class StitchingConfig(Config):
    """How overlapping windows become one probability per sample."""

    method: Method = "overlap_add"
    """``overlap_add``: mean of the windows over a sample; ``overlap_add_weighted``: mean that
    trusts a window's middle twice as much as its ends; ``max``: highest of the windows."""


class Stitcher:
    """Collects the windows of one stretch, batch by batch, without holding them.

    Parameters
    ----------
    n_samples : length of the stretch, > 0
    method : as in `StitchingConfig`

    Examples
    --------
    >>> stitcher = Stitcher(4, method="overlap_add")
    >>> stitcher.add(np.float32([[0.25, 0.25]]), np.array([0]))
    >>> stitcher.add(np.float32([[0.75, 0.75]]), np.array([1]))
    >>> stitcher.result().tolist()
    [0.25, 0.5, 0.75, nan]
    """

    def __init__(self, n_samples: int, *, method: Method) -> None:
        self._method = method
        self._total = np.zeros(n_samples, dtype=np.float32)
        self._weight = np.zeros(n_samples, dtype=np.float32)

    def add(
        self,
        probabilities: Float32[np.ndarray, "windows samples"],
        starts: Int64[np.ndarray, " windows"],
    ) -> None:
        """Add windows; the result does not depend on how they are divided into batches.

        Parameters
        ----------
        probabilities : [0, 1], one row per window
        starts : first sample of every window in the stretch

        Raises
        ------
        ScoringError : a window leaves the stretch, or a value is not a probability
        """
        self._check(probabilities, starts)
        _add(self._total, self._weight, probabilities, starts, method=self._method)

    def result(self) -> Float32[np.ndarray, " samples"]:
        """Return the probabilities so far, NaN where no window lies."""
        return _divided(self._total, self._weight)

    def _check(
        self,
        probabilities: Float32[np.ndarray, "windows samples"],
        starts: Int64[np.ndarray, " windows"],
    ) -> None:
        last = self._total.size - probabilities.shape[1]
        outside = starts[(starts < 0) | (starts > last)]
        if outside.size:
            raise ScoringError(
                f"A window of {probabilities.shape[1]} samples starts at sample {outside[0]} of a "
                f"stretch of {self._total.size}; it must start between 0 and {last}. Let the last "
                "window end with the stretch."
            )
        _refuse_what_is_no_probability(probabilities, starts)


class RollingStitcher:
    """Stitches the windows of one stretch in order, and gives what no later window can change.

    The probabilities are those of `Stitcher`, to the bit; memory holds a window or two, however
    long the stretch.

    Parameters
    ----------
    method : as in `StitchingConfig`

    Examples
    --------
    >>> stitcher = RollingStitcher(method="overlap_add")
    >>> stitcher.add(np.float32([[0.25, 0.25]]), np.array([0])).tolist()
    [0.25]
    >>> stitcher.add(np.float32([[0.75, 0.75]]), np.array([1])).tolist()
    [0.5]
    >>> stitcher.finish().tolist()
    [0.75]
    """

    def __init__(self, *, method: Method) -> None:
        self._method = method
        self._first, self._last_start = 0, -1
        self._total = np.zeros(0, dtype=np.float32)
        self._weight = np.zeros(0, dtype=np.float32)

    def add(
        self,
        probabilities: Float32[np.ndarray, "windows samples"],
        starts: Int64[np.ndarray, " windows"],
    ) -> Float32[np.ndarray, " ready"]:
        """Add windows; return the samples up to the start of the last, which are final now.

        Parameters
        ----------
        probabilities : [0, 1], one row per window
        starts : first sample of every window in the stretch, each later than the one before

        Raises
        ------
        ScoringError : the windows are not in order, or a value is not a probability
        """
        order = [self._last_start, *starts.tolist()]
        if any(later <= earlier for earlier, later in pairwise(order)):
            raise ScoringError(
                f"Windows start at samples {starts.tolist()} after one at {self._last_start}; what "
                "lies before the last start was given out already. Add them in order of time."
            )
        _refuse_what_is_no_probability(probabilities, starts)
        if not starts.size:
            return np.zeros(0, dtype=np.float32)
        self._last_start = int(starts[-1])
        missing = self._last_start + probabilities.shape[1] - self._first - self._total.size
        self._total, self._weight = (
            np.pad(x, (0, max(0, missing))) for x in (self._total, self._weight)
        )
        _add(self._total, self._weight, probabilities, starts - self._first, method=self._method)
        return self._take(self._last_start + 1 - self._first)

    def finish(self) -> Float32[np.ndarray, " rest"]:
        """Return the rest, up to the end of the last window."""
        return self._take(self._total.size)

    def _take(self, n_samples: int) -> Float32[np.ndarray, " {n_samples}"]:
        ready = _divided(self._total[:n_samples], self._weight[:n_samples])
        self._total, self._weight = self._total[n_samples:], self._weight[n_samples:]
        self._first += n_samples
        return ready


def _add(
    totals: Float32[np.ndarray, " stretch"],
    all_weights: Float32[np.ndarray, " stretch"],
    probabilities: Float32[np.ndarray, "windows samples"],
    starts: Int64[np.ndarray, " windows"],
    *,
    method: Method,
) -> None:
    """Add windows to the weighted sum, and to the sum of the weights, of a stretch."""
    length = probabilities.shape[1]
    weights = _triangle(length) if method == "overlap_add_weighted" else np.float32(1)
    for window, start in zip(probabilities, starts.tolist(), strict=True):
        total, weight = (x[start : start + length] for x in (totals, all_weights))
        if method == "max":
            np.maximum(total, window, out=total)
            weight[:] = 1
        else:
            total += window * weights
            weight += weights


def _divided(
    total: Float32[np.ndarray, " samples"], weight: Float32[np.ndarray, " samples"]
) -> Float32[np.ndarray, " samples"]:
    stitched = np.full(total.size, np.nan, dtype=np.float32)
    np.divide(total, weight, out=stitched, where=weight > 0)
    return np.clip(stitched, 0, 1, out=stitched)


def _refuse_what_is_no_probability(
    probabilities: Float32[np.ndarray, "windows samples"], starts: Int64[np.ndarray, " windows"]
) -> None:
    wrong = np.flatnonzero(~((probabilities >= 0) & (probabilities <= 1)).all(axis=1))
    if wrong.size:
        raise ScoringError(
            f"The window at sample {starts[wrong[0]]} ranges from "
            f"{probabilities[wrong[0]].min():g} to {probabilities[wrong[0]].max():g}; "
            "probabilities lie in [0, 1]. Check the model's output for NaN, and pass logits "
            "through the logistic function first."
        )


def _triangle(length: int) -> Float32[np.ndarray, " samples"]:
    return (1 - 0.5 * np.abs(np.linspace(-1, 1, length))).astype(np.float32)


def stitch_windows(
    probabilities: Float32[np.ndarray, "windows samples"],
    starts: Int64[np.ndarray, " windows"],
    n_samples: int,
    *,
    method: Method = "overlap_add",
) -> Float32[np.ndarray, " {n_samples}"]:
    """Make one probability per sample of a stretch from overlapping windows.

    Parameters
    ----------
    probabilities : [0, 1], one row per window
    starts : first sample of every window in the stretch
    n_samples : length of the stretch
    method : as in `StitchingConfig`

    Returns
    -------
    Probabilities in [0, 1]; NaN, never 0, where no window lies.

    Raises
    ------
    ScoringError : a window leaves the stretch, or a value is not a probability

    Examples
    --------
    >>> windows = np.float32([[0.25, 0.25], [0.75, 0.75]])
    >>> stitch_windows(windows, np.array([0, 1]), 4, method="max").tolist()
    [0.25, 0.75, 0.75, nan]
    """
    stitcher = Stitcher(n_samples, method=method)
    stitcher.add(probabilities, starts)
    return stitcher.result()

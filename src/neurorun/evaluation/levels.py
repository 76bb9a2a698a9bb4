"""Hysteresis at many thresholds for little more than the price of one.

A stretch of at least ``min_offset_samples`` below a threshold is a window of that length whose
highest probability lies below it; a firm start is a window of ``min_onset_samples`` whose lowest
probability is at or above it. Both moving extremes are taken once, on probabilities rounded down
to the thresholds in question. They change so rarely that a threshold then costs a comparison of
some thousand values, not of the 22 million samples of a day at 256 Hz.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32, Int64, UInt

from neurorun.evaluation.hysteresis import HysteresisConfig, first_onsets
from neurorun.evaluation.spans import complement, spans_of

_BINS = 4096
_BLOCK = 1 << 16  # samples that stay in the processor's cache from one step to the next


class Levels:
    """The probabilities of one stretch, ready to be compared with any of a set of thresholds.

    Parameters
    ----------
    probabilities : [0, 1] or NaN, at least one sample
    thresholds : every ``tau_on`` and ``tau_off`` that will be asked for
    config : its least lengths are used, its thresholds are not

    Examples
    --------
    >>> config = HysteresisConfig(min_onset_samples=1, min_offset_samples=1)
    >>> levels = Levels(np.array([0.1, 0.6, 0.9], np.float32), [0.5, 0.4, 0.8, 0.7], config)
    >>> levels.spans(0.5, 0.4).tolist(), levels.spans(0.8, 0.7).tolist()
    ([[1, 3]], [[2, 3]])
    """

    def __init__(
        self,
        probabilities: Float32[np.ndarray, " samples"],
        thresholds: Iterable[float],
        config: HysteresisConfig,
    ) -> None:
        self._config = config
        self._n_samples = probabilities.size
        self._edges = np.unique(np.fromiter(thresholds, dtype=np.float32))
        ranks = _ranks(probabilities, self._edges)
        self._highest = _runs(_moving(ranks, config.min_offset_samples, np.maximum))
        self._lowest = _runs(_moving(ranks, config.min_onset_samples, np.minimum))

    def spans(self, tau_on: float, tau_off: float) -> Int64[np.ndarray, "_ 2"]:
        """Find what `hysteresis_spans` finds at these two of the thresholds."""
        onsets = self._windows(self._lowest, tau_on, at_least=True)[:, 0]
        if not onsets.size:
            return np.empty((0, 2), dtype=np.int64)
        low = self._windows(self._highest, tau_off, at_least=False)
        low[:, 1] += self._config.min_offset_samples - 1
        return first_onsets(onsets, complement(low, self._n_samples))

    def _windows(
        self, runs: tuple[np.ndarray, np.ndarray], threshold: float, *, at_least: bool
    ) -> Int64[np.ndarray, "_ 2"]:
        ranks, starts = runs
        if not ranks.size:
            return np.empty((0, 2), dtype=np.int64)
        rank = int(np.searchsorted(self._edges, np.float32(threshold), side="right"))
        return spans_of(ranks >= rank if at_least else ranks < rank, starts)


def _ranks(
    probabilities: Float32[np.ndarray, " samples"], edges: Float32[np.ndarray, " edges"]
) -> UInt[np.ndarray, " samples"]:
    """Count the edges at or below every probability; unknown ones have none.

    A table gives the count at the lower end of a probability's bin; comparing it with the few
    edges within the bin gives the rest, exactly.
    """
    bins = np.arange(_BINS + 1, dtype=np.float32) / _BINS
    at_bin = np.searchsorted(edges, bins, side="right").astype(np.min_scalar_type(edges.size))
    n_within = int(np.diff(at_bin.astype(np.int64), append=edges.size).max())
    next_edge = np.append(edges, np.float32(np.inf))
    ranks = np.empty(probabilities.size, dtype=at_bin.dtype)
    for first in range(0, probabilities.size, _BLOCK):
        block = probabilities[first : first + _BLOCK]
        is_unknown = np.isnan(block)
        known = np.where(is_unknown, np.float32(0), block)
        rank = at_bin[(known * np.float32(_BINS)).astype(np.int16)]
        for _ in range(n_within):
            rank += known >= next_edge[rank]
        rank[is_unknown] = 0
        ranks[first : first + _BLOCK] = rank
    return ranks


def _moving(
    ranks: UInt[np.ndarray, " samples"], length: int, extreme: np.ufunc
) -> UInt[np.ndarray, " windows"]:
    """Extreme of every window of ``length`` samples, by doubling; empty if there is none."""
    if ranks.size < length:
        return ranks[:0]
    width = 1
    while 2 * width <= length:
        ranks = extreme(ranks[:-width], ranks[width:])
        width *= 2
    rest = length - width
    return np.asarray(extreme(ranks[: ranks.size - rest], ranks[rest:]))


def _runs(ranks: UInt[np.ndarray, " windows"]) -> tuple[np.ndarray, np.ndarray]:
    """Ranks that differ from their neighbour, with where each begins and where all end."""
    flips = np.flatnonzero(ranks[1:] != ranks[:-1]) + 1
    starts = np.concatenate((np.zeros(min(ranks.size, 1), np.int64), flips))
    return ranks[starts], np.append(starts, ranks.size)

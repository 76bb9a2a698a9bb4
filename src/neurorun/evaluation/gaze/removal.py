"""Deletion and insertion: whether the decision rests on what the map points at.

Cells of a map (a channel for a second) are taken out of a recording, the highest first, or put
back in the same order. What stands in their place is the channel's own quiet stretch: zeros would
be a signal that no EEG holds.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from neurorun.core import ScoringError

REMOVED_FRACTIONS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Shares of the cells that are taken out or put back."""

Decide = Callable[[Float32[np.ndarray, "channels samples"]], float]
"""Probability of the class in question, given a signal."""


def quiet_version(
    signal: Float32[np.ndarray, "channels samples"], n_quiet: int
) -> Float32[np.ndarray, "channels samples"]:
    """Repeat the quietest stretch of every channel over the whole signal, back and forth.

    Parameters
    ----------
    n_quiet : samples of the stretch, at most those of the signal

    Raises
    ------
    ScoringError : the signal is shorter
    """
    n_samples = signal.shape[1]
    if not 1 <= n_quiet <= n_samples:
        raise ScoringError(
            f"A quiet stretch of {n_quiet} samples was asked of a signal of {n_samples}; it must "
            "not be longer. Give a shorter one."
        )
    starts = np.arange(0, n_samples - n_quiet + 1, max(1, n_quiet // 2))
    quiet = np.empty_like(signal)
    there_and_back = np.concatenate([np.arange(n_quiet), np.arange(n_quiet)[::-1]])
    places = np.resize(there_and_back, n_samples)
    for row, out in zip(signal, quiet, strict=True):
        powers = [float(np.var(row[start : start + n_quiet])) for start in starts]
        start = int(starts[int(np.argmin(powers))])
        out[:] = row[start : start + n_quiet][places]
    return quiet


def removal_order(scores: Float64[np.ndarray, "channels bins"]) -> Int64[np.ndarray, " cells"]:
    """Flat places of the cells, the highest first; ties in order of their places."""
    return np.argsort(-scores.ravel(), kind="stable").astype(np.int64)


def removal_curve(
    signal: Float32[np.ndarray, "channels samples"],
    order: Int64[np.ndarray, " cells"],
    decide: Decide,
    *,
    samples_per_bin: int,
    insert: bool = False,
    fractions: Sequence[float] = REMOVED_FRACTIONS,
) -> Float64[np.ndarray, " fractions"]:
    """Probabilities while more and more cells are taken out, or put back.

    Parameters
    ----------
    signal : of the window, without padding, at least as long as its cells
    order : of the cells, the first to go first
    decide : probability of the class that the whole signal is given
    insert : begin with the quiet version and put cells back
    """
    n_channels, n_samples = signal.shape
    n_bins = len(order) // n_channels
    quiet = quiet_version(signal, min(n_samples, 10 * samples_per_bin))
    values = []
    for fraction in fractions:
        taken = np.zeros(len(order), np.bool_)
        taken[order[: round(fraction * len(order))]] = True
        mask = _stretched(taken.reshape(n_channels, n_bins), samples_per_bin, n_samples)
        values.append(decide(np.where(mask != insert, quiet, signal).astype(np.float32)))
    return np.array(values, np.float64)


def _stretched(
    cells: Bool[np.ndarray, "channels bins"], samples_per_bin: int, n_samples: int
) -> Bool[np.ndarray, "channels samples"]:
    mask = np.repeat(cells, samples_per_bin, axis=1)[:, :n_samples]
    return np.pad(mask, ((0, 0), (0, n_samples - mask.shape[1])), mode="edge")


def area_under(
    values: Float64[np.ndarray, " fractions"], fractions: Sequence[float] = REMOVED_FRACTIONS
) -> float:
    """Area under a curve over fractions from 0 to 1, by trapezoids: small for good deletion.

    >>> area_under(np.array([1.0, 0.0]), (0.0, 1.0))
    0.5
    """
    widths = np.diff(fractions)
    return float((widths * (values[1:] + values[:-1]) / 2).sum())

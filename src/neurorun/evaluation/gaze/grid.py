"""Attention and gaze on a coarse grid: seconds, not samples.

At 20 ms a reader's fixation and a map are dominated by how exactly they lie on each other;
agreement is measured in bins of one second unless asked otherwise.
"""

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import ScoringError


def to_grid(
    values: Float32[np.ndarray, "channels samples"], samples_per_bin: int, *, n_valid: int
) -> Float64[np.ndarray, "channels bins"]:
    """Mean of a map in bins of time; padding and a last bin that is not whole are left out.

    Parameters
    ----------
    samples_per_bin : > 0
    n_valid : samples that were recorded

    Raises
    ------
    ScoringError : less than one bin was recorded

    Examples
    --------
    >>> to_grid(np.float32([[0, 2, 4, 6, 9]]), 2, n_valid=5).tolist()
    [[1.0, 5.0]]
    """
    n_bins = min(n_valid, values.shape[1]) // samples_per_bin
    if n_bins < 1:
        raise ScoringError(
            f"A map of {n_valid} recorded samples holds no whole bin of {samples_per_bin}; use "
            "shorter bins."
        )
    whole = values[:, : n_bins * samples_per_bin].astype(np.float64)
    means: Float64[np.ndarray, "channels bins"] = whole.reshape(
        len(values), n_bins, samples_per_bin
    ).mean(axis=2)
    return means


def counts_on_grid(
    rows: Float32[np.ndarray, "fixations channels"],
    times_s: Float64[np.ndarray, " fixations"],
    *,
    n_bins: int,
    bin_s: float,
) -> Float64[np.ndarray, "channels bins"]:
    """Count fixations per channel and bin.

    Parameters
    ----------
    rows : share of each fixation that falls on each channel
    times_s : from the start of the window; others than in its bins are left out
    """
    counts = np.zeros((rows.shape[1], n_bins))
    bins = np.floor(times_s / bin_s).astype(np.int64)
    inside = (bins >= 0) & (bins < n_bins)
    np.add.at(counts.T, bins[inside], rows[inside])
    return counts


def envelope_on_grid(
    signal: Float32[np.ndarray, "channels samples"], samples_per_bin: int, *, n_valid: int
) -> Float64[np.ndarray, "channels bins"]:
    """Root mean square of the signal in bins: where an eye that follows amplitude would look."""
    power = to_grid(np.square(signal), samples_per_bin, n_valid=n_valid)
    return np.asarray(np.sqrt(power))

"""Which regions an estimate calls active: a threshold on its strengths, whatever their scale."""

import numpy as np
from jaxtyping import Bool, Float, Float64

from neurorun.core import ScoringError


def strengths_of(estimate: Float[np.ndarray, "samples regions"]) -> Float64[np.ndarray, " regions"]:
    """Strength of every region: its largest deviation from its own mean in time.

    EEG says nothing of the mean, so a constant offset is not held for activity.

    Parameters
    ----------
    estimate : region activity, any unit; a single sample is taken as a map of strengths

    Raises
    ------
    ScoringError : a value is not finite

    Examples
    --------
    >>> strengths_of(np.array([[0.0, 5.0], [2.0, 5.0]])).tolist()
    [1.0, 0.0]
    """
    if not np.isfinite(estimate).all():
        raise ScoringError(
            f"The estimate holds {np.count_nonzero(~np.isfinite(estimate))} values that are not "
            "finite; only numbers can be scored. Look for the cause in the model or its input."
        )
    found: Float64[np.ndarray, " regions"]
    if len(estimate) == 1:
        found = np.abs(estimate[0]).astype(np.float64)
        return found
    middle = estimate.mean(axis=0, dtype=np.float64)
    found = np.maximum(estimate.max(axis=0) - middle, middle - estimate.min(axis=0))
    found[found <= _ROUNDING * np.abs(middle)] = 0.0
    return found


_ROUNDING = 1e-6
"""Share of its mean by which a constant in 32 bits may seem to move."""


def by_otsu(strengths: Float64[np.ndarray, " regions"]) -> Bool[np.ndarray, " regions"]:
    """Select the stronger of the two groups that differ most [1]_; none where all are equal.

    Every value is a possible threshold, so neither the scale of an estimate nor a number of bins
    changes what is selected.

    References
    ----------
    .. [1] Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions on
       Systems, Man and Cybernetics 9(1), 1979, equation 18.

    Examples
    --------
    >>> by_otsu(np.array([0.1, 0.2, 5.0, 6.0])).tolist()
    [False, False, True, True]
    """
    ordered = np.sort(strengths)
    if ordered[0] == ordered[-1]:
        return np.zeros(strengths.shape, dtype=np.bool_)
    sums = np.cumsum(ordered / ordered[-1])
    n_below = np.arange(1, ordered.size)
    n_above = ordered.size - n_below
    apart = (sums[-1] - sums[:-1]) / n_above - sums[:-1] / n_below
    between = np.where(ordered[1:] > ordered[:-1], n_below * n_above * apart**2, -1.0)
    selected: Bool[np.ndarray, " regions"] = strengths > ordered[int(between.argmax())]
    return selected


def by_share(
    strengths: Float64[np.ndarray, " regions"], share: float
) -> Bool[np.ndarray, " regions"]:
    """Select what is at least a share of the strongest; none where all is silent.

    >>> by_share(np.array([0.0, 0.5, 1.0]), 0.5).tolist()
    [False, True, True]
    """
    selected: Bool[np.ndarray, " regions"] = strengths >= share * strengths.max()
    return selected & (strengths > 0)

"""How far an attention map agrees with gaze: the measures of saliency research.

Maps are on one grid, channels by bins. ``attention`` and ``gaze`` are densities; ``fixations`` are
counts (or shares) of fixations per cell. What is undefined, such as the correlation of a constant
map, is NaN.

References
----------
.. [1] Bylinskii, Judd, Oliva, Torralba, Durand, "What do different evaluation metrics tell us about
   saliency models?", IEEE PAMI 41(3), 2019: CC, SIM, KL, NSS, AUC-Judd, shuffled AUC, information
   gain.
"""

import math

import numpy as np
from jaxtyping import Float64

from neurorun.evaluation.sample_metrics import RankedSamples

Grid = Float64[np.ndarray, "channels bins"]
_EPSILON = 2.220446049250313e-16


def gaze_correlation(attention: Grid, gaze: Grid) -> float:
    """Pearson's correlation of two maps (CC); -1 to 1.

    >>> gaze_correlation(np.array([[0.0, 1.0, 2.0]]), np.array([[1.0, 2.0, 3.0]]))
    1.0
    """
    first, second = attention - attention.mean(), gaze - gaze.mean()
    size = math.sqrt(float((first**2).sum()) * float((second**2).sum()))
    return float((first * second).sum() / size) if size > 0 else math.nan


def similarity(attention: Grid, gaze: Grid) -> float:
    """What both maps share when each sums to one (SIM); 0 to 1."""
    if not (attention.sum() > 0 and gaze.sum() > 0):
        return math.nan
    return float(np.minimum(attention / attention.sum(), gaze / gaze.sum()).sum())


def divergence(attention: Grid, gaze: Grid) -> float:
    """Kullback-Leibler divergence of gaze from attention in nats (KL); 0 is perfect."""
    if not (attention.sum() > 0 and gaze.sum() > 0):
        return math.nan
    p, q = attention / attention.sum(), gaze / gaze.sum()
    return float((q * np.log(_EPSILON + q / (p + _EPSILON))).sum())


def scanpath_saliency(attention: Grid, fixations: Grid) -> float:
    """Mean of the standardized map at fixations (NSS); 0 is chance.

    >>> at_its_peak = np.array([[0.0, 0.0, 0.0, 1.0]])
    >>> round(scanpath_saliency(4 * at_its_peak, at_its_peak), 6)
    1.732051
    """
    spread = float(attention.std())
    if not (spread > 0 and fixations.sum() > 0):
        return math.nan
    standardized = (attention - attention.mean()) / spread
    return float((standardized * fixations).sum() / fixations.sum())


def judd_area(attention: Grid, fixations: Grid) -> float:
    """How well the map separates fixated cells from all others (AUC-Judd); 0.5 is chance."""
    fixated = fixations > 0
    return _area(attention[fixated], attention[~fixated])


def shuffled_area(attention: Grid, fixations: Grid, elsewhere: Grid) -> float:
    """Same, against cells fixated in other recordings only (shuffled AUC).

    Readers favour certain channels and the middle of a page; a map of these favours alone has 0.5.

    Parameters
    ----------
    elsewhere : fixations of other recordings on the same grid
    """
    fixated = fixations > 0
    return _area(attention[fixated], attention[(elsewhere > 0) & ~fixated])


def information_gain(attention: Grid, fixations: Grid, baseline: Grid) -> float:
    """Bits per fixation by which the map predicts better than a baseline map."""
    if not (attention.sum() > 0 and baseline.sum() > 0 and fixations.sum() > 0):
        return math.nan
    p, b = attention / attention.sum(), baseline / baseline.sum()
    gain = np.log2(p + _EPSILON) - np.log2(b + _EPSILON)
    return float((gain * fixations).sum() / fixations.sum())


def _area(positive: np.ndarray, negative: np.ndarray) -> float:
    if not (positive.size and negative.size):
        return math.nan
    together = np.concatenate([positive, negative])
    levels, place = np.unique(together, return_inverse=True)
    scaled = (place / max(1, levels.size - 1)).astype(np.float32)  # order and ties are kept
    ranked = RankedSamples()
    ranked.add(scaled, np.arange(together.size) < positive.size)
    return ranked.auroc()

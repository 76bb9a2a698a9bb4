"""How far a measure of masks would move with other images: bootstrap intervals.

Images (or groups of equal ones) are drawn, as many as there are, with replacement; their counts are
added and measured. Pixels are never drawn: those of one image are alike.

References
----------
.. [1] Efron, Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993, chapter 13:
   percentile intervals.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.evaluation.bootstrap import LEVEL, Interval
from neurorun.evaluation.masks import MASK_MEASURES
from neurorun.evaluation.masks_image import ImageScore


def mask_intervals(
    images: Sequence[ImageScore],
    *,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Intervals of the pooled measures; NaN with fewer than two groups of images.

    Parameters
    ----------
    images : scored
    rng : decides the draws
    n_resamples : how often to draw, > 0
    level : share of the draws that an interval holds, in (0, 1)

    Returns
    -------
    By the names of `MASK_MEASURES`. A draw in which a measure is undefined is left out of it.
    """
    counts = _by_group(images)
    if len(counts) < 2:
        return dict.fromkeys(MASK_MEASURES, Interval(math.nan, math.nan, 0))
    n_groups = len(counts)
    draws = rng.multinomial(n_groups, [1 / n_groups] * n_groups, size=n_resamples)
    return {name: _interval(values, level) for name, values in _measures(draws @ counts).items()}


def _by_group(images: Sequence[ImageScore]) -> Int64[np.ndarray, "groups 4"]:
    groups: defaultdict[str, np.ndarray] = defaultdict(lambda: np.zeros(4, np.int64))
    for one in images:
        counts = one.counts
        groups[one.group] += np.array([counts.tp, counts.fp, counts.fn, counts.tn])
    return np.array(list(groups.values()), np.int64).reshape(-1, 4)


def _measures(sums: Int64[np.ndarray, "draws 4"]) -> dict[str, Float64[np.ndarray, " draws"]]:
    tp, fp, fn, tn = sums.T.astype(np.float64)
    with np.errstate(invalid="ignore"):
        dice = 2 * tp / (2 * tp + fp + fn)
        return {
            "iou": tp / (tp + fp + fn),
            "dice": dice,
            "precision": tp / (tp + fp),
            "recall": tp / (tp + fn),
            "f1": dice,
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
        }


def _interval(values: Float64[np.ndarray, " draws"], level: float) -> Interval:
    defined = values[~np.isnan(values)]
    if not defined.size:
        return Interval(math.nan, math.nan, 0)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Interval(low, high, defined.size)

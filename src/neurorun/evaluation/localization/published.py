"""The measures of the DeepSIF programs, number for number, for comparison with published results.

They are kept as they are: the threshold is found on the scaled activity but compared with the
activity as it is, so the result depends on the scale of an estimate; what is selected far from a
source costs, a source that is missed does not. For anything else than comparison use
`score_estimate`.

References
----------
.. [1] https://github.com/bfinl/DeepSIF, ``utils.py``, ``get_otsu_regions``.
.. [2] https://github.com/bfinl/DeepSIF, ``misc_scripts/eval_calculate_sim_results.m``.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from neurorun.evaluation.localization.courses import Activity
from neurorun.evaluation.localization.places import Sources
from neurorun.evaluation.measures import ratio

_N_BINS = 100
_MOST_SAMPLES_LEFT_OUT = 7


@dataclass(frozen=True, slots=True)
class PublishedScores:
    """Measures of one example, all sources together and source by source.

    Parameters
    ----------
    regions : selected regions
    precision, recall, error_mm : all together; NaN without selected regions
    source_precision, source_recall, source_error_mm, source_correlation : one value per source, NaN
        for a source to which no selected region is nearest
    """

    regions: tuple[int, ...]
    precision: float
    recall: float
    error_mm: float
    source_precision: tuple[float, ...]
    source_recall: tuple[float, ...]
    source_error_mm: tuple[float, ...]
    source_correlation: tuple[float, ...]


def published_regions(estimate: Activity) -> Int64[np.ndarray, " selected"]:
    """Regions that `get_otsu_regions` selects [1]_; none for an estimate that is all zero.

    References
    ----------
    .. [1] https://github.com/bfinl/DeepSIF, ``utils.py``; the threshold as in scikit-image.
    """
    size = np.abs(estimate)
    largest = size.max()
    if largest == 0:
        return np.zeros(0, dtype=np.int64)
    threshold = _histogram_threshold((size - size.min()) / largest)
    n_above = np.count_nonzero(estimate > threshold, axis=0)
    return np.flatnonzero(n_above > _MOST_SAMPLES_LEFT_OUT).astype(np.int64)


def _histogram_threshold(values: Activity) -> float:
    """Otsu's threshold over a histogram, as the middle of a bin; the value itself if all agree."""
    first = values.flat[0]
    if (values == first).all():
        return float(first)
    counts, edges = np.histogram(values, bins=_N_BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_below = np.cumsum(counts * middles) / below
        mean_above = (np.cumsum((counts * middles)[::-1]) / above[::-1])[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(middles[int(np.argmax(between))])


def published_scores(
    estimate: Activity,
    truth: Activity,
    sources: Sources,
    distance_mm: Float[np.ndarray, "regions regions"],
) -> PublishedScores:
    """Score one example as the DeepSIF programs do.

    Parameters
    ----------
    estimate, truth : region activity; the truth is read at the centres only
    sources : regions of every source, centre first
    distance_mm : from region to region
    """
    selected = published_regions(estimate)
    together = np.concatenate(list(sources))
    whole = _overlap(selected, together, distance_mm)
    per_source = _by_source(estimate, truth, sources, selected, distance_mm)
    columns = list(zip(*per_source, strict=True))
    return PublishedScores(
        tuple(selected.tolist()), *whole, columns[0], columns[1], columns[2], columns[3]
    )


def _overlap(
    selected: Int64[np.ndarray, " selected"],
    regions: Int64[np.ndarray, " regions"],
    distance_mm: Float[np.ndarray, "all all"],
) -> tuple[float, float, float]:
    """Precision, recall and mean distance of selected regions to the nearest of a source."""
    if not selected.size:
        return math.nan, math.nan, math.nan
    n_common = np.intersect1d(selected, regions).size
    nearest = distance_mm[np.ix_(selected, regions)].min(axis=1)
    return (
        ratio(n_common, selected.size),
        ratio(n_common, regions.size),
        float(nearest.mean(dtype=np.float64)),
    )


def _by_source(
    estimate: Activity,
    truth: Activity,
    sources: Sources,
    selected: Int64[np.ndarray, " selected"],
    distance_mm: Float[np.ndarray, "regions regions"],
) -> list[tuple[float, float, float, float]]:
    """Measures of every source against the selected regions that are nearest to it."""
    if not selected.size:
        return [(math.nan, math.nan, math.nan, math.nan)] * len(sources)
    owner_of_place = np.repeat(np.arange(len(sources)), [one.size for one in sources])
    between = distance_mm[np.ix_(np.concatenate(list(sources)), selected)]
    owner = owner_of_place[between.argmin(axis=0)]
    found = []
    for place, regions in enumerate(sources):
        own = selected[owner == place]
        correlation = math.nan
        if own.size:
            mean = estimate[:, own].mean(axis=1, dtype=np.float64)
            correlation = _pearson(mean, truth[:, int(regions[0])].astype(np.float64))
        found.append((*_overlap(own, regions, distance_mm), correlation))
    return found


def _pearson(
    first: Float64[np.ndarray, " samples"], second: Float64[np.ndarray, " samples"]
) -> float:
    a, b = first - first.mean(), second - second.mean()
    return ratio(float(a @ b), float(np.linalg.norm(a) * np.linalg.norm(b)))

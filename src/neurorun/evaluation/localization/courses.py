"""How well an estimate follows the activity in time.

EEG says nothing of the mean of a region's activity over time, and an estimate may have any scale:
means are taken out, and what is left is compared after the scaling that fits best.
"""

import math

import numpy as np
from jaxtyping import Float, Float64, Int64

from neurorun.evaluation.localization.places import Sources

Activity = Float[np.ndarray, "samples regions"]


def time_error_ms(
    estimate: Activity,
    truth: Activity,
    *,
    sources: Sources,
    peaks: tuple[Int64[np.ndarray, " _"], ...],
    rate_hz: float,
) -> float:
    """Time between the peaks of truth at the centre and estimate near it, mean over sources.

    NaN for a source whose estimate or truth is constant, and if there is no other.

    Parameters
    ----------
    peaks : per source, the strongest regions near it; the first is followed
    """
    errors = []
    for regions, peak in zip(sources, peaks, strict=True):
        found = _peak_sample(estimate[:, int(peak[0])])
        true = _peak_sample(truth[:, int(regions[0])])
        if found is not None and true is not None:
            errors.append(abs(found - true) * 1000.0 / rate_hz)
    return float(np.mean(errors)) if errors else math.nan


def _peak_sample(course: Float[np.ndarray, " samples"]) -> int | None:
    deviation = np.abs(course - course.mean(dtype=np.float64))
    return int(deviation.argmax()) if np.ptp(course) > 0 else None


def centre_correlation(estimate: Activity, truth: Activity, *, sources: Sources) -> float:
    """Pearson's correlation of estimate and truth at the centre of each source, their mean.

    A constant estimate holds nothing of the course and counts 0; NaN where the truth is constant.
    """
    found = [_correlation(estimate[:, int(one[0])], truth[:, int(one[0])]) for one in sources]
    defined = [value for value in found if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def _correlation(
    estimate: Float[np.ndarray, " samples"], truth: Float[np.ndarray, " samples"]
) -> float:
    if np.ptp(truth) == 0:
        return math.nan
    return _cosine(_centred(estimate[:, None]), _centred(truth[:, None]))


def scaled_error(estimate: Activity, truth: Activity) -> float:
    """Squared error over the power of the truth, after the scaling that fits best: 0 to 1.

    Means over time are taken out of both. 1 is as bad as silence, and what an estimate of the
    opposite sign gets. NaN where the truth is constant.

    Examples
    --------
    >>> truth = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> scaled_error(3 * truth, truth), scaled_error(-truth, truth)
    (0.0, 1.0)
    """
    true = _centred(truth)
    if not true.any():
        return math.nan
    return 1.0 - max(_cosine(_centred(estimate), true), 0.0) ** 2


def residual_variance(
    estimate: Activity,
    eeg: Float[np.ndarray, "samples channels"],
    leadfield: Float64[np.ndarray, "channels regions"],
) -> float:
    """Share of the power of the EEG that the estimate does not explain, after the best scaling.

    Means over time and over channels are taken out. The EEG holds noise, which a good estimate
    leaves. NaN for silent EEG.

    Parameters
    ----------
    eeg : what was estimated from
    leadfield : from regions to channels
    """
    explained = _centred(estimate) @ leadfield.T
    return scaled_error(_referenced(explained), _referenced(eeg))


def _referenced(
    eeg: Float[np.ndarray, "samples channels"],
) -> Float64[np.ndarray, "samples channels"]:
    found: Float64[np.ndarray, "samples channels"] = eeg - eeg.mean(
        axis=1, keepdims=True, dtype=np.float64
    )
    return found


def _centred(activity: Activity) -> Float64[np.ndarray, "samples regions"]:
    found: Float64[np.ndarray, "samples regions"] = activity - activity.mean(
        axis=0, dtype=np.float64
    )
    return found


def _cosine(
    first: Float64[np.ndarray, "samples regions"], second: Float64[np.ndarray, "samples regions"]
) -> float:
    """Cosine of the angle between two arrays; 0 if one is zero."""
    size = math.sqrt(_product(first, first)) * math.sqrt(_product(second, second))
    return min(_product(first, second) / size, 1.0) if size > 0 else 0.0


def _product(
    first: Float64[np.ndarray, "samples regions"], second: Float64[np.ndarray, "samples regions"]
) -> float:
    """Sum of the products, on one core: so little work is not worth waking others for."""
    return float(np.einsum("sr,sr->", first, second))

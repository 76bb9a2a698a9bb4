"""Score one estimate against one truth: where, how far spread, which regions, when, how alike."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from neurorun.core import ScoringError
from neurorun.evaluation.localization.courses import (
    Activity,
    centre_correlation,
    residual_variance,
    scaled_error,
    time_error_ms,
)
from neurorun.evaluation.localization.metrics import LocalizationConfig, localization_metrics
from neurorun.evaluation.localization.places import (
    dispersion_mm,
    missed_share,
    peak_error_mm,
    peaks_of,
    region_error_mm,
)
from neurorun.evaluation.localization.published import published_scores
from neurorun.evaluation.localization.ranking import RankedRegions
from neurorun.evaluation.localization.selection import by_otsu, by_share, strengths_of
from neurorun.evaluation.localization.space import SourceSpace
from neurorun.evaluation.measures import ratio


@dataclass(frozen=True, eq=False)
class Truth:
    """What an example holds.

    Parameters
    ----------
    sources : regions of every source, centre first; at least one
    activity : of all regions; None where only the places are known, as of a resection

    Raises
    ------
    ScoringError : no source
    """

    sources: tuple[Int64[np.ndarray, " _"], ...]
    activity: Activity | None = None

    def __post_init__(self) -> None:
        if not self.sources or not all(one.size for one in self.sources):
            raise ScoringError(
                "An example without any source cannot be scored; leave it out, or give the regions "
                "of at least one."
            )

    def active(self, n_regions: int) -> Bool[np.ndarray, " regions"]:
        """Regions that belong to any source."""
        found = np.zeros(n_regions, dtype=np.bool_)
        for one in self.sources:
            found[one] = True
        return found


@dataclass(frozen=True, eq=False)
class Sensors:
    """EEG that an estimate was made from, and how activity reaches it."""

    eeg: Float[np.ndarray, "samples channels"]
    leadfield: Float64[np.ndarray, "channels regions"]


def score_estimate(
    estimate: Activity,
    truth: Truth,
    space: SourceSpace | None,
    *,
    rate_hz: float,
    sensors: Sensors | None = None,
    config: LocalizationConfig | None = None,
) -> dict[str, float]:
    """Measure everything of one estimate; what has no meaning for it is NaN.

    Parameters
    ----------
    estimate : region activity at any scale, or one row of strengths
    truth : of the same example
    space : where the regions are; without it all that is measured in mm or by area is NaN
    rate_hz : samples per second
    sensors : without them ``residual_variance`` is NaN
    config : the section ``evaluation``; None is its default

    Returns
    -------
    Values by the names that `localization_metrics` declares

    Raises
    ------
    ScoringError : the estimate is not finite or does not fit the regions

    Examples
    --------
    >>> centres = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [30.0, 0.0, 0.0]])
    >>> space = SourceSpace(centres, np.ones(3), np.abs(centres[:, :1] - centres[:, :1].T))
    >>> found = score_estimate(
    ...     np.array([[0.1, 0.9, 0.0]]), Truth((np.array([0]),)), space, rate_hz=500.0
    ... )
    >>> found["peak_error_mm"], found["precision"], found["auroc"]
    (10.0, 0.0, 0.5)
    """
    config = config or LocalizationConfig()
    n_regions = estimate.shape[1]
    if space is not None and n_regions != space.n_regions:
        raise ScoringError(
            f"The estimate has {n_regions} regions, the anatomy {space.n_regions}; one column per "
            "region is needed."
        )
    strengths, active = strengths_of(estimate), truth.active(n_regions)
    scores = _ranks(strengths, active) | _selected(strengths, active, truth, config)
    if truth.activity is not None and len(estimate) > 1:
        scores |= _courses(estimate, truth.activity, truth)
    if sensors is not None and len(estimate) > 1:
        scores["residual_variance"] = residual_variance(estimate, sensors.eeg, sensors.leadfield)
    if space is not None:
        scores |= _places(strengths, active, truth, space)
        if truth.activity is not None and len(estimate) > 1:
            scores["time_error_ms"] = _time_error(estimate, strengths, truth, space, rate_hz)
        if config.published:
            scores |= _published(estimate, truth, space)
    return {one.name: scores.get(one.name, math.nan) for one in localization_metrics(config)}


def _ranks(
    strengths: Float64[np.ndarray, " regions"], active: Bool[np.ndarray, " regions"]
) -> dict[str, float]:
    ranked = RankedRegions(strengths, active, np.ones_like(strengths))
    return {
        "f1_oracle": ranked.best_f1(),
        "auroc": ranked.auroc(),
        "average_precision": ranked.average_precision(),
    }


def _selected(
    strengths: Float64[np.ndarray, " regions"],
    active: Bool[np.ndarray, " regions"],
    truth: Truth,
    config: LocalizationConfig,
) -> dict[str, float]:
    otsu, share = by_otsu(strengths), by_share(strengths, config.share)
    return {
        "missed_sources": missed_share(otsu, truth.sources),
        "precision": _part(active, of=otsu),
        "recall": _part(otsu, of=active),
        "precision_at_share": _part(active, of=share),
        "recall_at_share": _part(share, of=active),
    }


def _places(
    strengths: Float64[np.ndarray, " regions"],
    active: Bool[np.ndarray, " regions"],
    truth: Truth,
    space: SourceSpace,
) -> dict[str, float]:
    by_area = RankedRegions(strengths, active, space.area_mm2)
    return {
        "peak_error_mm": peak_error_mm(strengths, truth.sources, space.distance_mm),
        "region_error_mm": region_error_mm(by_otsu(strengths), active, space.distance_mm),
        "dispersion_mm": dispersion_mm(strengths, active, space.distance_mm),
        "auroc_by_area": by_area.auroc(),
        "average_precision_by_area": by_area.average_precision(),
    }


def _part(some: Bool[np.ndarray, " regions"], *, of: Bool[np.ndarray, " regions"]) -> float:
    """Share of regions that are also among others; NaN if there are none."""
    return ratio(int(np.count_nonzero(some & of)), int(np.count_nonzero(of)))


def _courses(estimate: Activity, true: Activity, truth: Truth) -> dict[str, float]:
    return {
        "centre_correlation": centre_correlation(estimate, true, sources=truth.sources),
        "nmse": scaled_error(estimate, true),
    }


def _time_error(
    estimate: Activity,
    strengths: Float64[np.ndarray, " regions"],
    truth: Truth,
    space: SourceSpace,
    rate_hz: float,
) -> float:
    assert truth.activity is not None
    peaks = peaks_of(strengths, truth.sources, space.distance_mm)
    return time_error_ms(
        estimate, truth.activity, sources=truth.sources, peaks=peaks, rate_hz=rate_hz
    )


def _published(estimate: Activity, truth: Truth, space: SourceSpace) -> dict[str, float]:
    activity = np.full_like(estimate, math.nan) if truth.activity is None else truth.activity
    found = published_scores(estimate, activity, truth.sources, space.distance_mm)
    known = [value for value in found.source_correlation if not math.isnan(value)]
    return {
        "published_precision": found.precision,
        "published_recall": found.recall,
        "published_error_mm": found.error_mm,
        "published_correlation": float(np.mean(known)) if known else math.nan,
    }

"""How far an estimate is from the true sources, in millimetres.

Sources are never left out: one that an estimate does not show counts with the error that it makes.
An estimate that shows nothing says "anywhere" and is scored as such.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

Sources = Sequence[Int64[np.ndarray, " _"]]
"""Regions of every true source, centre first."""


def territories(
    sources: Sources, distance_mm: Float[np.ndarray, "regions regions"]
) -> Int64[np.ndarray, " regions"]:
    """For every region, which source has the nearest centre; the first of equals."""
    centres = [int(one[0]) for one in sources]
    return np.asarray(distance_mm[centres].argmin(axis=0), dtype=np.int64)


def peaks_of(
    strengths: Float64[np.ndarray, " regions"],
    sources: Sources,
    distance_mm: Float[np.ndarray, "regions regions"],
) -> tuple[Int64[np.ndarray, " _"], ...]:
    """Per source, the strongest regions among those that have its centre as their nearest."""
    owner = territories(sources, distance_mm)
    own = (np.flatnonzero(owner == place) for place in range(len(sources)))
    return tuple(regions[strengths[regions] == strengths[regions].max()] for regions in own)


def peak_error_mm(
    strengths: Float64[np.ndarray, " regions"],
    sources: Sources,
    distance_mm: Float[np.ndarray, "regions regions"],
) -> float:
    """Distance from the centre of a source to the strongest region near it, mean over sources.

    Each source has the regions for which its centre is the nearest; equally strong ones count with
    their mean distance, so silence counts as a guess.
    """
    peaks = peaks_of(strengths, sources, distance_mm)
    errors = [
        float(distance_mm[one[0], peak].mean()) for one, peak in zip(sources, peaks, strict=True)
    ]
    return float(np.mean(errors))


def region_error_mm(
    selected: Bool[np.ndarray, " regions"],
    active: Bool[np.ndarray, " regions"],
    distance_mm: Float[np.ndarray, "regions regions"],
) -> float:
    """Distance between selected and active regions, from both sides [1]_.

    Mean of two means: from every selected region to the nearest active one, and from every active
    one to the nearest selected. If nothing is selected, all regions count as selected.

    References
    ----------
    .. [1] Equation of ``region_localization_error`` in MNE-Python, ``mne.simulation.metrics``.
    """
    chosen = selected if selected.any() else np.ones_like(selected)
    between = distance_mm[np.ix_(chosen, active)]
    return float((between.min(axis=1).mean() + between.min(axis=0).mean()) / 2)


def dispersion_mm(
    strengths: Float64[np.ndarray, " regions"],
    active: Bool[np.ndarray, " regions"],
    distance_mm: Float[np.ndarray, "regions regions"],
) -> float:
    """Root of the mean squared distance to the nearest active region, weighted by power [1]_.

    0 if all power lies in active regions; a silent estimate is spread over all regions.

    References
    ----------
    .. [1] Molins et al., "Quantification of the benefit from integrating MEG and EEG data in
       minimum l2-norm estimation", NeuroImage 42(3), 2008, spatial dispersion.
    """
    power = strengths**2 if strengths.any() else np.ones_like(strengths)
    nearest = distance_mm[active].min(axis=0).astype(np.float64)
    return float(np.sqrt(np.sum(power * nearest**2) / np.sum(power)))


def missed_share(selected: Bool[np.ndarray, " regions"], sources: Sources) -> float:
    """Share of the sources of which no region is selected."""
    return float(np.mean([not selected[one].any() for one in sources]))

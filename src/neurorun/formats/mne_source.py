"""Region activity to ``mne.SourceEstimate``: every vertex has the value of its region."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from neurorun.core import DataError, require


def to_mne_source_estimate(
    activity: Float[np.ndarray, "samples regions"],
    region_of_vertex: Integer[np.ndarray, " vertices"],
    *,
    rate_hz: float,
    onset_s: float = 0.0,
    n_left: int | None = None,
    subject: str = "fsaverage",
) -> Any:
    """Give region activity to MNE-Python as a surface estimate.

    Parameters
    ----------
    activity : any unit; MNE takes it as it is
    region_of_vertex : from 0, vertices of the left hemisphere first
    rate_hz : samples per second, > 0
    onset_s : time of the first sample
    n_left : vertices of the left hemisphere; None is half of all, as on fsaverage
    subject : whose surface it is; the published regions lie on that of ``fsaverage5``

    Raises
    ------
    DataError : a vertex belongs to no region, or there is no vertex for a hemisphere
    MissingExtraError : MNE-Python is not installed
    """
    mne = require("mne", extra="mne")
    n_vertices, n_regions = region_of_vertex.size, activity.shape[1]
    left = n_vertices // 2 if n_left is None else n_left
    if not 0 <= left <= n_vertices or not n_vertices:
        raise DataError(
            f"{n_vertices} vertices, of which {left} are said to lie on the left; at most all can. "
            "Set n_left."
        )
    lowest, highest = int(region_of_vertex.min()), int(region_of_vertex.max())
    if lowest < 0 or highest >= n_regions:
        raise DataError(
            f"Vertices belong to the regions {lowest} to {highest}, the activity has {n_regions}; "
            "regions from 0 are needed. Use the mapping of the same anatomy."
        )
    return mne.SourceEstimate(
        np.ascontiguousarray(activity.T[region_of_vertex]),
        vertices=[np.arange(left), np.arange(n_vertices - left)],
        tmin=onset_s,
        tstep=1.0 / rate_hz,
        subject=subject,
        verbose="error",
    )

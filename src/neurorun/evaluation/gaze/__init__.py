"""Attention maps against readers' gaze, and against what the model itself responds to."""

from neurorun.evaluation.gaze.agreement import (
    GAZE_BASELINES,
    GAZE_MEASURES,
    GAZE_SOURCES,
    GazeAgreement,
    GazeComparison,
    measure_agreement,
)
from neurorun.evaluation.gaze.grid import counts_on_grid, envelope_on_grid, to_grid
from neurorun.evaluation.gaze.measures import (
    divergence,
    gaze_correlation,
    information_gain,
    judd_area,
    scanpath_saliency,
    shuffled_area,
    similarity,
)
from neurorun.evaluation.gaze.removal import (
    REMOVED_FRACTIONS,
    area_under,
    quiet_version,
    removal_curve,
    removal_order,
)

__all__ = [
    "GAZE_BASELINES",
    "GAZE_MEASURES",
    "GAZE_SOURCES",
    "REMOVED_FRACTIONS",
    "GazeAgreement",
    "GazeComparison",
    "area_under",
    "counts_on_grid",
    "divergence",
    "envelope_on_grid",
    "gaze_correlation",
    "information_gain",
    "judd_area",
    "measure_agreement",
    "quiet_version",
    "removal_curve",
    "removal_order",
    "scanpath_saliency",
    "shuffled_area",
    "similarity",
    "to_grid",
]

"""The anatomy of the data, as evaluation measures on it and as reports draw it."""

import numpy as np
from jaxtyping import Int32

from neurorun.core import DataError
from neurorun.evaluation import SourceSpace
from neurorun.runs import Cortex
from neurorun.simulation import Anatomy


def source_space(anatomy: Anatomy) -> SourceSpace:
    """Centres, areas and distances of the regions."""
    distance_mm = np.array(anatomy.distance_mm, dtype=np.float64)
    np.fill_diagonal(distance_mm, 0.0)  # roots of rounding errors otherwise
    return SourceSpace(
        centre_mm=np.asarray(anatomy.centre_mm, dtype=np.float64),
        area_mm2=np.asarray(anatomy.area_mm2, dtype=np.float64),
        distance_mm=distance_mm,
    )


def cortex_of(anatomy: Anatomy) -> Cortex:
    """Surface to draw on: inflated where it is known, or the hull of the regions' centres.

    Raises
    ------
    DataError : there is no surface, and the centres span no volume
    """
    surface = anatomy.surface
    centres = anatomy.centre_mm.astype(np.float32)
    if surface is None:
        return Cortex(centres, _hull(anatomy), np.arange(len(centres), dtype=np.int32), centres)
    vertices = surface.vertices_mm if surface.inflated_mm is None else surface.inflated_mm
    return Cortex(
        vertices.astype(np.float32),
        surface.triangles.astype(np.int32),
        surface.region_of_vertex.astype(np.int32),
        centres,
    )


def _hull(anatomy: Anatomy) -> Int32[np.ndarray, "triangles 3"]:
    """Triangles between the centres, which are first pushed onto a sphere around their middle."""
    from scipy.spatial import ConvexHull, QhullError

    out = anatomy.centre_mm - anatomy.centre_mm.mean(axis=0)
    size = np.linalg.norm(out, axis=1, keepdims=True)
    try:
        hull = ConvexHull(out / np.where(size > 0, size, 1.0))
    except QhullError as error:
        raise DataError(
            f"The centres of {len(out)} regions span no volume, so nothing can be drawn on them; "
            "give a surface, or set evaluation.save_estimates to 0."
        ) from error
    triangles = hull.simplices
    corners = hull.points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.sum(normals * corners[:, 0], axis=1) < 0
    turned = np.where(inward[:, None], triangles[:, ::-1], triangles)
    found: Int32[np.ndarray, "triangles 3"] = turned.astype(np.int32)
    return found

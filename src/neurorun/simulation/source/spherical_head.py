"""A head without any outside file: a folded-out cortex on a sphere, electrodes, and a leadfield.

References
----------
.. [1] The potential at the surface of a homogeneous conducting sphere, from the Neumann function of
   the sphere: ``G = (2/d + ln(2 R^2 / (R^2 - r.r0 + R d)) / R) / (4 pi sigma)``; Kellogg,
   "Foundations of Potential Theory", 1929; a dipole is its gradient by the place of the source.
"""

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.simulation.source.anatomy import Anatomy, Surface, geometry_of, symmetric_neighbours

HEAD_MM = 90.0
CORTEX_MM = 72.0
CONDUCTIVITY = 0.33
"""Siemens per metre."""

_LOWEST_ELECTRODE = -0.35
_LOWEST_REGION = -0.6


def sphere_potential(
    electrode_mm: Float64[np.ndarray, "channels 3"],
    source_mm: Float64[np.ndarray, "sources 3"],
    moment: Float64[np.ndarray, "sources 3"],
    *,
    head_mm: float = HEAD_MM,
) -> Float64[np.ndarray, "channels sources"]:
    """Potential of dipoles at the surface of a homogeneous sphere, in microvolts per nAm [1]_.

    Parameters
    ----------
    electrode_mm : on the surface
    source_mm : inside
    moment : nAm
    head_mm : radius
    """
    radius = head_mm / 1000
    r, r0 = electrode_mm[:, None] / 1000, source_mm[None] / 1000
    apart = r - r0
    d = np.linalg.norm(apart, axis=2)
    inner = radius**2 - np.sum(r * r0, axis=2) + radius * d
    field = 2 * apart / d[..., None] ** 3
    field += (r + radius * apart / d[..., None]) / (radius * inner[..., None])
    volts = np.einsum("csx,sx->cs", field, moment * 1e-9) / (4 * np.pi * CONDUCTIVITY)
    return np.asarray(volts * 1e6)


def even_directions(n: int) -> Float64[np.ndarray, "n 3"]:
    """Directions spread evenly over the sphere, along a spiral from above to below."""
    height = 1 - 2 * (np.arange(n) + 0.5) / n
    angle = np.pi * (1 + 5**0.5) * np.arange(n)
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)


def spherical_anatomy(n_regions: int, n_channels: int, *, seed: int) -> Anatomy:
    """Regions on a sphere whose normals vary as on a folded cortex, and electrodes above them.

    Parameters
    ----------
    n_regions, n_channels : at least 20 and 8
    seed : decides the folding
    """
    vertices, triangles, regions = _parcelled_sphere(n_regions)
    surface = Surface(vertices, triangles, regions, inflated_mm=vertices)
    centre_mm, normal, area_mm2 = geometry_of(surface, n_regions)
    rng = np.random.default_rng([seed, n_regions])
    folded = normal + 0.6 * _smooth_directions(centre_mm, rng)
    folded /= np.linalg.norm(folded, axis=1, keepdims=True)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs = np.unique(regions[edges], axis=0)
    electrodes = _cap(n_channels, _LOWEST_ELECTRODE) * HEAD_MM
    return Anatomy(
        centre_mm=centre_mm,
        normal=folded,
        area_mm2=area_mm2,
        neighbours=symmetric_neighbours([(int(a), int(b)) for a, b in pairs], n_regions),
        growth_mm=centre_mm,
        channels=tuple(f"E{number + 1}" for number in range(n_channels)),
        channel_mm=electrodes,
        surface=surface,
    )


def spherical_leadfield(anatomy: Anatomy) -> Float64[np.ndarray, "channels regions"]:
    """Leadfield of an anatomy on a sphere: microvolts per mV of potential of a region.

    A region of mean area has a moment of 10 nAm at 1 mV; larger ones more, in proportion.
    """
    share = anatomy.area_mm2 / anatomy.area_mm2.mean()
    moment = 10 * share[:, None] * anatomy.normal
    return sphere_potential(anatomy.channel_mm, anatomy.centre_mm, moment)


def _cap(n: int, lowest: float) -> Float64[np.ndarray, "n 3"]:
    """Directions spread evenly over the part of the sphere above a height."""
    n_whole = round(n * 2 / (1 - lowest))
    while True:
        directions = even_directions(n_whole)
        above = directions[directions[:, 2] > lowest]
        if len(above) >= n:
            return above[:n]
        n_whole += 1


def _parcelled_sphere(
    n_regions: int,
) -> tuple[
    Float64[np.ndarray, "vertices 3"],
    Int64[np.ndarray, "triangles 3"],
    Int64[np.ndarray, " vertices"],
]:
    """A closed triangulation of the upper part of a sphere, each vertex in the nearest region."""
    from scipy.spatial import ConvexHull, cKDTree

    seeds = _cap(n_regions, _LOWEST_REGION)
    directions = _cap(12 * n_regions, _LOWEST_REGION)
    hull = ConvexHull(directions).simplices.astype(np.int64)
    triangles: np.ndarray = hull[directions[hull][:, :, 2].mean(axis=1) > _LOWEST_REGION + 0.02]
    corners = directions[triangles]
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.sum(outward * corners.mean(axis=1), axis=1) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    _, regions = cKDTree(seeds).query(directions)
    return directions * CORTEX_MM, triangles, np.asarray(regions, np.int64)


def _smooth_directions(
    centre_mm: Float64[np.ndarray, "regions 3"], rng: np.random.Generator
) -> Float64[np.ndarray, "regions 3"]:
    """Vectors that vary over some centimetres."""
    waves = rng.standard_normal((12, 3)) / 15
    phases, heights = rng.uniform(0, 2 * np.pi, (12, 3)), rng.standard_normal((12, 3))
    angles = (centre_mm @ waves.T)[..., None] + phases
    return np.asarray(np.sum(heights * np.cos(angles), axis=1) / np.sqrt(6))

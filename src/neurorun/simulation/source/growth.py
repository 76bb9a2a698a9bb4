"""Patches grown over neighbouring regions, wider in one direction, as real sources are.

The first ring holds all neighbours of the centre. Further rings are kept by chance, the more likely
the closer they lie to the line of growth; then holes are filled and spurs removed.

References
----------
.. [1] Sun et al., PNAS 119(31), 2022; ``generate_sythetic_source.m`` of DeepSIF. Unlike there, the
   centre always stays in its patch.
"""

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.simulation.source.anatomy import Anatomy

MAX_REGIONS = 70
SIGMA_MM = (40.0, 60.0)
SIGMA_FACTOR = 0.8493
"""Deviation of a bell curve over its width of 50 mm at half its area, as published."""

_BIAS = (0.0, -0.15)


def grow_patch(
    anatomy: Anatomy,
    centre: int,
    rng: np.random.Generator,
    *,
    n_rings: int,
    max_regions: int = MAX_REGIONS,
) -> Int64[np.ndarray, " patch"]:
    """Grow one patch, centre first.

    Parameters
    ----------
    anatomy : neighbours, and positions that give directions
    centre : where it starts
    rng : decides direction and regions
    n_rings : 1 to 3; 1 takes the centre and its neighbours
    max_regions : at which growing stops

    Returns
    -------
    Regions; the centre alone if it has no neighbours
    """
    patch = [centre, *anatomy.neighbours[centre].tolist()]
    if len(patch) > 1:
        direction = _direction(anatomy, centre, rng)
        ring = patch[1:]
        for bias in _BIAS[: n_rings - 1]:
            ring = _next_ring(anatomy, centre, patch, ring, direction=direction, bias=bias, rng=rng)
            patch += ring
        patch = _smoothed(anatomy, centre, patch)
    return np.array(patch[:max_regions], np.int64)


def _direction(anatomy: Anatomy, centre: int, rng: np.random.Generator) -> np.ndarray:
    """One of that half of the directions to neighbours that is closest to the first."""
    steps = _unit(anatomy.growth_mm[anatomy.neighbours[centre]] - anatomy.growth_mm[centre])
    closest = np.argsort(-(steps @ steps[0]), kind="stable")
    return np.asarray(steps[closest[rng.integers((len(steps) + 1) // 2)]])


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, length, where=length > 0, out=np.zeros_like(vectors)))


def _next_ring(
    anatomy: Anatomy,
    centre: int,
    patch: list[int],
    ring: list[int],
    *,
    direction: np.ndarray,
    bias: float,
    rng: np.random.Generator,
) -> list[int]:
    inside = set(patch)
    reached = {int(n) for region in ring for n in anatomy.neighbours[region]} - inside
    candidates = np.array(sorted(reached), np.int64)
    if not len(candidates):
        return []
    away = _unit(anatomy.growth_mm[candidates] - anatomy.growth_mm[centre])
    likely = np.abs(away @ direction)
    likely = likely / max(float(likely.max()), 1e-12) + bias
    kept = candidates[rng.random(len(candidates)) < likely]
    return [int(region) for region in kept]


def _smoothed(anatomy: Anatomy, centre: int, patch: list[int]) -> list[int]:
    """Remove regions that hang on by one neighbour; add regions that are all but enclosed."""
    inside = set(patch)
    spurs = {r for r in patch if _n_inside(anatomy, r, inside) == 1 and r != centre}
    if len(inside) - len(spurs) > 1:
        inside -= spurs
    rim = {int(n) for region in inside for n in anatomy.neighbours[region]} - inside
    holes = [
        r for r in sorted(rim) if _n_inside(anatomy, r, inside) >= len(anatomy.neighbours[r]) - 1
    ]
    return [region for region in patch if region in inside] + holes


def _n_inside(anatomy: Anatomy, region: int, inside: set[int]) -> int:
    return sum(int(near) in inside for near in anatomy.neighbours[region])


def patch_weights(
    anatomy: Anatomy, patch: Int64[np.ndarray, " patch"], sigma_mm: float
) -> Float64[np.ndarray, " patch"]:
    """Amplitude of each region of a patch: 1 at the centre, falling off as a bell curve."""
    distance = anatomy.distance_mm[patch[0], patch]
    return np.asarray(np.exp(-(distance**2) / (2 * sigma_mm**2)))

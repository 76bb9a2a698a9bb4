"""Where the regions are: their centres, areas, and how far they lie from each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from neurorun.core import ScoringError

THIRDS = ("deep third", "middle third", "outer third")
"""Names of the thirds of all regions by eccentricity."""


@dataclass(frozen=True, eq=False)
class SourceSpace:
    """The geometry of the regions in which sources are looked for.

    Parameters
    ----------
    centre_mm : one row per region
    area_mm2 : cortical area of each, > 0
    distance_mm : from region to region, symmetric, zero on the diagonal

    Raises
    ------
    ScoringError : the arrays do not fit each other, or hold what cannot be
    """

    centre_mm: Float64[np.ndarray, "regions 3"]
    area_mm2: Float64[np.ndarray, " areas"]
    distance_mm: Float[np.ndarray, "rows columns"]

    def __post_init__(self) -> None:
        n_regions = len(self.centre_mm)
        if self.area_mm2.shape != (n_regions,) or self.distance_mm.shape != (n_regions, n_regions):
            raise ScoringError(
                f"{n_regions} centres of regions, {self.area_mm2.size} areas and distances of "
                f"shape {self.distance_mm.shape}; one area per region and a distance from each to "
                "each are needed. Take them from one anatomy."
            )
        if not (self.area_mm2 > 0).all() or not (self.distance_mm >= 0).all():
            raise ScoringError(
                f"The smallest area is {self.area_mm2.min():g} mm2, the smallest distance "
                f"{self.distance_mm.min():g} mm; areas above and distances from 0 are needed. "
                "Check the anatomy."
            )

    @property
    def n_regions(self) -> int:
        """Count the regions."""
        return len(self.centre_mm)

    @property
    def eccentricity_mm(self) -> Float64[np.ndarray, " regions"]:
        """Distance of every region from the mean of all centres: small is deep."""
        found: Float64[np.ndarray, " regions"] = np.linalg.norm(
            self.centre_mm - self.centre_mm.mean(axis=0), axis=1
        )
        return found

    def third_of(self, eccentricity_mm: float) -> str:
        """Name the third of all regions in which an eccentricity lies."""
        borders = np.quantile(self.eccentricity_mm, [1 / 3, 2 / 3])
        return THIRDS[int(np.searchsorted(borders, eccentricity_mm, side="right"))]


def distances_between(
    centre_mm: Float64[np.ndarray, "regions 3"],
) -> Float64[np.ndarray, "regions regions"]:
    """Straight distances between centres, where no distances along an anatomy are known.

    >>> distances_between(np.array([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]])).tolist()
    [[0.0, 5.0], [5.0, 0.0]]
    """
    found: Float64[np.ndarray, "regions regions"] = np.linalg.norm(
        centre_mm[:, None] - centre_mm[None], axis=2
    )
    return found


def sources_of(
    selected_region: Int64[np.ndarray, "sources width"], *, n_regions: int
) -> tuple[Int64[np.ndarray, " _"], ...]:
    """Regions of each source of one row of a source plan, centres first.

    Parameters
    ----------
    selected_region : regions from 0, filled up with anything else
    n_regions : what counts as a region

    Returns
    -------
    One array per source; rows without a region give none, and two sources with one centre are one
    source, whose regions are those of both

    Examples
    --------
    >>> [some.tolist() for some in sources_of(np.array([[4, 7, 999], [999, -1, 999]]), n_regions=9)]
    [[4, 7]]
    """
    found: dict[int, Int64[np.ndarray, " _"]] = {}
    for row in selected_region:
        regions = row[(row >= 0) & (row < n_regions)]
        if regions.size:
            centre = int(regions[0])
            known = found.get(centre, regions[:0])
            together = np.concatenate([known, regions])
            _, first = np.unique(together, return_index=True)
            found[centre] = together[np.sort(first)]
    return tuple(found.values())

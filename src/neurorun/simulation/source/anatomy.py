"""Where regions lie, how large they are and which of them touch."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.core import DataError
from neurorun.simulation.source.mat_file import load_mat

MAPPING_FILE = "fs_cortex_20k_region_mapping.mat"
SURFACE_FILE = "fs_cortex_20k.mat"
INFLATED_FILE = "fs_cortex_20k_inflated.mat"
GEOMETRY_FILE = "region_geometry.npz"
DISTANCE_FILE = "dis_matrix_fs_20k.mat"
ELECTRODE_PATTERN = "electrode_*.mat"

Neighbours = tuple[Int64[np.ndarray, " _neighbours"], ...]


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangulated cortex.

    Parameters
    ----------
    vertices_mm : positions
    triangles : vertices of each, counted from 0
    region_of_vertex : region of each vertex, counted from 0
    inflated_mm : positions on the inflated surface, or None
    """

    vertices_mm: Float64[np.ndarray, "vertices 3"]
    triangles: Int64[np.ndarray, "triangles 3"]
    region_of_vertex: Int64[np.ndarray, " vertices"]
    inflated_mm: Float64[np.ndarray, "vertices 3"] | None = None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The regions of a cortex.

    Parameters
    ----------
    centre_mm : mean position of the vertices of each region
    normal : mean direction outward, of length 1
    area_mm2 : area of each region
    neighbours : regions that touch each region, sorted, in both directions
    growth_mm : positions in which patches grow: on the inflated surface where there is one
    channels, channel_mm : electrodes; none where unknown
    surface : the triangulation, or None
    stored_distance_mm : distances from a file, or None
    distance_source : where distances come from
    """

    centre_mm: Float64[np.ndarray, "regions 3"]
    normal: Float64[np.ndarray, "regions 3"]
    area_mm2: Float64[np.ndarray, " regions"]
    neighbours: Neighbours
    growth_mm: Float64[np.ndarray, "regions 3"]
    channels: tuple[str, ...] = ()
    channel_mm: Float64[np.ndarray, "channels 3"] = field(default_factory=lambda: np.empty((0, 3)))
    surface: Surface | None = None
    stored_distance_mm: Float64[np.ndarray, "regions regions"] | None = None
    distance_source: str = "Euclidean, between the mean positions of regions"

    @property
    def n_regions(self) -> int:
        """How many regions there are."""
        return len(self.neighbours)

    @cached_property
    def distance_mm(self) -> Float64[np.ndarray, "regions regions"]:
        """Distances between regions: the stored ones, else between mean positions."""
        if self.stored_distance_mm is not None:
            return self.stored_distance_mm
        squares = np.sum(self.centre_mm**2, axis=1)
        inner = self.centre_mm @ self.centre_mm.T
        return np.asarray(np.sqrt(np.maximum(squares[:, None] + squares - 2 * inner, 0)))


def symmetric_neighbours(pairs: Iterable[tuple[int, int]], n_regions: int) -> Neighbours:
    """List the neighbours of each region, whichever of two regions named the other.

    >>> [n.tolist() for n in symmetric_neighbours([(0, 1), (2, 1)], 3)]
    [[1], [0, 2], [1]]
    """
    sets: list[set[int]] = [set() for _ in range(n_regions)]
    for one, other in pairs:
        if one != other:
            sets[one].add(other)
            sets[other].add(one)
    return tuple(np.array(sorted(near), dtype=np.int64) for near in sets)


def load_anatomy(folder: Path | str, *, n_regions: int) -> Anatomy | None:
    """Read the anatomy files that lie beside a leadfield.

    Parameters
    ----------
    folder : with ``fs_cortex_20k_region_mapping.mat``, and ``region_geometry.npz`` or
        ``fs_cortex_20k.mat``; ``fs_cortex_20k_inflated.mat``, ``dis_matrix_fs_20k.mat`` and
        ``electrode_*.mat`` are read if present
    n_regions : regions of the leadfield

    Returns
    -------
    The anatomy, or None if the folder holds no neighbours or no positions

    Raises
    ------
    DataError : files contradict each other or the leadfield
    """
    folder = Path(folder)
    mapping_path = folder / MAPPING_FILE
    has_positions = (folder / GEOMETRY_FILE).exists() or (folder / SURFACE_FILE).exists()
    if not mapping_path.exists() or not has_positions:
        return None
    mapping = load_mat(mapping_path, ["nbs", "rm"])
    neighbours = _neighbours(mapping, n_regions, mapping_path)
    surface = _surface(folder, mapping)
    centre_mm, normal, area_mm2 = _geometry(folder, surface, n_regions)
    distance_mm = _distances(folder, n_regions)
    channels, channel_mm = _electrodes(folder)
    more = {} if distance_mm is None else {"distance_source": DISTANCE_FILE}
    return Anatomy(
        centre_mm=centre_mm,
        normal=normal,
        area_mm2=area_mm2,
        neighbours=neighbours,
        growth_mm=_growth_positions(folder, centre_mm),
        channels=channels,
        channel_mm=channel_mm,
        surface=surface,
        stored_distance_mm=distance_mm,
        **more,
    )


def _neighbours(mapping: dict[str, Any], n_regions: int, path: Path) -> Neighbours:
    cells = np.asarray(mapping.get("nbs", np.empty((1, 0), object))).reshape(-1)
    if len(cells) != n_regions:
        raise DataError(
            f"'{path}' names the neighbours of {len(cells)} regions, the leadfield has "
            f"{n_regions}; both must be of the same cortex."
        )
    pairs = [
        (region, int(near) - 1)
        for region, cell in enumerate(cells)
        for near in np.asarray(cell).reshape(-1)
    ]
    if any(not 0 <= near < n_regions for _, near in pairs):
        raise DataError(
            f"'{path}' names a neighbour outside 1 ... {n_regions}; neighbours are counted from 1."
        )
    return symmetric_neighbours(pairs, n_regions)


def _surface(folder: Path, mapping: dict[str, Any]) -> Surface | None:
    path = folder / SURFACE_FILE
    inflated_path = folder / INFLATED_FILE
    if "rm" not in mapping or not (path.exists() or inflated_path.exists()):
        return None
    inflated = load_mat(inflated_path, ["pos", "tri"]) if inflated_path.exists() else None
    shown = load_mat(path, ["pos", "tri"]) if path.exists() else inflated
    assert shown is not None
    return Surface(
        vertices_mm=np.asarray(shown["pos"], np.float64),
        triangles=np.asarray(shown["tri"]).astype(np.int64) - 1,
        region_of_vertex=np.asarray(mapping["rm"]).reshape(-1).astype(np.int64),
        inflated_mm=None if inflated is None else np.asarray(inflated["pos"], np.float64),
    )


def _geometry(
    folder: Path, surface: Surface | None, n_regions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    path = folder / GEOMETRY_FILE
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            found = tuple(
                np.asarray(stored[key], np.float64) for key in ("centre_mm", "normal", "area_mm2")
            )
    else:
        assert surface is not None
        found = geometry_of(surface, n_regions)
    if any(len(array) != n_regions for array in found):
        raise DataError(
            f"'{path}' describes {len(found[0])} regions, the leadfield has {n_regions}; both must "
            "be of the same cortex."
        )
    return found[0], found[1], found[2]


def geometry_of(
    surface: Surface, n_regions: int
) -> tuple[
    Float64[np.ndarray, "regions 3"],
    Float64[np.ndarray, "regions 3"],
    Float64[np.ndarray, " regions"],
]:
    """Mean position, mean normal and area of every region of a surface.

    A third of every triangle belongs to each of its vertices; the normal of a region is the sum of
    the normals of its share, weighted by area, pointing away from the middle of the surface.
    """
    corners = surface.vertices_mm[surface.triangles]
    normals = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    regions = surface.region_of_vertex
    area_mm2, normal = np.zeros(n_regions), np.zeros((n_regions, 3))
    for corner in range(3):
        owners = regions[surface.triangles[:, corner]]
        np.add.at(area_mm2, owners, areas / 3)
        np.add.at(normal, owners, normals / 3)
    counts = np.maximum(np.bincount(regions, minlength=n_regions), 1)
    centre_mm = np.stack(
        [
            np.bincount(regions, surface.vertices_mm[:, axis], n_regions) / counts
            for axis in range(3)
        ],
        axis=1,
    )
    middle = surface.vertices_mm.mean(axis=0)
    if float(np.sum(normals * (corners.mean(axis=1) - middle))) < 0:
        normal = -normal
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return centre_mm, np.divide(normal, length, where=length > 0, out=normal), area_mm2


def _growth_positions(folder: Path, centre_mm: np.ndarray) -> np.ndarray:
    path = folder / INFLATED_FILE
    if not path.exists():
        return centre_mm
    inflated = load_mat(path, ["centre"]).get("centre")
    usable = inflated is not None and np.shape(inflated) == centre_mm.shape
    return np.asarray(inflated, np.float64) if usable else centre_mm


def _distances(folder: Path, n_regions: int) -> np.ndarray | None:
    path = folder / DISTANCE_FILE
    if not path.exists():
        return None
    matrix = np.asarray(load_mat(path, ["raw_dis_matrix"]).get("raw_dis_matrix", 0.0))
    if matrix.shape != (n_regions, n_regions):
        raise DataError(
            f"'{path}' holds raw_dis_matrix of shape {matrix.shape}, the leadfield has "
            f"{n_regions} regions; remove the file or give the one of this cortex."
        )
    return matrix.astype(np.float64)


def _electrodes(folder: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and positions from the structures of EEGLAB, if there are any."""
    for path in sorted(folder.glob(ELECTRODE_PATTERN)):
        for value in load_mat(path).values():
            places = np.atleast_1d(np.asarray(value, object)).reshape(-1)
            if len(places) and isinstance(places[0], dict) and "labels" in places[0]:
                names = tuple(str(place["labels"]) for place in places)
                return names, np.array(
                    [[_number(place[axis]) for axis in "XYZ"] for place in places]
                )
    return (), np.empty((0, 3))


def _number(value: Any) -> float:
    array = np.asarray(value, np.float64).reshape(-1)
    return float(array[0]) if array.size else float("nan")

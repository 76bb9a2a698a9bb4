"""Region activity on the cortex: maps seen from several sides, and courses near each source.

Triangles are projected onto the page once per side, far ones first; a map is then a lookup of
colours. Neither a window nor a GPU is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from neurorun.core import require
from neurorun.reporting.figures import INK, style
from neurorun.runs import Cortex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_FROM = 0.1
"""Share of the largest strength below which a region is drawn as silent."""

_SILENT = (0.84, 0.84, 0.84)
_DARKEST = 0.6
_LABEL = "#808080"
"""Read on a light page and on a dark one: what is beside the surface shows the page."""


class View(NamedTuple):
    """A side from which a surface is seen.

    Parameters
    ----------
    title : for readers
    towards : from the surface to the eye
    across, up : directions that run to the right and upwards on the page
    part : which connected part of the surface; None is all of it
    """

    title: str
    towards: tuple[float, float, float]
    across: tuple[float, float, float]
    up: tuple[float, float, float]
    part: int | None = None


@dataclass(frozen=True, eq=False)
class CorticalMap:
    """Strengths to draw, under a heading.

    Parameters
    ----------
    strengths : of every region, >= 0; drawn as shares of the largest
    marked : regions that get a ring
    """

    title: str
    strengths: Float32[np.ndarray, " regions"]
    marked: Int64[np.ndarray, " marked"]


def views_of(cortex: Cortex) -> tuple[View, ...]:
    """Choose four sides: both hemispheres from outside and inside, or a closed surface around.

    A surface of two connected parts has hemispheres; the one further left is the left one.
    """
    parts = parts_of(cortex.triangles, len(cortex.vertices_mm))
    left, right = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
    front, back, top = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)
    if parts.max() != 1:
        return (
            View("left", left, back, top),
            View("top", top, right, front),
            View("right", right, front, top),
            View("back", back, right, top),
        )
    first = _leftmost_part(cortex, parts)
    return (
        View("left, outside", left, back, top, first),
        View("left, inside", right, front, top, first),
        View("right, inside", left, back, top, 1 - first),
        View("right, outside", right, front, top, 1 - first),
    )


def _leftmost_part(cortex: Cortex, parts: Int32[np.ndarray, " vertices"]) -> int:
    """Which of two parts is the left hemisphere; of parts in one place, the first."""
    middles = [float(cortex.vertices_mm[parts == part, 0].mean()) for part in (0, 1)]
    return int(middles[1] < middles[0] - 1.0)


def parts_of(
    triangles: Int32[np.ndarray, "triangles 3"], n_vertices: int
) -> Int32[np.ndarray, " vertices"]:
    """Number the connected parts of a surface, from 0.

    >>> parts_of(np.array([[0, 1, 2], [3, 4, 5]], np.int32), 6).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (n_vertices, n_vertices))
    found: Int32[np.ndarray, " vertices"] = connected_components(links, directed=False)[1].astype(
        np.int32
    )
    return found


def draw_maps(sides: Sequence["Side"], maps: Sequence[CorticalMap]) -> "Figure":
    """Draw maps below each other, every one from the same sides.

    Rings are drawn where the marked region faces the eye.

    Parameters
    ----------
    sides : as `sides_of` gives them; they may be used for any number of figures
    maps : at least one
    """
    require("matplotlib", extra="report")
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(7.6, 1.55 * len(maps) + 0.2), layout="constrained")
        axes = figure.subplots(len(maps), len(sides), squeeze=False)
        for row, one in zip(axes, maps, strict=True):
            for axis, side in zip(row, sides, strict=True):
                _show(axis, side, one)
            row[0].set_title(one.title, color=_LABEL, fontsize=9)
        for axis, side in zip(axes[-1], sides, strict=True):
            axis.text(
                0.5, -0.02, side.title, transform=axis.transAxes, color=_LABEL, fontsize=8,
                ha="center", va="top",
            )  # fmt: skip
    return figure


def _show(axis: "Axes", side: "Side", one: CorticalMap) -> None:
    axis.imshow(side.paint(one.strengths), interpolation="antialiased")
    visible = one.marked[side.is_seen[one.marked]]
    places = side.centre_px[visible]
    for colour, width in (("white", 2.6), (INK, 1.1)):
        axis.plot(places[:, 0], places[:, 1], "o", mfc="none", mec=colour, mew=width, ms=6)
    axis.set_axis_off()


@dataclass(frozen=True, eq=False)
class Side:
    """A surface as it is seen from one side, pixel by pixel.

    Parameters
    ----------
    title : for readers
    region : region that is seen, from the top left; -1 beside the surface
    light : brightness of the surface, 0 to 1
    is_seen : regions most of whose area faces the eye
    centre_px : middle of every region's vertices, column and row
    """

    title: str
    region: Int32[np.ndarray, "height width"]
    light: Float64[np.ndarray, "height width"]
    is_seen: Bool[np.ndarray, " regions"]
    centre_px: Float64[np.ndarray, "regions 2"]

    def paint(
        self, strengths: Float32[np.ndarray, " regions"]
    ) -> Float64[np.ndarray, "height width 4"]:
        """Colours of a map, and how opaque it is: nothing is beside the surface."""
        painted = colours_of(strengths)[self.region] * self.light[:, :, None]
        is_surface = (self.region >= 0)[:, :, None]
        return np.concatenate([np.where(is_surface, painted, _SILENT), is_surface], axis=2)


def sides_of(cortex: Cortex) -> tuple[Side, ...]:
    """Look at a surface from four sides, all at one scale."""
    views = views_of(cortex)
    parts = parts_of(cortex.triangles, len(cortex.vertices_mm))
    extent = max(float(np.ptp(_page(cortex, view)[:, 0])) for view in views)
    return tuple(_side(cortex, view, parts, mm_per_px=extent / _WIDTH_PX) for view in views)


_WIDTH_PX = 420
_MARGIN_PX = 6


def _page(cortex: Cortex, view: View) -> Float64[np.ndarray, "vertices 2"]:
    """Place of every vertex on the page, mm to the right and upwards."""
    found: Float64[np.ndarray, "vertices 2"] = (
        cortex.vertices_mm @ np.array([view.across, view.up], dtype=np.float64).T
    )
    return found


def _side(
    cortex: Cortex, view: View, parts: Int32[np.ndarray, " vertices"], *, mm_per_px: float
) -> Side:
    corners = cortex.vertices_mm[cortex.triangles].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    outward = float(np.sign(np.sum(corners.mean(axis=1) * normals))) or 1.0
    facing = outward * (normals @ np.array(view.towards)) / np.where(areas > 0, areas, 1.0)
    shown = facing > 0
    if view.part is not None:
        shown &= parts[cortex.triangles[:, 0]] == view.part
    page = _page(cortex, view)
    low = page[cortex.triangles[shown]].min(axis=(0, 1))
    high = page[cortex.triangles[shown]].max(axis=(0, 1))
    pixel = np.stack([page[:, 0] - low[0], high[1] - page[:, 1]], axis=1) / mm_per_px + _MARGIN_PX
    width, height = (np.ceil((high - low) / mm_per_px) + 2 * _MARGIN_PX + 1).astype(int).tolist()
    depth = corners.mean(axis=1) @ np.array(view.towards)
    order = np.flatnonzero(shown)[np.argsort(depth[shown], kind="stable")]
    region, light = _rasterize(cortex, pixel, order, facing, size=(height, width))
    return Side(view.title, region, light, _seen(cortex, order, areas), _middles(cortex, pixel))


def _rasterize(
    cortex: Cortex,
    pixel: Float64[np.ndarray, "vertices 2"],
    order: Int64[np.ndarray, " shown"],
    facing: Float64[np.ndarray, " triangles"],
    *,
    size: tuple[int, int],
) -> tuple[Int32[np.ndarray, "height width"], Float64[np.ndarray, "height width"]]:
    """Cover triangles with points closer than pixels; later triangles lie over earlier ones.

    A pixel belongs to the region of the nearest corner. Brightness is that of the corners, each of
    which has the mean of its triangles.
    """
    triangles = cortex.triangles[order]
    corners = pixel[triangles]
    longest = float(np.abs(corners - np.roll(corners, 1, axis=1)).max())
    weights = _points_of_triangle(max(2, int(np.ceil(1.5 * longest))))
    places = np.rint(np.einsum("pc,tcd->tpd", weights, corners)).astype(np.int64)
    at = (places[:, :, 1] * size[1] + places[:, :, 0]).ravel()
    nearest = triangles[:, weights.argmax(axis=1)].ravel()
    brightness = _at_corners(cortex, order, facing)[triangles] @ weights.T
    region = np.full(size[0] * size[1], -1, dtype=np.int32)
    light = np.ones(size[0] * size[1])
    region[at] = cortex.region_of_vertex[nearest]
    light[at] = _DARKEST + (1 - _DARKEST) * brightness.ravel()
    return region.reshape(size), light.reshape(size)


def _points_of_triangle(n: int) -> Float64[np.ndarray, "points 3"]:
    """Weights of the corners at points that cover a triangle, ``n`` steps along each side."""
    first, second = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
    inside = first + second <= n
    found: Float64[np.ndarray, "points 3"] = (
        np.stack([first[inside], second[inside], n - first[inside] - second[inside]], axis=1) / n
    )
    return found


def _at_corners(
    cortex: Cortex, order: Int64[np.ndarray, " shown"], facing: Float64[np.ndarray, " triangles"]
) -> Float64[np.ndarray, " vertices"]:
    """Mean over the triangles around every vertex of how much they face the eye."""
    vertex = cortex.triangles[order].ravel()
    n_vertices = len(cortex.vertices_mm)
    total = np.bincount(vertex, np.repeat(facing[order], 3), minlength=n_vertices)
    found: Float64[np.ndarray, " vertices"] = total / np.maximum(
        np.bincount(vertex, minlength=n_vertices), 1
    )
    return found


def _seen(
    cortex: Cortex, shown: Int64[np.ndarray, " shown"], areas: Float64[np.ndarray, " triangles"]
) -> Bool[np.ndarray, " regions"]:
    """Regions of which most of the area is among the triangles shown."""
    region = cortex.region_of_vertex[cortex.triangles]
    n_regions = len(cortex.centre_mm)
    whole = np.bincount(region.ravel(), np.repeat(areas, 3), minlength=n_regions)
    seen = np.bincount(region[shown].ravel(), np.repeat(areas[shown], 3), minlength=n_regions)
    found: Bool[np.ndarray, " regions"] = (seen > 0.5 * whole) & (whole > 0)
    return found


def _middles(
    cortex: Cortex, pixel: Float64[np.ndarray, "vertices 2"]
) -> Float64[np.ndarray, "regions 2"]:
    """Mean place of the vertices of every region."""
    n_regions = len(cortex.centre_mm)
    count = np.maximum(np.bincount(cortex.region_of_vertex, minlength=n_regions), 1)
    sums = [
        np.bincount(cortex.region_of_vertex, pixel[:, axis], minlength=n_regions) for axis in (0, 1)
    ]
    found: Float64[np.ndarray, "regions 2"] = np.stack(sums, axis=1) / count[:, None]
    return found


def colours_of(strengths: Float32[np.ndarray, " regions"]) -> Float64[np.ndarray, "regions 3"]:
    """Colours from grey (silent) over yellow to dark red (the largest).

    >>> colours_of(np.zeros(1, np.float32)).tolist()
    [[0.84, 0.84, 0.84]]
    """
    require("matplotlib", extra="report")
    from matplotlib import colormaps

    largest = float(strengths.max())
    share = strengths / largest if largest > 0 else strengths
    level = (share - SHOWN_FROM) / (1 - SHOWN_FROM)
    scale = colormaps["YlOrRd"](0.12 + 0.88 * np.clip(level, 0, 1))[:, :3]
    return np.where((level > 0)[:, None], scale, np.array(_SILENT))

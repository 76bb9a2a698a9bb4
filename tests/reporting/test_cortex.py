import functools

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from neurorun.reporting.cortex import (
    CorticalMap,
    colours_of,
    draw_maps,
    parts_of,
    sides_of,
    views_of,
)
from neurorun.runs import Cortex

pytestmark = pytest.mark.unit


def sphere(n=300, *, middle=(0.0, 0.0, 0.0)):
    """Points evenly on a sphere of 70 mm, outwards triangles between them, a region for each."""
    place = np.arange(n) + 0.5
    polar, around = np.arccos(1 - 2 * place / n), np.pi * (1 + 5**0.5) * place
    points = 70 * np.stack(
        [np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)], axis=1
    )
    triangles = ConvexHull(points).simplices
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.sum(normals * corners[:, 0], axis=1) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return points + np.array(middle), triangles


def closed_cortex(*, turned=False):
    points, triangles = sphere()
    return Cortex(
        points.astype(np.float32),
        (triangles[:, ::-1] if turned else triangles).astype(np.int32),
        np.arange(300, dtype=np.int32),
        points.astype(np.float32),
    )


def hemispheres(*, left_first=True):
    first, triangles = sphere(middle=(-80.0 if left_first else 80.0, 0.0, 0.0))
    second, _ = sphere(middle=(80.0 if left_first else -80.0, 0.0, 0.0))
    points = np.concatenate([first, second]).astype(np.float32)
    joined = np.concatenate([triangles, triangles + 300]).astype(np.int32)
    return Cortex(points, joined, np.arange(600, dtype=np.int32), points)


@functools.cache
def sides(*, turned=False):
    return sides_of(closed_cortex(turned=turned))


def seen_from(title, *, turned=False):
    return next(side for side in sides(turned=turned) if side.title == title)


def test_a_closed_surface_is_seen_from_around():
    assert [one.title for one in views_of(closed_cortex())] == ["left", "top", "right", "back"]


@pytest.mark.parametrize("left_first", [True, False])
def test_hemispheres_are_seen_from_outside_and_inside(left_first):
    cortex = hemispheres(left_first=left_first)
    found = sides_of(cortex)
    assert [side.title for side in found] == [
        "left, outside",
        "left, inside",
        "right, inside",
        "right, outside",
    ]
    left = cortex.centre_mm[:, 0] < 0
    for side in found:
        shown = np.unique(side.region[side.region >= 0])
        assert (left[shown] == side.title.startswith("left")).all()


def test_connected_parts_are_told_apart():
    parts = parts_of(hemispheres().triangles, 600)
    assert set(parts[:300]) == {0}
    assert set(parts[300:]) == {1}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("title", "axis", "sign"), [("left", 0, -1), ("right", 0, 1), ("top", 2, 1), ("back", 1, -1)]
)
def test_each_side_shows_what_faces_it(turned, title, axis, sign):
    cortex = closed_cortex(turned=turned)
    side = seen_from(title, turned=turned)
    shown = np.unique(side.region[side.region >= 0])
    assert (sign * cortex.centre_mm[shown, axis] > -25).all()
    facing = sign * cortex.centre_mm[:, axis] > 15
    assert np.isin(np.flatnonzero(facing), shown).all()
    assert side.is_seen[facing].all()
    assert not side.is_seen[sign * cortex.centre_mm[:, axis] < -25].any()


@pytest.mark.parametrize(
    ("title", "right_is", "up_is"),
    [
        ("left", (0, -1, 0), (0, 0, 1)),
        ("right", (0, 1, 0), (0, 0, 1)),
        ("top", (1, 0, 0), (0, 1, 0)),
        ("back", (1, 0, 0), (0, 0, 1)),
    ],
)
def test_directions_on_the_page(title, right_is, up_is):
    cortex = closed_cortex()
    side = seen_from(title)
    across, up = cortex.centre_mm @ np.array(right_is), cortex.centre_mm @ np.array(up_is)
    assert np.corrcoef(side.centre_px[:, 0], across)[0, 1] > 0.999
    assert np.corrcoef(side.centre_px[:, 1], up)[0, 1] < -0.999


def test_a_surface_has_no_holes():
    side = seen_from("top")
    height, width = side.region.shape
    rows, columns = np.mgrid[:height, :width]
    radius = np.hypot(rows - height / 2, columns - width / 2)
    assert (side.region[radius < 0.45 * height] >= 0).all()
    assert (side.region[radius > 0.55 * height] == -1).all()


def test_a_region_is_painted_where_it_lies():
    cortex = closed_cortex()
    strengths = np.zeros(300, np.float32)
    region = int(cortex.centre_mm[:, 2].argmax())
    strengths[region] = 1.0
    side = seen_from("top")
    painted = side.paint(strengths)
    red = (painted[..., 0] - painted[..., 2]) > 0.2
    assert (side.region[red] == region).all()
    assert red.any()
    assert (painted[side.region == -1, 3] == 0.0).all()
    assert (painted[side.region >= 0, 3] == 1.0).all()


def test_colours_are_shares_of_the_largest():
    strengths = np.array([0.0, 0.05, 0.5, 1.0], np.float32)
    colours = colours_of(strengths)
    np.testing.assert_array_equal(colours, colours_of(1e-20 * strengths))
    assert (colours[0] == colours[1]).all()
    assert colours[3].sum() < colours[2].sum() < colours[1].sum()


def test_a_figure_has_one_row_per_map_and_rings_where_they_are_seen():
    cortex = closed_cortex()
    strengths = np.random.default_rng(0).random(300, np.float32)
    top = int(cortex.centre_mm[:, 2].argmax())
    maps = [CorticalMap(name, strengths, np.array([top])) for name in ("true", "model")]
    figure = draw_maps(sides(), maps)
    assert len(figure.axes) == 8
    assert figure.axes[4].get_title(loc="left") == "model"
    rings = [len(axis.lines[0].get_xdata()) for axis in figure.axes[:4]]
    assert rings[1] == 1
    assert sum(rings) < 4

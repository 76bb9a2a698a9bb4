from dataclasses import replace

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.simulation import spherical_anatomy
from neurorun.tasks.source_localization.anatomy import cortex_of, source_space

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def anatomy():
    return spherical_anatomy(30, 8, seed=0)


def test_no_region_is_away_from_itself(anatomy):
    space = source_space(anatomy)
    assert not space.distance_mm.diagonal().any()
    np.testing.assert_array_equal(space.area_mm2, anatomy.area_mm2)


def test_estimates_are_drawn_on_the_surface(anatomy):
    cortex = cortex_of(anatomy)
    assert len(cortex.vertices_mm) == len(anatomy.surface.vertices_mm)
    inflated = replace(anatomy.surface, inflated_mm=2 * anatomy.surface.vertices_mm)
    grown = cortex_of(replace(anatomy, surface=inflated))
    np.testing.assert_allclose(grown.vertices_mm, 2 * cortex.vertices_mm, rtol=1e-6)


def test_without_a_surface_regions_are_joined_outwards(anatomy):
    cortex = cortex_of(replace(anatomy, surface=None))
    assert (cortex.region_of_vertex == np.arange(30)).all()
    corners = cortex.vertices_mm[cortex.triangles] - cortex.vertices_mm.mean(axis=0)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.sum(normals * corners[:, 0], axis=1) > 0).mean() > 0.9


def test_regions_without_volume_cannot_be_drawn(anatomy):
    flat = np.zeros_like(anatomy.centre_mm)
    flat[:, 0] = np.arange(30)
    with pytest.raises(DataError, match=r"centres of 30 regions span no volume"):
        cortex_of(replace(anatomy, surface=None, centre_mm=flat))

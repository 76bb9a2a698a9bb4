"""The head without outside files: potentials, leadfield, anatomy."""

import numpy as np
import pytest
from numpy.polynomial.legendre import legval

from neurorun.simulation import spherical_anatomy, spherical_leadfield
from neurorun.simulation.source.spherical_head import (
    CONDUCTIVITY,
    HEAD_MM,
    even_directions,
    sphere_potential,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("depth", [0.2, 0.5, 0.8])
def test_the_potential_of_a_radial_dipole_is_its_series(depth):
    electrodes = even_directions(20) * HEAD_MM
    source = np.array([[0.0, 0.0, depth * HEAD_MM]])
    found = sphere_potential(electrodes, source, np.array([[0.0, 0.0, 1.0]]))[:, 0]
    order = np.arange(1, 400)
    series = np.r_[0, (2 * order + 1) * depth ** (order - 1)]
    scale = 1e-9 * 1e6 / (4 * np.pi * CONDUCTIVITY * (HEAD_MM / 1000) ** 2)
    np.testing.assert_allclose(found, legval(electrodes[:, 2] / HEAD_MM, series) * scale, rtol=1e-9)


def test_a_tangential_dipole_is_the_limit_of_two_monopoles():
    electrodes = even_directions(20) * HEAD_MM
    place, step = np.array([[10.0, 20.0, 40.0]]), 1e-3

    def monopole(source_mm):
        r, r0, radius = electrodes / 1000, source_mm / 1000, HEAD_MM / 1000
        d = np.linalg.norm(r - r0, axis=1)
        log = np.log(2 * radius**2 / (radius**2 - r @ r0[0] + radius * d))
        return (2 / d + log / radius) / (4 * np.pi * CONDUCTIVITY)

    ahead = np.array([[step, 0.0, 0.0]])
    limit = (monopole(place + ahead) - monopole(place - ahead)) / (2 * step / 1000) * 1e-9 * 1e6
    found = sphere_potential(electrodes, place, np.array([[1.0, 0.0, 0.0]]))[:, 0]
    np.testing.assert_allclose(found, limit, rtol=1e-6)


def test_the_anatomy_is_whole():
    anatomy = spherical_anatomy(60, 16, seed=1)
    leadfield = spherical_leadfield(anatomy)
    assert leadfield.shape == (16, 60)
    assert np.linalg.matrix_rank(leadfield) == 16
    assert all(3 <= len(near) <= 12 for near in anatomy.neighbours)
    for region, near in enumerate(anatomy.neighbours):
        assert all(region in anatomy.neighbours[other] for other in near)
    np.testing.assert_allclose(np.linalg.norm(anatomy.normal, axis=1), 1)
    assert anatomy.surface.triangles.max() < len(anatomy.surface.vertices_mm)
    np.testing.assert_allclose(np.diag(anatomy.distance_mm), 0, atol=1e-5)

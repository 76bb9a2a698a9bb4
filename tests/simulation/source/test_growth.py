"""Patches that grow over neighbouring regions."""

import numpy as np
import pytest

from neurorun.simulation import load_anatomy
from neurorun.simulation.source.growth import grow_patch, patch_weights

pytestmark = pytest.mark.unit


def test_patches_are_connected_start_at_their_centre_and_repeat(project):
    anatomy = load_anatomy(project / "anatomy", n_regions=994)
    sizes = []
    for centre in range(0, 994, 31):
        patch = grow_patch(anatomy, centre, np.random.default_rng(centre), n_rings=2 + centre % 2)
        again = grow_patch(anatomy, centre, np.random.default_rng(centre), n_rings=2 + centre % 2)
        np.testing.assert_array_equal(patch, again)
        assert patch[0] == centre
        assert len(set(patch.tolist())) == len(patch) <= 70
        reached, border = {centre}, [centre]
        while border:
            near = set(anatomy.neighbours[border.pop()].tolist()) & set(patch.tolist()) - reached
            reached |= near
            border += near
        assert reached == set(patch.tolist())
        weights = patch_weights(anatomy, patch, 40.0)
        assert weights[0] == 1
        assert (weights > 0).all()
        sizes.append(len(patch))
    assert 12 <= np.mean(sizes) <= 28

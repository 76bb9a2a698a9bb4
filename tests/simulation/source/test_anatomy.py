"""Anatomy files as they were published."""

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.simulation import load_anatomy

pytestmark = pytest.mark.unit


def test_published_anatomy_is_read(project, esi_real):
    anatomy = load_anatomy(project / "anatomy", n_regions=994)
    assert anatomy.n_regions == 994
    assert anatomy.channels[0] == "Fp1"
    assert anatomy.channel_mm.shape == (75, 3)
    assert anatomy.distance_source == "dis_matrix_fs_20k.mat"
    assert anatomy.surface.triangles.shape == (40960, 3)
    own = load_anatomy(esi_real / "deepsif/anatomy", n_regions=994)
    np.testing.assert_allclose(own.centre_mm, anatomy.centre_mm, atol=1e-6)
    np.testing.assert_allclose(own.area_mm2, anatomy.area_mm2, rtol=1e-6)
    np.testing.assert_allclose(own.distance_mm, anatomy.distance_mm, atol=1e-4)
    assert own.distance_source.startswith("Euclidean")
    assert load_anatomy(project, n_regions=994) is None
    with pytest.raises(DataError, match="names the neighbours of 994 regions, the leadfield has"):
        load_anatomy(project / "anatomy", n_regions=993)

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.formats import to_mne_source_estimate

pytestmark = pytest.mark.integration

pytest.importorskip("mne")

ACTIVITY = np.arange(12, dtype=np.float32).reshape(4, 3)
REGIONS = np.array([0, 0, 2, 1, 1, 2])


def test_every_vertex_carries_the_activity_of_its_region():
    found = to_mne_source_estimate(ACTIVITY, REGIONS, rate_hz=500.0, onset_s=0.1)
    np.testing.assert_array_equal(found.data, ACTIVITY[:, REGIONS].T)
    np.testing.assert_allclose(found.times, 0.1 + np.arange(4) / 500)
    assert [one.tolist() for one in found.vertices] == [[0, 1, 2], [0, 1, 2]]
    assert found.subject == "fsaverage"


def test_hemispheres_may_differ_in_size():
    found = to_mne_source_estimate(ACTIVITY, REGIONS, rate_hz=500.0, n_left=2, subject="own")
    assert [one.size for one in found.vertices] == [2, 4]
    np.testing.assert_array_equal(found.rh_data, ACTIVITY[:, REGIONS[2:]].T)


@pytest.mark.parametrize("regions", [REGIONS - 1, REGIONS + 1])
def test_vertices_of_another_anatomy_are_refused(regions):
    with pytest.raises(DataError, match=r"the activity has 3; regions from 0 are needed"):
        to_mne_source_estimate(ACTIVITY, regions, rate_hz=500.0)


def test_more_left_vertices_than_there_are_are_refused():
    with pytest.raises(DataError, match=r"6 vertices, of which 7 are said to lie on the left"):
        to_mne_source_estimate(ACTIVITY, REGIONS, rate_hz=500.0, n_left=7)

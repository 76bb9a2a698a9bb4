"""A scalp seizure of one patient, and the area whose removal ended the seizures."""

from pathlib import Path

import numpy as np
import pytest

from neurorun.core import ScoringError
from neurorun.evaluation import Sensors, SourceSpace, Truth, linear_inverse, score_estimate
from neurorun.evaluation.localization import strengths_of

pytestmark = pytest.mark.integration

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
PATIENT = SHARED / "esi_real/deepsif/ictal/examples/P2"
ANATOMY = SHARED / "source_imaging/project/anatomy"

if not (PATIENT.exists() and ANATOMY.exists()):
    pytest.skip("the recordings are not here", allow_module_level=True)


@pytest.fixture(scope="module")
def head():
    from scipy.io import loadmat

    geometry = np.load(ANATOMY / "region_geometry.npz")
    distances = loadmat(ANATOMY / "dis_matrix_fs_20k.mat")["raw_dis_matrix"]
    space = SourceSpace(geometry["centre_mm"], geometry["area_mm2"], distances)
    return space, loadmat(ANATOMY / "leadfield_75_20k.mat")["fwd"]


@pytest.fixture(scope="module")
def resected():
    from scipy.io import loadmat

    file = PATIENT / "anatomy/projected_resection_to_fs_cortex.mat"
    return loadmat(file)["resection_region"][0].astype(np.int64)


@pytest.mark.parametrize("method", ["MNE", "sLORETA", "eLORETA"])
@pytest.mark.parametrize("second", [1, 2, 3])
def test_the_strongest_region_lies_in_what_was_resected(head, resected, method, second):
    from scipy.io import loadmat

    space, leadfield = head
    eeg = loadmat(PATIENT / f"sz_data/data{second}.mat")["data"].astype(np.float64)
    estimate = linear_inverse(leadfield, method, snr_db=10.0)(eeg)
    assert strengths_of(estimate).argmax() in resected
    scores = score_estimate(
        estimate, Truth((resected,)), space, rate_hz=500.0, sensors=Sensors(eeg, leadfield)
    )
    assert scores["auroc"] > 0.89
    assert scores["missed_sources"] == 0.0
    assert scores["residual_variance"] < 0.1


def test_evoked_potentials_of_another_cap_are_refused(head):
    from scipy.io import loadmat

    evoked = loadmat(SHARED / "esi_real/deepsif/source/VEP/data1.mat")["data"]
    with pytest.raises(ScoringError, match=r"The EEG has 64 channels, the leadfield 75"):
        linear_inverse(head[1], "MNE", snr_db=10.0)(evoked)

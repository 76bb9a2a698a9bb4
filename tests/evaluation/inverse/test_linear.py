from pathlib import Path

import numpy as np
import pytest

from neurorun.core import ScoringError
from neurorun.evaluation.inverse import INVERSE_METHODS, linear_inverse, noise_covariance

DATA = Path(__file__).resolve().parents[3] / "../shared/data/esi_real/deepsif/anatomy"


def leadfield(n_channels=8, n_regions=30, seed=0):
    return np.random.default_rng(seed).normal(size=(n_channels, n_regions))


def correlated_noise(n_channels, seed=1):
    mixing = np.random.default_rng(seed).normal(size=(n_channels, n_channels))
    return mixing @ mixing.T + np.eye(n_channels)


@pytest.mark.unit
@pytest.mark.parametrize("method", INVERSE_METHODS)
def test_mean_over_channels_has_no_effect(method):
    inverse = linear_inverse(leadfield(), method, snr_db=10, covariance=correlated_noise(8))
    eeg = np.random.default_rng(2).normal(size=(5, 8))
    np.testing.assert_allclose(inverse(eeg + 3.0), inverse(eeg), atol=1e-12)


@pytest.mark.unit
@pytest.mark.parametrize("method", ["sLORETA", "eLORETA"])
def test_a_single_source_without_noise_is_strongest_where_it_is(method):
    gain = leadfield()
    inverse = linear_inverse(gain, method, snr_db=20)
    found = np.abs(inverse(np.ascontiguousarray(gain.T)))
    assert (found.argmax(axis=1) == np.arange(30)).all()


@pytest.mark.unit
def test_white_noise_is_the_default_and_its_scale_is_only_that_of_the_statistic():
    gain, eeg = leadfield(), np.random.default_rng(2).normal(size=(3, 8))
    plain = linear_inverse(gain, "sLORETA", snr_db=10)(eeg)
    louder = linear_inverse(gain, "sLORETA", snr_db=10, covariance=4 * np.eye(8))(eeg)
    np.testing.assert_allclose(louder, plain / 2, atol=1e-12)


@pytest.mark.unit
def test_precision_and_batches_of_the_eeg_are_kept():
    inverse = linear_inverse(leadfield(), "MNE", snr_db=10)
    eeg = np.random.default_rng(2).normal(size=(2, 5, 8)).astype(np.float32)
    found = inverse(eeg)
    assert found.shape == (2, 5, 30)
    assert found.dtype == np.float32


@pytest.mark.unit
@pytest.mark.parametrize("method", INVERSE_METHODS)
def test_a_region_that_no_channel_sees_stays_silent(method):
    gain = leadfield()
    gain[:, 4] = 0.0
    found = linear_inverse(gain, method, snr_db=10)(np.random.default_rng(2).normal(size=(3, 8)))
    assert np.isfinite(found).all()
    assert not found[:, 4].any()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.eye(7), r"has shape \(7, 7\), the leadfield 8 channels"),
        (np.zeros((8, 8)), r"holds no variance besides the mean"),
        (np.triu(np.ones((8, 8))), r"not symmetric or not finite"),
        (np.full((8, 8), np.nan), r"not symmetric or not finite"),
    ],
)
def test_unusable_noise_is_refused(covariance, message):
    with pytest.raises(ScoringError, match=message):
        linear_inverse(leadfield(), "MNE", snr_db=10, covariance=covariance)


@pytest.mark.unit
@pytest.mark.parametrize("gain", [np.ones((8, 30)), np.zeros((8, 30)), np.full((8, 30), np.nan)])
def test_leadfield_without_any_contrast_is_refused(gain):
    gain = gain - gain.mean(axis=0)
    with pytest.raises(ScoringError, match=r"leadfield is all zero or not finite"):
        linear_inverse(gain, "MNE", snr_db=10)


@pytest.mark.unit
def test_noise_without_enough_samples_is_refused():
    with pytest.raises(ScoringError, match=r"8 samples of noise from 8 channels"):
        noise_covariance(np.zeros((8, 8)))


@pytest.mark.unit
def test_prior_that_does_not_settle_is_told(monkeypatch):
    monkeypatch.setattr("neurorun.evaluation.inverse.linear._MOST_STEPS", 1)
    with pytest.raises(ScoringError, match=r"did not settle within 1 steps; raise the assumed"):
        linear_inverse(leadfield(), "eLORETA", snr_db=10)


def forward_of(mne, gain, info):
    """Forward solution with fixed orientations on a surface of one vertex per region."""
    from mne.io.constants import FIFF

    rng = np.random.default_rng(0)
    n_regions = gain.shape[1]
    places = rng.normal(size=(n_regions, 3))
    places *= 0.07 / np.linalg.norm(places, axis=1, keepdims=True)
    normals = places / np.linalg.norm(places, axis=1, keepdims=True)
    half = n_regions // 2
    spaces = []
    for first, last, side in ((0, half, 101), (half, n_regions, 102)):
        n = last - first
        spaces.append(
            {
                "id": side,
                "type": "surf",
                "np": n,
                "ntri": 0,
                "tris": np.zeros((0, 3), int),
                "use_tris": np.zeros((0, 3), int),
                "nuse_tri": 0,
                "coord_frame": FIFF.FIFFV_COORD_HEAD,
                "rr": places[first:last],
                "nn": normals[first:last],
                "inuse": np.ones(n, int),
                "nuse": n,
                "vertno": np.arange(n),
                "nearest": None,
                "nearest_dist": None,
                "pinfo": None,
                "patch_inds": None,
                "dist": None,
                "dist_limit": None,
                "subject_his_id": "none",
            }
        )
    data = {"nrow": gain.shape[0], "ncol": n_regions, "row_names": info["ch_names"]}
    forward = mne.Forward(
        source_ori=FIFF.FIFFV_MNE_FIXED_ORI,
        coord_frame=FIFF.FIFFV_COORD_HEAD,
        nsource=n_regions,
        nchan=gain.shape[0],
        sol={**data, "col_names": [], "data": gain},
        _orig_sol=gain.copy(),
        sol_grad=None,
        _orig_sol_grad=None,
        _orig_source_ori=FIFF.FIFFV_MNE_FIXED_ORI,
        surf_ori=True,
        info=info,
        src=mne.SourceSpaces(spaces),
        mri_head_t=mne.transforms.Transform("head", "mri", np.eye(4)),
        source_rr=places,
        source_nn=normals,
    )
    with forward["info"]._unlock():
        forward["info"].update(mri_file="", mri_id=None, meas_file="", meas_id=None)
    return forward


@pytest.mark.integration
@pytest.mark.parametrize("method", INVERSE_METHODS)
@pytest.mark.parametrize("noise", ["white", "correlated"])
def test_estimates_are_those_of_mne_python(method, noise):
    mne = pytest.importorskip("mne")
    gain = leadfield(16, 120)
    if (DATA / "leadfield_75_20k.mat").exists():
        from scipy.io import loadmat

        gain = loadmat(DATA / "leadfield_75_20k.mat")["fwd"] * 1e-6
    n_channels = len(gain)
    covariance = np.eye(n_channels) if noise == "white" else correlated_noise(n_channels)
    covariance = covariance * 1e-10
    with mne.utils.use_log_level("ERROR"):
        expected, eeg = by_mne(mne, gain, method, covariance)
    ours = linear_inverse(gain, method, snr_db=10.0, covariance=covariance)(eeg)
    difference = np.abs(ours - expected).max() / np.abs(expected).max()
    assert difference < 1e-10


def by_mne(mne, gain, method, covariance):
    names = [f"E{place}" for place in range(len(gain))]
    info = mne.create_info(names, 500.0, "eeg")
    forward = forward_of(mne, gain, info)
    eeg = np.random.default_rng(3).normal(size=(40, len(gain))) * 1e-5
    evoked = mne.EvokedArray(np.ascontiguousarray(eeg.T), info, tmin=0.0, nave=1)
    evoked.set_eeg_reference("average", projection=True)
    noise = mne.Covariance(covariance, names, bads=[], projs=[], nfree=1000)
    operator = mne.minimum_norm.make_inverse_operator(
        evoked.info, forward, noise, fixed=True, loose=0.0, depth=None
    )
    found = mne.minimum_norm.apply_inverse(evoked, operator, lambda2=0.1, method=method)
    return found.data.T, eeg


@pytest.mark.unit
def test_eeg_of_other_channels_is_refused():
    inverse = linear_inverse(leadfield(), "MNE", snr_db=10)
    with pytest.raises(ScoringError, match=r"The EEG has 7 channels, the leadfield 8; the same"):
        inverse(np.zeros((5, 7)))

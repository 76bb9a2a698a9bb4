"""Small worlds of sources: the shared data set, and one made in memory."""

from pathlib import Path

import numpy as np
import pytest

from neurorun.simulation import (
    SourceDataConfig,
    SourcePlan,
    find_clips,
    load_leadfield,
    save_mat,
    spherical_anatomy,
    spherical_leadfield,
    write_anatomy,
    write_plan,
)
from neurorun.simulation.source.store import build_store

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"
N_REGIONS, N_CHANNELS, N_SAMPLES = 30, 8, 500


@pytest.fixture(scope="session")
def shared():
    folder = (SHARED / "source_imaging").resolve()
    if not folder.exists():
        pytest.skip("the shared data are absent")
    return folder


@pytest.fixture(scope="session")
def project(shared):
    return shared / "project"


@pytest.fixture(scope="session")
def esi_real():
    folder = (SHARED / "esi_real").resolve()
    if not folder.exists():
        pytest.skip("the shared data are absent")
    return folder


@pytest.fixture(scope="session")
def leadfield(project):
    return load_leadfield(project / "anatomy/leadfield_75_20k.mat")


@pytest.fixture(scope="session")
def store_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def store(project, store_dir):
    return build_store(store_dir, find_clips(project / "source/nmm_spikes"), n_regions=994)


@pytest.fixture
def shared_settings(project, store, store_dir):
    return {
        "train_metadata_path": project / "source/train_sample_source1.mat",
        "test_metadata_path": project / "source/test_sample_source1.mat",
        "nmm_spikes_dir": project / "source/nmm_spikes",
        "fwd_matrix_path": project / "anatomy/leadfield_75_20k.mat",
        "store_dir": store_dir,
        "num_workers": 0,
    }


def small_clip(region: int, number: int) -> np.ndarray:
    """Samples by regions: a quiet second with one spike in a region."""
    rng = np.random.default_rng([region, number])
    clip = 1.3 + 0.3 * rng.standard_normal((N_SAMPLES, N_REGIONS)).cumsum(axis=0) / 20
    time = np.arange(N_SAMPLES)
    clip[:, region] += 20 * np.exp(-(((time - 200 - 5 * number) / 12) ** 2))
    return clip.astype(np.float32)


def make_plan(n_rows: int = 16, *, n_sources: int = 2) -> SourcePlan:
    """Two regions, each with a patch of three regions; four noise levels."""
    regions = np.full((n_rows, n_sources, 6), -1, np.int32)
    weights = np.zeros(regions.shape)
    rows = np.arange(n_rows)
    centres = np.stack([(rows // 4 + 3 * source) % 5 for source in range(n_sources)], axis=1)
    for step, weight in enumerate((1.0, 0.8, 0.6)):
        regions[:, :, step] = centres + 5 * step
        weights[:, :, step] = weight
    return SourcePlan(
        regions=regions,
        weights=weights,
        centres=centres.astype(np.int32),
        clips=(1 + (rows[:, None] + centres) % 2).astype(np.int32),
        scales=np.broadcast_to(np.array([5.0, 10.0]), (n_rows, n_sources, 2)).copy(),
        snr_db=np.array([5.0, 10.0, 15.0, 20.0])[rows % 4],
    )


@pytest.fixture(scope="session")
def small_world(tmp_path_factory):
    """A whole project with 30 regions and 8 channels; tests must not write into it."""
    folder = tmp_path_factory.mktemp("world")
    anatomy = spherical_anatomy(N_REGIONS, N_CHANNELS, seed=1)
    write_anatomy(folder / "anatomy", anatomy, spherical_leadfield(anatomy))
    for region in range(5):
        for number in (1, 2):
            path = folder / f"source/nmm_spikes/a{region}/nmm_{number}.mat"
            save_mat(path, {"data": small_clip(region, number)})
    write_plan(folder / "source/train_sample_source1.mat", make_plan())
    write_plan(folder / "source/test_sample_source1.mat", make_plan(4))
    return folder


@pytest.fixture
def small_config(small_world, tmp_path):
    def make(**more):
        settings = {
            "train_metadata_path": small_world / "source/train_sample_source1.mat",
            "test_metadata_path": small_world / "source/test_sample_source1.mat",
            "nmm_spikes_dir": small_world / "source/nmm_spikes",
            "fwd_matrix_path": small_world / "anatomy/leadfield.mat",
            "store_dir": tmp_path / "store",
            "num_workers": 0,
            "batch_size": 4,
            "validation_by": "patch",
            "val_split": 0.25,
        }
        return SourceDataConfig(**{**settings, **more})

    return make


@pytest.fixture(scope="session")
def small_plan():
    """Makes plans for the small world."""
    return make_plan

import shutil

import numpy as np
import pytest
import torch

from neurorun.experiment import experiment_from
from neurorun.simulation import (
    SourcePlan,
    save_mat,
    spherical_anatomy,
    spherical_leadfield,
    write_anatomy,
    write_plan,
)

N_REGIONS, N_CHANNELS, N_SAMPLES = 24, 10, 500
SETTINGS = {
    "task": "source_localization",
    "data": {"batch_size": 4, "num_workers": 0, "val_split": 0.3, "validation_by": "patch"},
    "model": {"preset": "small", "name": "deepsif"},
    "training": {"epochs": 1, "early_stopping": {"metric": "val_loss"}},
    "evaluation": {"n_resamples": 20, "baselines": ["sLORETA", "MNE"]},
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_clip(path, centre, seed):
    rng = np.random.default_rng(seed)
    activity = 1.3 + 0.1 * rng.normal(size=(N_SAMPLES, N_REGIONS))
    time = np.arange(N_SAMPLES)
    activity[:, centre] += 12 * np.exp(-0.5 * ((time - 240 - 5 * seed) / 12.0) ** 2)
    save_mat(path, {"data": activity.astype(np.float32)})


def plan_of(neighbours, clips, *, levels=(5.0, 20.0), n_sources=2):
    """Two rows per region, one per level of noise: a source there and one further on."""
    rows = [(region, level) for region in range(N_REGIONS) for level in levels]
    width = 1 + max(len(near) for near in neighbours)
    regions = np.full((len(rows), n_sources, width), -1, np.int32)
    weights = np.zeros(regions.shape)
    centres = np.full((len(rows), n_sources), -1, np.int32)
    for row, (region, _) in enumerate(rows):
        for source in range(n_sources):
            centre = (region + 7 * source) % N_REGIONS
            patch = [centre, *neighbours[centre].tolist()[:2]]
            regions[row, source, : len(patch)] = patch
            weights[row, source, : len(patch)] = [1.0, *[0.3] * (len(patch) - 1)]
            centres[row, source] = centre
    return SourcePlan(
        regions=regions,
        weights=weights,
        centres=centres,
        clips=np.where(centres >= 0, clips, -1).astype(np.int32),
        scales=np.full((len(rows), n_sources, 2), 15.0),
        snr_db=np.array([level for _, level in rows]),
    )


@pytest.fixture(scope="session")
def project_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    anatomy = spherical_anatomy(N_REGIONS, N_CHANNELS, seed=0)
    write_anatomy(folder / "anatomy", anatomy, spherical_leadfield(anatomy))
    (folder / "anatomy/leadfield.mat").rename(folder / "anatomy/leadfield_75_20k.mat")
    for centre in range(N_REGIONS):
        for number in (1, 2):
            path = folder / f"source/nmm_spikes/a{centre}/nmm_{number}.mat"
            write_clip(path, centre, number)
    for name, clip in (("train", 1), ("test", 2)):
        plan = plan_of(anatomy.neighbours, clip, n_sources=2 if name == "train" else 1)
        write_plan(folder / f"source/{name}_sample_source1.mat", plan)
    return folder


@pytest.fixture
def project(project_once, tmp_path, monkeypatch):
    """The working folder is one in the layout of earlier metadata loaders."""
    folder = shutil.copytree(project_once, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def settings(project):
    def made(**changes):
        merged = {
            key: {**value, **changes.get(key, {})} if isinstance(value, dict) else value
            for key, value in SETTINGS.items()
        }
        merged["experiment"] = {"output_dir": str(project / "runs"), "seed": 3}
        return experiment_from(merged, source="test").settings

    return made

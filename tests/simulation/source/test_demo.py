"""The whole demonstration, and what is checked before training on it."""

import numpy as np
import pytest

from neurorun.core import DataError
from neurorun.simulation import (
    SourceDataConfig,
    check_source_data,
    draw_tables,
    load_leadfield,
    open_source_data,
    simulate_source_demo,
)

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    settings = simulate_source_demo(
        folder, n_regions=24, n_channels=12, n_clips=4, n_train=80, n_test=16
    )
    return folder, settings


def test_a_demonstration_is_made_of_nothing(demo):
    _, settings = demo
    config = SourceDataConfig(**settings, num_workers=0)
    data = open_source_data(config, seed=1)
    assert data.leadfield.shape == (12, 24)
    assert data.anatomy.channel_mm.shape == (12, 3)
    np.testing.assert_allclose(np.linalg.norm(data.anatomy.channel_mm, axis=1), 90)
    assert len(data.train) + len(data.validation) >= 60
    keys = {name: set(split.plan.clip_keys().ravel()) for name, split in data.splits.items()}
    assert not keys["train"] & keys["test"]
    assert not keys["train"] & keys["validation"]
    assert data.train.plan.n_options == 6


def test_everything_about_data_is_checked(demo):
    _, settings = demo
    report = check_source_data(SourceDataConfig(**settings, num_workers=0))
    assert report.ok
    steps = [step for step, _, _ in report.rows]
    assert steps[-3:] == ["example 0", "batch", "timing"]
    report = check_source_data(SourceDataConfig(**settings, sparse_targets=True, noise="none"))
    assert report.ok


def test_faults_of_data_are_reported_not_raised(demo, tmp_path):
    _, settings = demo
    missing = SourceDataConfig(**{**settings, "train_metadata_path": str(tmp_path / "x.mat")})
    report = check_source_data(missing)
    assert not report.ok
    assert ("train_metadata_path", "failed") in [row[:2] for row in report.rows]
    assert ("examples", "failed") in [row[:2] for row in report.rows]
    missing = SourceDataConfig(**{**settings, "fwd_matrix_path": "none", "noise": "realistic"})
    rows = check_source_data(missing).rows
    assert rows[-1] == ("examples", "skipped", "the leadfield is needed")


def test_tables_are_drawn_from_a_folder(demo, tmp_path):
    folder, settings = demo
    paths = draw_tables(
        tmp_path,
        spikes=folder / "source/nmm_spikes",
        leadfield_path=folder / "anatomy/leadfield.mat",
        anatomy_dir=folder / "anatomy",
        n_train=8,
        n_test=0,
        seed=1,
        mat_format="hdf5",
    )
    assert list(paths) == ["train_metadata_path"]
    more = {**settings, "train_metadata_path": paths["train_metadata_path"], "val_split": 0}
    assert len(open_source_data(SourceDataConfig(**more), seed=1).train) == 8
    assert load_leadfield(folder / "anatomy/leadfield.mat").shape == (12, 24)
    with pytest.raises(DataError, match="holds no neighbours and positions"):
        draw_tables(
            tmp_path,
            spikes=folder / "source/nmm_spikes",
            leadfield_path=folder / "anatomy/leadfield.mat",
            anatomy_dir=tmp_path,
            n_train=8,
            n_test=0,
            seed=1,
        )


def test_a_demonstration_that_is_too_small_is_refused(tmp_path):
    with pytest.raises(DataError, match="at least 20, 8 and 4 are needed"):
        simulate_source_demo(tmp_path, n_regions=10)

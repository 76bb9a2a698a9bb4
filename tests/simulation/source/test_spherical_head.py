"""The head without outside files, growing, and the whole demonstration."""

import numpy as np
import pytest
from numpy.polynomial.legendre import legval

from neurorun.core import DataError
from neurorun.simulation import (
    SourceDataConfig,
    check_source_data,
    draw_tables,
    load_anatomy,
    load_leadfield,
    open_source_data,
    simulate_source_demo,
    spherical_anatomy,
    spherical_leadfield,
)
from neurorun.simulation.source.draws import NormalNumbers, row_keys, uniforms
from neurorun.simulation.source.growth import grow_patch, patch_weights
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


def test_numbers_are_normal_and_follow_from_their_key_alone():
    numbers, out = NormalNumbers(30_001), np.empty(30_001, np.float32)
    keys = row_keys(1, 2, np.arange(40))
    means = []
    for key in keys:
        numbers.fill(key, out)
        means.append(out.mean())
        assert out.std() == pytest.approx(1, abs=0.02)
        assert np.mean(out.astype(float) ** 4) == pytest.approx(3, abs=0.25)
        assert abs(np.corrcoef(out[:-1], out[1:])[0, 1]) < 0.025
    assert np.std(means) * np.sqrt(30_001) == pytest.approx(1, abs=0.4)
    before = out.copy()
    NormalNumbers(30_001).fill(keys[-1], out)
    np.testing.assert_array_equal(out, before)
    draws = uniforms(keys, 500, stream=3)
    assert draws.mean() == pytest.approx(0.5, abs=0.01)
    assert ((draws >= 0) & (draws < 1)).all()


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

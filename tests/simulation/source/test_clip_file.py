"""Clips on disk."""

import numpy as np
import pytest

from neurorun.core import ConfigError, DataError, FormatError
from neurorun.simulation import find_clips, load_mat, read_clip, save_mat
from neurorun.simulation.source.clip_file import CLIP_PATH, clip_file

pytestmark = pytest.mark.unit


def test_a_clip_is_regions_by_samples(project):
    path = project / "source/nmm_spikes/a1/nmm_1.mat"
    clip = read_clip(path, n_regions=994)
    np.testing.assert_array_equal(clip, load_mat(path)["data"].T)


@pytest.mark.parametrize("kind", ["octave", "v73"])
def test_clips_of_other_formats_are_the_same(shared, project, kind):
    expected = read_clip(project / "source/nmm_spikes/a1/nmm_1.mat", n_regions=994)
    found = read_clip(shared / "formats" / kind / "nmm_1.mat", n_regions=994)
    np.testing.assert_array_equal(found, expected)


def test_a_clip_under_another_known_name_is_read(shared):
    assert read_clip(shared / "formats/odd/other_name.mat", n_regions=994).shape == (994, 500)


def test_998_nodes_become_994_regions(shared):
    path = shared / "formats/odd/regions_998.mat"
    stored, clip = load_mat(path)["data"], read_clip(path, n_regions=994)
    for region, node in {6: 6, 7: 994, 325: 997, 921: 996, 949: 995, 993: 993}.items():
        np.testing.assert_array_equal(clip[region], stored[:, node])


def test_350_samples_become_500_with_the_same_ends(shared):
    path = shared / "formats/odd/time_350.mat"
    stored, clip = load_mat(path)["data"], read_clip(path, n_regions=994)
    np.testing.assert_allclose(clip[:, [0, -1]], stored[[0, -1]].T, rtol=1e-6)
    for region in (0, 500):
        expected = np.interp(np.linspace(0, 349, 500), np.arange(350), stored[:, region])
        np.testing.assert_allclose(clip[region], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"foo": np.ones((500, 30))}, "holds foo; a clip is called data, nmm_data"),
        ({"data": np.ones((500, 29))}, "is 500 x 29; samples x 30 regions are needed"),
        ({"data": np.ones((1, 30))}, "a clip is a real matrix of samples and regions"),
        ({"data": np.full((500, 30), np.nan)}, "values that are not finite"),
    ],
)
def test_what_is_no_clip_is_refused(tmp_path, fields, message):
    save_mat(tmp_path / "x.mat", fields)
    with pytest.raises(FormatError, match=message):
        read_clip(tmp_path / "x.mat", n_regions=30)


def test_a_file_without_the_matrix_is_refused_by_name(shared):
    with pytest.raises(FormatError, match=r"no_data_field\.mat' holds foo"):
        read_clip(shared / "formats/odd/no_data_field.mat", n_regions=994)


def test_clips_are_found_in_natural_order(tmp_path):
    for name in ("a2/nmm_10.mat", "a2/nmm_2.mat", "a10/nmm_1.mat", "a2/other.mat", "x.mat"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_clips(tmp_path)) == [(2, 2), (2, 10), (10, 1)]
    with pytest.raises(DataError, match=r"holds no clip named as 'r\{centre"):
        find_clips(tmp_path, "r{centre}/{clip}.mat")
    with pytest.raises(DataError, match="does not exist; set nmm_spikes_dir"):
        find_clips(tmp_path / "none")


def test_names_of_clips_come_from_a_template_or_a_function(tmp_path):
    assert clip_file(tmp_path, CLIP_PATH, (3, 4)) == tmp_path / "a3/nmm_4.mat"
    assert clip_file(tmp_path, lambda c, n: f"{c:03d}_{n}.mat", (3, 4)) == tmp_path / "003_4.mat"
    for template in ("{region}.mat", "{0}.mat", "{centre"):
        with pytest.raises(ConfigError, match=r"may use \{centre\} and \{clip\} only"):
            clip_file(tmp_path, template, (3, 4))

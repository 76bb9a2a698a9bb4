"""Tables of sources."""

from dataclasses import replace

import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.simulation import load_mat, read_plan, save_mat, write_plan
from neurorun.simulation.source.plan import join_plans, plan_facts

pytestmark = pytest.mark.unit

COLUMNS = ("regions", "weights", "centres", "clips", "scales", "snr_db")


def assert_equal(found, expected):
    for name in COLUMNS:
        left, right = getattr(found, name), getattr(expected, name)
        if name in ("regions", "weights"):
            left = left[:, :, : right.shape[2]]
        np.testing.assert_array_equal(left, right, err_msg=name)


@pytest.fixture
def fields(tmp_path, small_plan):
    write_plan(tmp_path / "plan.mat", small_plan())
    return load_mat(tmp_path / "plan.mat")


def read(tmp_path, stored, **more):
    save_mat(tmp_path / "changed.mat", stored)
    return read_plan(tmp_path / "changed.mat", n_regions=30, **more)


@pytest.mark.parametrize("mat_format", ["v7", "hdf5"])
def test_a_plan_that_is_written_is_read_back(tmp_path, mat_format, small_plan):
    plan = small_plan()
    write_plan(tmp_path / "plan.mat", plan, mat_format=mat_format)
    found = read_plan(tmp_path / "plan.mat", n_regions=30)
    assert_equal(found, plan)
    assert found.notes == ("nmm_idx counts 100 clips for each region.",)


@pytest.mark.parametrize("padding", [-1.0, 999.0, 15213.0, np.nan, 30.0])
def test_padding_is_told_by_validity(tmp_path, fields, padding, small_plan):
    for name in ("selected_region", "mag_change"):
        fields[name] = np.where(fields[name] == 999, padding, fields[name])
    assert_equal(read(tmp_path, fields), small_plan())


def test_weights_are_masked_by_the_patch_not_by_themselves(tmp_path, fields, small_plan):
    fields["mag_change"][fields["selected_region"] == 999] = 0.5
    assert_equal(read(tmp_path, fields), small_plan())


def test_small_whole_numbers_are_as_good_as_doubles(tmp_path, fields, small_plan):
    for name in ("selected_region", "nmm_idx", "random_samples", "current_snr"):
        fields[name] = fields[name].astype(np.uint16)
    assert_equal(read(tmp_path, fields), small_plan())


def test_noise_levels_may_lie_in_a_row(tmp_path, fields, small_plan):
    fields["current_snr"] = fields["current_snr"].T
    assert_equal(read(tmp_path, fields), small_plan())


def test_an_older_name_of_the_noise_level_is_known(tmp_path, fields, small_plan):
    fields["sensor_snr"] = fields.pop("current_snr")
    assert_equal(read(tmp_path, fields), small_plan())


@pytest.mark.parametrize("as_row", [False, True])
def test_one_source_may_come_without_its_axis(tmp_path, as_row, small_plan):
    plan = small_plan(n_sources=1)
    write_plan(tmp_path / "plan.mat", plan)
    fields = load_mat(tmp_path / "plan.mat")
    for name in ("selected_region", "mag_change", "scale_ratio"):
        fields[name] = fields[name].reshape(len(plan), -1)
    for name in ("nmm_idx", "random_samples"):
        fields[name] = fields[name].T if as_row else fields[name]
    assert_equal(read(tmp_path, fields), plan)


def test_one_clip_number_per_row_serves_all_sources(tmp_path, fields):
    fields["random_samples"] = fields["random_samples"][:, :1]
    del fields["nmm_idx"]
    found = read(tmp_path, fields)
    assert (found.clips[:, 0] == found.clips[:, 1]).all()


def test_clips_follow_from_nmm_idx_alone(tmp_path, fields, small_plan):
    del fields["random_samples"]
    assert_equal(read(tmp_path, fields), small_plan())


def test_clips_follow_from_random_samples_alone(tmp_path, fields, small_plan):
    del fields["nmm_idx"]
    found = read(tmp_path, fields)
    assert_equal(found, small_plan())
    assert found.notes == ()


def test_ten_clips_per_region_are_told_from_a_hundred(tmp_path, small_plan):
    plan = small_plan()
    write_plan(tmp_path / "plan.mat", plan, clips_per_region=10)
    fields = load_mat(tmp_path / "plan.mat")
    del fields["random_samples"]
    assert_equal(read(tmp_path, fields), plan)


def test_an_ambiguous_nmm_idx_asks_for_the_number(tmp_path, fields):
    del fields["random_samples"]
    for name in ("selected_region", "nmm_idx", "mag_change", "scale_ratio", "current_snr"):
        fields[name] = fields[name][:1]
    fields["nmm_idx"] = np.array([[52.0, 205.0]])
    with pytest.raises(FormatError, match=r"fits \d+ to \d+ clips per region; say how many"):
        read(tmp_path, fields)
    found = read(tmp_path, fields, clips_per_region=50)
    assert found.clips.tolist() == [[1, 4]]


def test_a_centre_that_left_its_patch_is_found(tmp_path, fields):
    fields["selected_region"][0, 0, :3] = [20, 5, 10]
    found = read(tmp_path, fields)
    assert found.centres[0, 0] == 0
    assert found.patch(0, 0).tolist() == [20, 5, 10]
    assert "1 sources have a centre that is not the first region" in found.notes[1]


def test_a_source_without_a_patch_is_no_source(tmp_path, fields):
    for name in ("selected_region", "mag_change"):
        fields[name][0, 1] = 999
    found = read(tmp_path, fields)
    assert (found.centres[0, 1], found.clips[0, 1]) == (-1, -1)
    assert plan_facts(found)["sources"] == 31


def test_scales_that_are_not_positive_are_unknown(tmp_path, fields):
    fields["scale_ratio"][0, 0] = [np.nan, -3]
    assert np.isnan(read(tmp_path, fields).scales[0, 0]).all()


def test_fields_of_other_names_are_mapped(tmp_path, fields, small_plan):
    fields["patches"] = fields.pop("selected_region")
    assert_equal(read(tmp_path, fields, fields={"selected_region": "patches"}), small_plan())
    with pytest.raises(FormatError, match=r"has no field 'selected_region'; it holds .*fields: \{"):
        read(tmp_path, fields)
    with pytest.raises(DataError, match="fields names 'regions', which no plan has"):
        read(tmp_path, fields, fields={"regions": "patches"})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("selected_region", np.zeros((2, 2, 2, 2)), "rows x sources x width is needed"),
        ("selected_region", np.full((16, 2, 6), 0.5), "not whole numbers"),
        ("mag_change", np.ones((16, 2, 5)), "16 x 2 x 6, as selected_region, is needed"),
        ("mag_change", np.full((16, 2, 6), np.nan), "regions without a finite weight"),
        ("scale_ratio", np.ones((16, 3, 2)), "16 x 2 x amplitudes is needed"),
        ("current_snr", np.ones((15, 1)), "16 x 1 is needed"),
        ("current_snr", np.full((16, 1), np.nan), "is not finite in 16 rows"),
        ("random_samples", np.ones((16, 3)), "16 x 2 or 16 x 1 is needed"),
        ("random_samples", np.zeros((16, 2)), "is not a positive whole number for every source"),
        ("mag_change", "text", "holds <U4, not numbers"),
    ],
)
def test_fields_of_a_wrong_shape_are_named(tmp_path, fields, name, value, message):
    with pytest.raises(FormatError, match=message):
        read(tmp_path, {**fields, name: value})


def test_a_table_without_any_clip_is_refused(tmp_path, fields):
    del fields["random_samples"], fields["nmm_idx"]
    with pytest.raises(FormatError, match="neither random_samples nor nmm_idx"):
        read(tmp_path, fields)


def test_nmm_idx_of_another_kind_is_left_aside(tmp_path, fields, small_plan):
    fields["nmm_idx"] = np.arange(32.0).reshape(16, 2) ** 2 + 7
    found = read(tmp_path, fields)
    assert_equal(found, small_plan())


def test_a_plan_refuses_more_clips_than_nmm_idx_can_hold(tmp_path, small_plan):
    plan = replace(small_plan(), clips=np.full((16, 2), 11, np.int32))
    with pytest.raises(DataError, match="clip 11, nmm_idx has room for 10"):
        write_plan(tmp_path / "plan.mat", plan, clips_per_region=10)


def test_plans_are_joined_and_cut(small_plan):
    plan = small_plan()
    halves = [plan.rows(np.arange(8)), plan.rows(np.arange(8, 16))]
    assert_equal(join_plans(halves), plan)
    assert len(np.unique(plan.patch_groups())) == 4


@pytest.mark.parametrize(
    ("name", "rows", "clips"),
    [("train_sample_source1.mat", 264, 24), ("test_sample_source1.mat", 88, 11)],
)
def test_shared_tables_read_alike_in_all_formats(shared, project, name, rows, clips):
    plain = read_plan(project / "source" / name, n_regions=994)
    facts = plan_facts(plain)
    assert (facts["rows"], facts["clips"], facts["snr_db"]) == (rows, clips, [5, 10, 15, 20])
    for kind in ("octave", "v73"):
        assert_equal(read_plan(shared / "formats" / kind / name, n_regions=994), plain)

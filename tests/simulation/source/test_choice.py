"""Subsets and divisions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import DataError
from neurorun.simulation import read_plan
from neurorun.simulation.source.choice import choose_rows, divide_rows

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def plan(project):
    return read_plan(project / "source/train_sample_source1.mat", n_regions=994)


def test_a_subset_has_all_regions_and_levels(plan):
    some = plan.rows(choose_rows(plan, 44))
    _, per_region = np.unique(some.centres[:, 0], return_counts=True)
    assert per_region.tolist() == [4] * 11
    _, per_level = np.unique(some.snr_db, return_counts=True)
    assert per_level.min() >= 8
    assert len(np.unique(some.patch_groups())) >= 40


def test_the_first_rows_come_on_request(plan):
    assert choose_rows(plan, 44, rule="first").tolist() == list(range(44))


def test_all_rows_come_where_none_are_left_out(plan):
    for n in (None, 264, 10_000):
        assert choose_rows(plan, n).tolist() == list(range(264))
    with pytest.raises(DataError, match="0 examples are asked for"):
        choose_rows(plan, 0)


@given(st.integers(1, 264), st.integers(0, 1000))
def test_a_subset_is_balanced_at_any_size(n, seed):
    from neurorun.simulation.source.plan import SourcePlan

    regions = np.zeros((264, 1, 1), np.int32)
    table = SourcePlan(
        regions=regions,
        weights=np.ones(regions.shape),
        centres=np.repeat(np.arange(11), 24)[:, None].astype(np.int32),
        clips=np.ones((264, 1), np.int32),
        scales=np.ones((264, 1, 1)),
        snr_db=np.tile([5.0, 10.0, 15.0, 20.0], 66),
    )
    rows = choose_rows(table, n, seed=seed)
    counts = np.bincount(table.centres[rows, 0], minlength=11)
    assert len(rows) == n
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("seed", range(5))
def test_no_patch_and_no_clip_is_on_both_sides(plan, seed):
    division = divide_rows(plan, 0.1, seed=seed)
    groups, keys = plan.patch_groups(), plan.clip_keys()
    for column in (groups[:, None], keys):
        sides = [set(column[side].reshape(-1)) for side in (division.train, division.validation)]
        assert not sides[0] & sides[1]
    used = len(division.train) + len(division.validation)
    assert used + division.n_left_out == 264
    assert 0.03 <= len(division.validation) / used <= 0.3


@pytest.mark.parametrize("rule", ["patch", "row"])
def test_weaker_divisions_leave_nothing_out(plan, rule):
    division = divide_rows(plan, 0.1, rule=rule, seed=1)
    assert division.n_left_out == 0
    assert len(division.validation) in (24, 26)
    if rule == "patch":
        groups = plan.patch_groups()
        assert not set(groups[division.train]) & set(groups[division.validation])


def test_nothing_is_left_out_where_clips_come_in_groups(plan):
    groups = np.arange(264) // 4 % 10
    apart = replace(plan, clips=(plan.clips * 10 + groups[:, None]).astype(np.int32))
    division = divide_rows(apart, 0.2, seed=1)
    assert division.n_left_out == 0
    assert 0.1 <= len(division.validation) / 264 <= 0.2


def test_a_division_that_cannot_be_made_is_refused(plan):
    with pytest.raises(DataError, match="set validation_by to patch or row"):
        divide_rows(plan.rows(np.arange(4)), 0.1)
    assert len(divide_rows(plan, 0.0).validation) == 0

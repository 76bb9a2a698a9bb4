"""Data opened from settings: policies, batches, and sources that are drawn."""

import numpy as np
import pytest
from pydantic import ValidationError

from neurorun.core import DataError, FormatError
from neurorun.simulation import (
    SourceDataConfig,
    SparseTargets,
    load_mat,
    open_source_data,
    open_source_test,
    save_mat,
)

pytestmark = pytest.mark.unit


def copied(batches):
    out = []
    for eeg, targets in batches:
        kept = (
            SparseTargets(*(part.copy() for part in targets))
            if isinstance(targets, SparseTargets)
            else targets.copy()
        )
        out.append((eeg.copy(), kept))
    return out


def test_batches_are_the_examples(small_config):
    data = open_source_data(small_config(), seed=3)
    place = 0
    for eeg, targets in data.validation.batches(1):
        for one, target in zip(eeg, targets, strict=True):
            example = data.validation.example(place)
            np.testing.assert_array_equal(one, example.eeg)
            np.testing.assert_array_equal(target, example.target)
            place += 1
    assert place == len(data.validation) == 4


@pytest.mark.parametrize("n_workers", [1, 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_threads_change_nothing(small_config, n_workers, sparse):
    one = open_source_data(small_config(sparse_targets=sparse), seed=3).train
    many = open_source_data(
        small_config(sparse_targets=sparse, num_workers=n_workers), seed=3
    ).train
    for epoch in (1, 2):
        alone, together = copied(one.batches(epoch)), copied(many.batches(epoch))
        assert len(alone) == len(together) == one.n_batches(epoch) == 3
        for (eeg, target), (eeg2, target2) in zip(alone, together, strict=True):
            np.testing.assert_array_equal(eeg, eeg2)
            for part, part2 in zip(target, target2, strict=True):
                np.testing.assert_array_equal(part, part2)


def test_sparse_targets_are_the_dense_ones(small_config):
    dense = open_source_data(small_config(), seed=3).train
    sparse = open_source_data(small_config(sparse_targets=True), seed=3).train
    for (_, whole), (_, parts) in zip(
        copied(dense.batches(1)), copied(sparse.batches(1)), strict=True
    ):
        np.testing.assert_array_equal(parts.dense(30), whole)
        assert parts.values.shape[1] <= 6


def test_an_epoch_can_be_taken_up_anywhere_and_shared(small_config):
    train = open_source_data(small_config(num_workers=2), seed=3).train
    whole = copied(train.batches(4))
    later = copied(train.batches(4, start=1))
    second = copied(train.batches(4, start=1, stride=2))
    np.testing.assert_array_equal(later[0][0], whole[1][0])
    np.testing.assert_array_equal(second[0][0], whole[1][0])
    assert (len(later), len(second)) == (2, 1)


def test_training_differs_by_epoch_and_validation_never(small_config):
    data = open_source_data(small_config(), seed=3)
    first, second = (copied(data.train.batches(epoch))[0][0] for epoch in (1, 2))
    assert np.any(first != second)
    first, second = (copied(data.validation.batches(epoch))[0][0] for epoch in (1, 2))
    np.testing.assert_array_equal(first, second)


def test_a_caller_that_stops_early_does_no_harm(small_config):
    train = open_source_data(small_config(num_workers=2), seed=3).train
    whole = copied(train.batches(1))
    for _ in train.batches(1):
        break
    np.testing.assert_array_equal(copied(train.batches(1))[0][0], whole[0][0])
    train.close()
    assert train.waited_s >= 0


def test_an_example_knows_its_truth(small_config):
    data = open_source_data(small_config(noise="deepsif"), seed=3)
    example = data.validation.example(0)
    assert example.eeg.shape == (8, 500)
    assert example.target.shape == (30, 500)
    assert np.flatnonzero(example.target.any(axis=1)).tolist() == sorted(
        set(np.concatenate(example.patches).tolist())
    )
    assert all(patch[0] == c for patch, c in zip(example.patches, example.centres, strict=True))
    assert example.snr_db in (5.0, 10.0, 15.0, 20.0)
    assert np.isfinite(example.true_snr_db)
    assert example.noise_std.shape == (8,)
    silent = open_source_data(small_config(noise="none"), seed=3).validation.example(0)
    assert silent.true_snr_db == np.inf


def without_a_clip(small_world, tmp_path, name="a3/nmm_1.mat"):
    """Folder of clips of which one is missing."""
    folder = tmp_path / "nmm_spikes"
    for path in (small_world / "source/nmm_spikes").glob("*/*.mat"):
        place = folder / path.relative_to(small_world / "source/nmm_spikes")
        if not place.as_posix().endswith(name):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
    return folder


def test_rows_without_a_clip_are_dropped_and_counted(small_config, small_world, tmp_path):
    spikes = without_a_clip(small_world, tmp_path)
    data = open_source_data(small_config(nmm_spikes_dir=spikes, val_split=0), seed=3)
    facts = dict(data.report.rows)
    assert len(data.train) == 16 - int(facts["train: rows left out"])
    assert facts["train: rows that name a clip that cannot be used"] == "4"
    assert list(data.report.missing["train"].values()) == [4]
    assert data.identity()["missing"]["train"] == data.report.missing["train"]


def test_rows_without_a_clip_may_stay_with_silence(small_config, small_world, tmp_path, caplog):
    spikes = without_a_clip(small_world, tmp_path)
    config = small_config(nmm_spikes_dir=spikes, val_split=0, missing_clips="zeros")
    data = open_source_data(config, seed=3)
    assert len(data.train) == 16
    assert caplog.text.count("nmm_1.mat' does not exist: 4 sources") == 1
    for eeg, targets in data.train.batches(1):
        assert np.isfinite(eeg).all()
        assert np.isfinite(targets).all()


def test_rows_without_a_clip_may_stop_everything(small_config, small_world, tmp_path):
    spikes = without_a_clip(small_world, tmp_path)
    config = small_config(nmm_spikes_dir=spikes, missing_clips="error")
    with pytest.raises(DataError, match=r"4 of 12 rows|4 of 16 rows|\d of \d+ rows .*set missing"):
        open_source_data(config, seed=3)


def test_no_clip_at_all_is_an_error_in_any_case(small_config, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"None of the .* clips that are named can be used"):
        open_source_data(small_config(nmm_spikes_dir=tmp_path / "empty"), seed=3)
    with pytest.raises(DataError, match="does not exist; set nmm_spikes_dir"):
        open_source_data(small_config(nmm_spikes_dir=tmp_path / "none"), seed=3)


@pytest.mark.parametrize("level", [0.0, -1.0], ids=["silent", "negative"])
def test_clips_without_a_spike_are_reported_and_never_become_nan(
    small_config, small_world, tmp_path, caplog, level
):
    spikes = without_a_clip(small_world, tmp_path)
    save_mat(spikes / "a3/nmm_1.mat", {"data": np.full((500, 30), level, np.float32)})
    settings = {"val_split": 0, "missing_clips": "zeros", "test_metadata_path": None}
    config = small_config(nmm_spikes_dir=spikes, **settings)
    data = open_source_data(config, seed=3)
    assert caplog.text.count("region 3 has no potential above 0") == 1
    assert list(data.report.missing["train"].values()) == [4]
    for eeg, targets in data.train.batches(1):
        assert np.isfinite(eeg).all()
        assert np.isfinite(targets).all()


@pytest.mark.parametrize("name", ["v7", "octave"])
def test_a_table_of_single_sources_is_used_as_it_is(shared, shared_settings, name):
    path = shared / f"formats/single_source/{name}.mat"
    settings = {**shared_settings, "train_metadata_path": path, "test_metadata_path": None}
    data = open_source_data(SourceDataConfig(**settings, val_split=0), seed=1)
    assert (len(data.train), data.train.plan.n_sources) == (44, 1)
    example = data.train.example(0)
    assert len(example.centres) == 1
    assert example.eeg.any()


def table_without_amplitudes(small_world, tmp_path, n_options=2):
    fields = load_mat(small_world / "source/train_sample_source1.mat")
    fields["scale_ratio"] = np.full((16, 2, n_options), np.nan)
    save_mat(tmp_path / "train.mat", fields)
    return tmp_path / "train.mat"


def test_amplitudes_are_recomputed_from_the_clips(shared_settings, project, tmp_path):
    fields = load_mat(project / "source/test_sample_source1.mat")
    expected = fields["scale_ratio"].copy()
    fields["scale_ratio"][:] = np.nan
    save_mat(tmp_path / "test.mat", fields)
    config = SourceDataConfig(**shared_settings)
    test = open_source_test(config, tmp_path / "test.mat", seed=0)
    np.testing.assert_allclose(test.plan.scales, expected, rtol=1e-5)


def test_missing_amplitudes_follow_the_settings(small_config, small_world, tmp_path):
    path = table_without_amplitudes(small_world, tmp_path)
    more = {"train_metadata_path": path, "val_split": 0}
    with pytest.raises(DataError, match=r"32 sources of .* have no amplitude, first in row 0"):
        open_source_data(small_config(missing_scale="error", **more), seed=3)
    data = open_source_data(small_config(missing_scale="compatible", **more), seed=3)
    assert (data.train.plan.scales == 30).all()
    data = open_source_data(small_config(**more), seed=3)
    assert dict(data.report.rows)["train: amplitudes filled in"] == "32 (recompute)"
    path = table_without_amplitudes(small_world, tmp_path, n_options=3)
    with pytest.raises(DataError, match="for tables of 2 or 6 amplitudes"):
        open_source_data(small_config(**more), seed=3)


def test_clips_may_be_named_by_a_function(small_config, small_world):
    folder = small_world / "source/nmm_spikes"
    asked = []

    def path_of(centre, clip):
        asked.append((centre, clip))
        return folder / f"a{centre}/nmm_{clip}.mat"

    plain = open_source_data(small_config(), seed=3)
    named = open_source_data(small_config(), seed=3, clip_path=path_of)
    assert asked
    np.testing.assert_array_equal(named.train.example(0).eeg, plain.train.example(0).eeg)


def test_another_table_is_opened_for_scoring(small_config, small_world):
    path = small_world / "source/train_sample_source1.mat"
    assert len(open_source_test(small_config(), path, seed=3)) == 16


def test_lengths_and_splits_are_told(small_config):
    data = open_source_data(small_config(train_dataset_len=8, test_dataset_len=2), seed=3)
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 4,
        "validation": 4,
        "test": 2,
    } or sum(map(len, data.splits.values())) == 10
    members = data.members()
    assert set(members) == set(data.splits)
    assert all(name.startswith("row ") for name in members["train"])
    data = open_source_data(small_config(test_metadata_path=None, val_split=0), seed=3)
    assert set(data.splits) == {"train"}


def test_clips_on_both_sides_are_left_out_and_said_so(shared_settings, caplog):
    config = SourceDataConfig(**shared_settings)
    data = open_source_data(config, seed=1)
    assert "have patches or clips on both sides of the division and are left" in caplog.text
    assert int(dict(data.report.rows)["rows on both sides, left out"]) > 0


def test_sources_are_drawn_anew_for_every_epoch(small_config):
    growth = {"n_examples": 10, "n_validation": 5}
    config = small_config(use_metadata_loader=False, growth=growth)
    data = open_source_data(config, seed=3)
    last = data.train.example(9, epoch=2)
    np.testing.assert_array_equal(last.eeg, copied(data.train.batches(2))[-1][0][-1])
    again = open_source_data(config, seed=3)
    assert (len(data.train), data.train.n_batches(1), len(data.validation)) == (10, 3, 5)
    first, second = copied(data.train.batches(1)), copied(data.train.batches(2))
    assert [len(eeg) for eeg, _ in first] == [4, 4, 2]
    assert np.any(first[0][0] != second[0][0])
    for (eeg, _), (eeg2, _) in zip(copied(again.train.batches(1, start=1)), first[1:], strict=True):
        np.testing.assert_array_equal(eeg, eeg2)
    trained = set(data.train.plan.clip_keys().reshape(-1).tolist())
    assert not trained & set(data.validation.plan.clip_keys().reshape(-1).tolist())


def test_drawn_sources_are_made_by_threads_and_sparse_as_by_none(small_config):
    growth = {"n_examples": 10, "n_validation": 0}
    drawn = {"use_metadata_loader": False, "growth": growth}
    data = open_source_data(small_config(**drawn), seed=3)
    assert set(data.splits) == {"train", "test"}
    more = {"num_workers": 2, "sparse_targets": True}
    threads = open_source_data(small_config(**drawn, **more), seed=3).train
    pairs = zip(copied(data.train.batches(2)), copied(threads.batches(2)), strict=True)
    for (eeg, target), (eeg2, parts) in pairs:
        np.testing.assert_array_equal(eeg, eeg2)
        np.testing.assert_array_equal(target, parts.dense(30))


def test_drawing_sources_needs_an_anatomy(small_config, tmp_path):
    config = small_config(use_metadata_loader=False, anatomy_dir=tmp_path)
    with pytest.raises(DataError, match="holds no neighbours and positions of regions"):
        open_source_data(config, seed=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fields": {"regions": "x"}}, "fields names 'regions', which no table has"),
        ({"clip_path": "{region}.mat"}, "it may use"),
        ({"growth": {"n_rings": [4]}}, "patches have 1, 2 or 3 rings"),
        ({"noise": "pink"}, "Input should be"),
    ],
)
def test_settings_that_cannot_be_met_are_refused(settings, message):
    with pytest.raises((ValidationError, ValueError), match=message):
        SourceDataConfig(**settings)


def test_recorded_noise_without_a_signal_is_refused(small_config, tmp_path):
    noise = np.random.default_rng(0).standard_normal((2, 500, 8))
    save_mat(tmp_path / "noise.mat", {"data": noise})
    config = small_config(noise="realistic", realistic_noise_path=tmp_path / "noise.mat")
    data = open_source_data(config, seed=3)
    assert np.isfinite(data.train.example(0).eeg).all()
    save_mat(tmp_path / "noise.mat", {"data": noise * 0})
    with pytest.raises(FormatError, match="has a silent channel"):
        open_source_data(config, seed=3)

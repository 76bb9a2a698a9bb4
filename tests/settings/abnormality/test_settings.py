"""Every setting of abnormality that other tasks do not have, and what it changes."""

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("settings-of-abnormality")]

UNSPLIT = {"data.data_dir": "unsplit", "data.validation_split": 0.25}
INCOMPLETE = {"data.data_dir": "incomplete"}
LONG = {"data.window_size": 40}
REFERENTIAL = {"preprocessing.montage": "referential"}

CASES = [
    # recordings
    ("data.data_dir", "more", "division"),
    ("data.gaze_dir", "read_twice/gaze", "batches"),
    ("data.cache_dir", "elsewhere", "cache_folders", {"data.cache_dir": "somewhere"}),
    ("data.cache_workers", 3, "threads"),
    ("data.patient_pattern", "0+(.)", "division", UNSPLIT),
    ("data.validation_split", 0.5, "division"),
    ("data.test_split", 0.25, "division", UNSPLIT),
    ("data.split_seed", 1, "division"),
    # windows and batches
    ("data.window_size", 20, "batches"),
    ("data.sampling_rate", 25, "batches"),
    ("data.max_windows", 1, "batches"),
    ("data.short_recordings", "skip", "refused_preparation", LONG),
    ("data.batch_size", 3, "batches"),
    ("data.num_workers", 2, "threads", {"data.num_workers": 1}),
    ("data.class_balance", "sampler", "batches"),
    ("data.class_balance", "none", "losses", INCOMPLETE),
    # preprocessing
    ("preprocessing.montage", "referential", "batches"),
    ("preprocessing.notch_freq", 20, "batches"),
    ("preprocessing.highpass_freq", 1, "batches"),
    ("preprocessing.clip_uv", 20, "batches"),
    ("preprocessing.missing_channels", "zero", "batches", INCOMPLETE),
    # model
    ("model.attention_head", "per_channel", "network"),
    ("model.gate", "always", "network"),
    ("model.gate", "normalized", "network"),
    # gaze
    ("gaze.recipe", "original", "batches", REFERENTIAL),
    ("gaze.foveal_sigma", 0.6, "batches"),
    ("gaze.midline", "drop", "batches"),
    ("gaze.unplaced", "smear", "batches", {"data.data_dir": "astray"}),
    ("gaze.scale", "floor", "batches"),
    ("gaze.scale", "none", "batches"),
    ("gaze.smallest_weight", 0.5, "batches"),
    ("gaze.gaze_weight", 1, "losses"),
    ("gaze.gaze_loss_type", "mse", "losses"),
    ("gaze.gaze_loss_type", "combined", "losses"),
    # evaluation
    ("evaluation.bin_s", 2, "scores"),
    ("evaluation.bin_s", 2, "grids"),
    ("evaluation.n_resamples", 20, "scores"),
    ("evaluation.n_explained", 1, "tables"),
    ("evaluation.n_reviewed", 2, "files"),
    ("evaluation.export_attention", True, "files"),
    ("evaluation.save_plots", False, "figures"),
]


def test_another_value_of_a_setting_has_another_effect(case, see):
    field, other, observer, base = case
    assert see(observer, {**base, field: other}) != see(observer, base)


def test_an_observer_sees_no_setting_that_is_not_its_business(scene, see, inert):
    observer, base = scene
    assert see(observer, {**base, **inert(observer)}) == see(observer, base)


def test_every_setting_of_its_own_has_a_case(fields_of, fields_of_all_tasks):
    assert {case[0] for case in CASES} == fields_of("abnormality") - fields_of_all_tasks

"""Every setting of source localization that other tasks do not have, and what it changes."""

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("settings-of-sources")]

TRAIN = "data.train_metadata_path"
THREADS = {"data.num_workers": 1}
REALISTIC = {"data.noise": "realistic"}
HOLED = {"data.nmm_spikes_dir": "source/holed_spikes"}
UNSCALED = {TRAIN: "source/without_scale.mat"}
GROWN = {
    "data.use_metadata_loader": False,
    "data.test_metadata_path": None,
    "data.growth.n_examples": 8,
    "data.growth.n_validation": 4,
}
"""Sources that are drawn instead of read."""

DEEPSIF = {"model.name": "deepsif"}

CASES = [
    # tables and files
    ("data.use_metadata_loader", False, "batches", GROWN | {"data.use_metadata_loader": True}),
    (TRAIN, "source/few.mat", "division"),
    ("data.test_metadata_path", None, "division"),
    ("data.test_metadata_path", "source/few.mat", "division"),
    ("data.nmm_spikes_dir", "source/slow_spikes", "batches"),
    ("data.fwd_matrix_path", "other_anatomy/leadfield_75_20k.mat", "batches"),
    ("data.anatomy_dir", "other_anatomy", "scores"),
    ("data.store_dir", "there", "stores", {"data.store_dir": "here"}),
    ("data.train_dataset_len", 20, "division"),
    ("data.test_dataset_len", 20, "division"),
    ("data.subset", "first", "division", {"data.train_dataset_len": 20}),
    ("data.val_split", 0.5, "division"),
    ("data.validation_by", "row", "division"),
    ("data.validation_by", "patch_and_clip", "division", {"data.validation_by": "row"}),
    ("data.missing_clips", "zeros", "batches", HOLED),
    ("data.missing_clips", "error", "refused_preparation", HOLED),
    ("data.missing_scale", "compatible", "batches", UNSCALED),
    ("data.missing_scale", "error", "refused_preparation", UNSCALED),
    (
        "data.fields",
        {"selected_region": "patches"},
        "refused_preparation",
        {TRAIN: "source/renamed.mat", "data.test_metadata_path": None},
    ),
    ("data.clip_path", "b{centre}/nmm_{clip}.mat", "batches", {"data.store_dir": "here"}),
    (
        "data.clips_per_region",
        7,
        "refused_preparation",
        {TRAIN: "source/counted.mat", "data.test_metadata_path": None},
    ),
    # batches
    ("data.batch_size", 3, "batches"),
    ("data.num_workers", 2, "reading"),
    ("data.num_workers", 2, "reading", THREADS),
    ("data.prefetch_factor", 1, "reading", THREADS),
    ("data.device", "cpu", "kinds"),
    ("data.pin_memory", False, "reading"),
    ("data.sparse_targets", True, "batches"),
    ("data.normalize", False, "batches"),
    ("data.noise", "deepsif", "batches"),
    ("data.noise", "realistic", "batches"),
    ("data.noise", "none", "batches"),
    ("data.realistic_noise_path", "other_anatomy/realistic_noise.mat", "batches", REALISTIC),
    ("data.realistic_share", 0.9, "batches", REALISTIC),
    # sources that are drawn
    ("data.growth.n_examples", 9, "batches", GROWN),
    ("data.growth.n_validation", 5, "n_validation", GROWN),
    ("data.growth.n_sources", 1, "batches", GROWN),
    ("data.growth.snr_db", [5], "batches", GROWN),
    ("data.growth.ratios_db", [10], "batches", GROWN),
    ("data.growth.n_rings", [1], "batches", GROWN),
    # model
    ("model.name", "deepsif", "network"),
    ("model.preset", "full", "network"),
    ("model.deepsif.spatial_size", 32, "network", DEEPSIF),
    ("model.deepsif.recurrent_layers", 2, "network", DEEPSIF),
    ("model.deepsif.recurrent_size", None, "network", DEEPSIF),
    ("model.transformer.d_model", 32, "network"),
    ("model.transformer.n_heads", 2, "network"),
    ("model.transformer.n_layers", 1, "network"),
    ("model.transformer.dim_feedforward", 64, "network"),
    ("model.transformer.dropout", 0.5, "network"),
    # evaluation
    ("evaluation.share", 0.8, "scores"),
    ("evaluation.published", True, "scores"),
    ("evaluation.baselines", ["dSPM"], "comparison"),
    ("evaluation.n_resamples", 30, "comparison"),
    ("evaluation.save_estimates", 2, "estimates"),
]


def test_another_value_of_a_setting_has_another_effect(case, see):
    field, other, observer, base = case
    assert see(observer, {**base, field: other}) != see(observer, base)


def test_an_observer_sees_no_setting_that_is_not_its_business(scene, see, inert):
    observer, base = scene
    assert see(observer, {**base, **inert(observer)}) == see(observer, base)


def test_every_setting_of_its_own_has_a_case(fields_of, fields_of_all_tasks):
    assert {case[0] for case in CASES} == fields_of("source_localization") - fields_of_all_tasks

"""Every setting of crack segmentation that other tasks do not have, and what it changes."""

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("settings-of-cracks")]

SWINV2 = {"model.name": "swinv2"}
HALF = {"data.validation_split": 0.5}
THREADS = {"data.num_workers": 1}

CASES = [
    # pictures
    ("data.data_dir", "walls", "division"),
    ("data.validation_split", 0.4, "division"),
    ("data.test_split", 0.4, "division"),
    ("data.split_seed", 1, "division"),
    ("data.mask_values", "nonzero", "batches", {"data.data_dir": "grey"}),
    # squares and batches
    ("data.batch_size", 2, "batches"),
    ("data.crop_size", 48, "batches"),
    ("data.crops_per_image", 2, "batches"),
    ("data.prediction_tile", 256, "tiles", {"data.data_dir": "large"}),
    ("data.memory_mb", 1, "decoded", {"data.data_dir": "large"}),
    ("data.num_workers", 2, "reading"),
    ("data.num_workers", 2, "reading", THREADS),
    ("data.prefetch_factor", 1, "reading", THREADS),
    ("data.persistent_workers", True, "reading", THREADS),
    ("data.pin_memory", False, "reading"),
    ("augmentation.flip", False, "batches"),
    ("augmentation.quarter_turns", False, "batches"),
    ("augmentation.rotation_deg", 0, "batches"),
    ("augmentation.scale", 1, "batches"),
    ("augmentation.brightness", 0, "batches"),
    ("augmentation.contrast", 0, "batches"),
    ("augmentation.colour", 0, "batches"),
    ("augmentation.noise", 0, "batches"),
    # model
    ("model.name", "swinv2", "network"),
    ("model.unet.channels", (8, 24), "network"),
    ("model.unet.dropout", 0.5, "network"),
    ("model.swinv2.image_size", 32, "network", SWINV2),
    ("model.swinv2.window_size", 2, "network", SWINV2),
    ("model.swinv2.embed_dim", 24, "network", SWINV2),
    ("model.swinv2.depths", (1, 1, 2, 1), "network", SWINV2),
    ("model.swinv2.num_heads", (2, 2, 3, 6), "network", SWINV2),
    ("model.swinv2.drop_path_rate", 0.9, "network", SWINV2),
    ("model.swinv2.weights", "trained", "network", SWINV2),
    ("model.swinv2.aspp_channels", 24, "network", SWINV2),
    ("model.swinv2.aspp_dilations", (2, 2), "network", SWINV2),
    ("model.swinv2.aspp_dropout", 0.5, "network", SWINV2),
    ("model.swinv2.decoder_channels", (12, 8, 4), "network", SWINV2),
    ("model.swinv2.attention", False, "network", SWINV2),
    # loss
    ("loss.dice_weight", 0.2, "loss"),
    ("loss.dice_over", "batch", "loss"),
    ("loss.dice_smooth", 5, "loss"),
    # evaluation
    ("evaluation.threshold", 0.4, "scores"),
    ("evaluation.tolerance_px", (1, 3), "scores"),
    ("evaluation.empty_masks", "one", "scores", {**HALF, "evaluation.threshold": 0.99}),
    ("evaluation.bootstrap_resamples", 200, "scores", HALF),
    ("evaluation.n_overlays", 1, "overlays", HALF),
]


def test_another_value_of_a_setting_has_another_effect(case, see):
    field, other, observer, base = case
    assert see(observer, {**base, field: other}) != see(observer, base)


def test_an_observer_sees_no_setting_that_is_not_its_business(scene, see, inert):
    observer, base = scene
    assert see(observer, {**base, **inert(observer)}) == see(observer, base)


def test_every_setting_of_its_own_has_a_case(fields_of, fields_of_all_tasks):
    assert {case[0] for case in CASES} == fields_of("crack_segmentation") - fields_of_all_tasks

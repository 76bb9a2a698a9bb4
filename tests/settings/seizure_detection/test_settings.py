"""Every setting of seizure detection that other tasks do not have, and what it changes."""

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("settings")]

GROUPED = {
    "data.data_dir": "eight",
    "data.dataset": "folder",
    "data.patient_pattern": "(simu[a-z]{4})_",
    "data.split_policy": "grouped",
}
"""Patients without official splits."""
FEW = {"data.data_dir": "eight"}
TWO_READERS = {"data.data_dir": "two_readers", "data.label_map": {"odd": None}}
THREADS = {"data.num_workers": 1}
UNMERGED = {"postprocessing.events.tau_merge": 0}
OVERLAPPING = {"data.prediction_stride": 2.5}
BORROWED = {"model": {"braindecode": {"name": "Narrow"}}}

CASES = [
    # recordings
    ("data.dataset", "folder", "division", {**FEW, "data.split_policy": "filewise"}),
    ("data.data_dir", "eight", "division"),
    ("data.labels", "optional", "refused_data", {"data.data_dir": "unannotated"}),
    ("data.annotations", "tsv", "batches", {**TWO_READERS, "data.label_map": {"odd": "seiz"}}),
    ("data.label_map", {"odd": "seiz"}, "batches", TWO_READERS),
    ("data.patient_pattern", "(simu.*)[.]edf", "division", GROUPED),
    ("data.split_policy", "grouped", "division", FEW),
    ("data.split_policy", "filewise", "division", GROUPED),
    ("data.validation_split", 0.5, "division", GROUPED),
    ("data.test_split", 0.2, "division", GROUPED),
    ("data.split_measure", "recordings", "division", GROUPED),
    ("data.split_seed", 1, "division", {**GROUPED, "data.test_split": 0.2}),
    ("data.max_recordings", 2, "division", FEW),
    ("data.max_hours", 0.04, "division", FEW),
    # windows and batches
    ("data.cache_dir", "elsewhere", "cache_folders", {"data.cache_dir": "somewhere"}),
    ("data.cache_workers", 3, "workers"),
    ("data.n_channels", 5, "refused_settings"),
    ("data.window_size", 6, "batches"),
    ("data.stride", 5, "batches"),
    ("data.sampling_rate", 250, "signals"),
    ("data.sampling_rate", 250, "batches", {"data.window_size": 6, "data.stride": 2}),
    ("data.prediction_stride", 2.5, "probabilities"),
    ("data.batch_size", 2, "batches"),
    ("data.use_balanced_sampling", False, "batches"),
    ("data.sampling", "fixed", "batches"),
    ("data.sampling", "oversampled", "batches"),
    ("data.full_ratio", 1, "batches"),
    ("data.background_ratio", 1, "batches"),
    ("data.max_samples", 6, "batches"),
    ("data.num_workers", 2, "reading"),
    ("data.num_workers", 2, "reading", THREADS),
    ("data.prefetch_factor", 1, "reading", THREADS),
    ("data.persistent_workers", True, "reading", THREADS),
    ("data.pin_memory", False, "reading"),
    ("data.dequantize_on_device", True, "batches"),
    # preprocessing
    ("preprocessing.preset", "legacy", "signals"),
    ("preprocessing.montage", ["C4", "C3", "O1", "O2"], "signals"),
    ("preprocessing.montage", "double-banana", "signals"),
    (
        "preprocessing.use_mne",
        False,
        "refused_preparation",
        {"data.data_dir": "without_midline", "preprocessing.montage": "10-20"},
    ),
    ("preprocessing.bandpass", [1, 40], "signals"),
    ("preprocessing.bandpass", None, "signals"),
    ("preprocessing.notch_freq", 50, "signals"),
    ("preprocessing.notch_freq", None, "signals"),
    ("preprocessing.phase", "zero", "signals"),
    ("preprocessing.filter_order", 4, "signals"),
    ("preprocessing.notch_quality", 10, "signals"),
    ("preprocessing.normalize", False, "batches"),
    ("preprocessing.standardize", "robust", "batches"),
    ("preprocessing.standardize", "fixed", "batches"),
    ("preprocessing.fixed_scale_uv", 20, "batches", {"preprocessing.standardize": "fixed"}),
    ("preprocessing.clip_at", 1, "batches"),
    ("preprocessing.clip_at", None, "batches", {"preprocessing.clip_at": 1}),
    # model
    ("model.preset", "medium", "network"),
    ("model.encoder.stages", 3, "refused_settings"),
    ("model.encoder.channels", [4, 12], "network"),
    ("model.encoder.kernel_size", 3, "network"),
    ("model.encoder.downsample_factor", 2, "network"),
    ("model.rescnn.n_blocks", 2, "network"),
    ("model.rescnn.kernel_sizes", [3, 5, 9], "network"),
    ("model.rescnn.dropout", 0.5, "network"),
    ("model.mamba.n_layers", 2, "network"),
    ("model.mamba.d_model", 32, "network"),
    ("model.mamba.d_state", 8, "network"),
    ("model.mamba.conv_kernel", 3, "network"),
    ("model.mamba.dropout", 0.5, "network"),
    ("model.mamba.expand", 1, "network"),
    ("model.mamba.head_dim", 16, "network"),
    ("model.mamba.chunk_size", 16, "network"),
    ("model.mamba.recompute", True, "network"),
    ("model.decoder.stages", 1, "network"),
    ("model.decoder.kernel_size", 6, "network"),
    ("model.norm_momentum", 0.1, "network"),
    ("model.ssm_backend", "mamba_ssm", "layers", {"model.mamba.head_dim": 4}),
    ("model.causal", True, "network"),
    ("model.braindecode.name", "Wide", "network", BORROWED),
    ("model.braindecode.parameters", {"factor": 2}, "network", BORROWED),
    ("model.braindecode.segment_s", 1, "network", BORROWED),
    # postprocessing
    ("postprocessing.hysteresis.tau_on", 0.9, "events"),
    ("postprocessing.hysteresis.tau_off", 0.6, "events"),
    ("postprocessing.hysteresis.min_onset_samples", 600, "events"),
    ("postprocessing.hysteresis.min_offset_samples", 64, "events", UNMERGED),
    ("postprocessing.morphology.opening_kernel", 1001, "events"),
    ("postprocessing.morphology.closing_kernel", 1001, "events"),
    ("postprocessing.duration.min_duration_s", 6, "events"),
    ("postprocessing.duration.max_duration_s", 5, "events"),
    ("postprocessing.events.tau_merge", 6, "events"),
    ("postprocessing.events.confidence_method", "peak", "events"),
    ("postprocessing.events.confidence_method", "percentile", "events"),
    (
        "postprocessing.events.confidence_percentile",
        0.1,
        "events",
        {"postprocessing.events.confidence_method": "percentile"},
    ),
    ("postprocessing.stitching.method", "overlap_add_weighted", "events", OVERLAPPING),
    ("postprocessing.stitching.method", "max", "events", OVERLAPPING),
    # evaluation
    ("evaluation.metrics", ["auroc", "brier"], "scores"),
    ("evaluation.fa_rates", [5], "scores"),
]


def test_another_value_of_a_setting_has_another_effect(case, see):
    field, other, observer, base = case
    assert see(observer, {**base, field: other}) != see(observer, base)


def test_an_observer_sees_no_setting_that_is_not_its_business(scene, see, inert):
    observer, base = scene
    assert see(observer, {**base, **inert(observer)}) == see(observer, base)


def test_every_setting_of_its_own_has_a_case(fields_of, seen_of_runs):
    assert {case[0] for case in CASES} == fields_of("seizure_detection") - seen_of_runs

"""The whole path on recordings of people; skipped where the files are not at hand."""

import shutil
from pathlib import Path

import pytest

from neurorun import cli, experiment
from neurorun.core import Event
from neurorun.data import open_cache
from neurorun.formats import read_events
from neurorun.runs import open_run

DATA = Path(__file__).resolve().parents[2] / "../shared/data"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("real"),
    pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not at hand"),
]

EIGHT = ["C3", "C4", "Cz", "P3", "P4", "T3", "T4", "T5"]


def exit_code_of(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(argument) for argument in arguments])
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


@pytest.fixture(scope="module")
def eight_channels(tmp_path_factory, write_settings) -> Path:
    """A configuration for the three recordings with seizures and their eight common channels."""
    place = tmp_path_factory.mktemp("eight")
    return write_settings(
        place / "eight.yaml",
        {
            "experiment": {"name": "eight", "output_dir": str(place / "runs"), "device": "cpu"},
            "data": {
                "dataset": "folder",
                "data_dir": str(DATA / "eeg_seizure" / "edf_with_seizure"),
                "patient_pattern": "^(.+)[.]edf$",
                "cache_dir": str(place / "cache"),
                "cache_workers": 1,
                "sampling_rate": 100,
                "window_size": 10,
                "stride": 2,
                "batch_size": 8,
                "max_samples": 32,
                "split_seed": 1,
                "validation_split": 0.3,
            },
            "preprocessing": {"montage": EIGHT, "bandpass": [0.5, 40], "notch_freq": None},
            "model": {
                "preset": "small",
                "encoder": {"channels": [4, 8], "downsample_factor": 2},
                "mamba": {"d_model": 16, "n_layers": 1, "head_dim": 8},
            },
            "training": {"epochs": 1, "early_stopping": {"metric": "val_loss"}},
            "evaluation": {"metrics": ["auroc", "taes"]},
        },
    )


@pytest.fixture(scope="module")
def run(eight_channels) -> Path:
    return experiment.train(eight_channels)


def test_a_detector_is_trained_on_three_real_patients(run):
    opened = open_run(run)
    assert opened.status == "completed"
    assert {len(opened.splits.train), len(opened.splits.validation)} == {1, 2}


def test_the_real_seizure_is_where_the_neurologist_set_it(eight_channels, tmp_path):
    assert (
        exit_code_of("build-cache", "--config", eight_channels, "--cache-dir", tmp_path / "c") == 0
    )
    cache = open_cache(tmp_path / "c")
    assert cache.recording_ids == ("iiic_SZ_sample1", "iiic_SZ_sample2", "tle_patient_8ch_100hz")
    recording = cache[2]
    assert recording.channels == tuple(EIGHT)
    assert recording.timeline.seizures == (Event(163.39, 326.0),)
    assert recording.timeline.duration_s == 326.0
    signal_uv = recording.to_recording().signal_uv
    before, after = signal_uv[:, :16339], signal_uv[:, 16339:]
    assert (after.std(axis=1) > before.std(axis=1)).all()


def test_events_are_detected_in_the_continuous_recording(run, tmp_path):
    path = DATA / "eeg_seizure" / "edf_with_seizure" / "tle_patient_8ch_100hz.edf"
    assert exit_code_of("detect", run, path, "-o", tmp_path, "--format", "tsv,csv_bi,edf") == 0
    for name in ("_events.tsv", ".csv_bi", "_events.edf"):
        timeline = read_events(tmp_path / f"tle_patient_8ch_100hz{name}")
        assert timeline.duration_s == pytest.approx(326.0, abs=0.01)


@pytest.fixture(scope="module")
def plain_eeg(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "eeg"
    shutil.copytree(DATA / "eeg_edf", folder, ignore=shutil.ignore_patterns("README*"))
    return folder


def test_plain_recordings_without_annotations_are_refused_unless_that_is_allowed(
    plain_eeg, tmp_path, capsys
):
    options = ("--data-dir", plain_eeg, "--cache-dir", tmp_path / "cache", "--workers", 1)
    pattern = "data.patient_pattern='^(eegmat_Subject..|icu_subject..|eeglab)'"
    layout = ("--set", "data.dataset=folder", "--set", pattern)
    assert exit_code_of("build-cache", *options, *layout) == 2
    assert "5 of 5 recordings have no annotation" in capsys.readouterr().err
    optional = ("--set", "data.labels=optional")
    assert exit_code_of("build-cache", *options, *layout, *optional, "--notes") == 3
    output = capsys.readouterr().out
    assert "Mapped: Fp1 = 'EEG Fp1-REF'" in output
    assert "eeglab_test_16ch_256hz" in output
    assert "1 failed" in output
    cache = open_cache(tmp_path / "cache")
    assert len(cache) == 4
    assert all(recording.rate_hz == 256 for recording in cache)
    assert all(len(recording.channels) == 19 for recording in cache)


def test_a_cache_without_any_seizure_is_said_to_have_none(plain_eeg, tmp_path, capsys):
    only = tmp_path / "data"
    only.mkdir()
    shutil.copy(plain_eeg / "icu_subject01_epoch01_380s.edf", only)
    options = ("--data-dir", only, "--cache-dir", tmp_path / "cache", "--workers", 1)
    settings = ("--set", "data.labels=optional", "--set", "data.dataset=folder")
    pattern = ("--set", "data.patient_pattern=^(icu)")
    assert exit_code_of("build-cache", *options, *settings, *pattern) == 0
    assert exit_code_of("scan-cache", "--cache-dir", tmp_path / "cache") == 2
    assert "no window holds a seizure" in capsys.readouterr().err


def test_events_are_detected_in_plain_recordings_of_other_rates(
    trained, plain_eeg, tmp_path, capsys
):
    recordings = sorted(plain_eeg.glob("*.edf"))
    assert exit_code_of("detect", trained, *recordings, "-o", tmp_path, "--notes") == 3
    assert "    Mapped: Fp1 = 'EEG Fp1-REF'" in capsys.readouterr().out
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {
        f"{path.stem}_events.tsv" for path in recordings if "eeglab" not in path.stem
    }
    rest = read_events(tmp_path / "eegmat_Subject00_1_events.tsv")
    assert rest.duration_s == pytest.approx(182.0, abs=0.01)


def test_gaps_of_a_real_recording_hold_no_events(trained, tmp_path):
    path = DATA / "edf_odd" / "icu_subject01_epoch01_gapped_edfplusD.edf"
    assert exit_code_of("detect", trained, path, "-o", tmp_path) == 0
    timeline = read_events(next(tmp_path.glob("*.tsv")))
    assert timeline.duration_s == pytest.approx(286.0, abs=0.01)
    gaps = ((6, 8), (152, 158), (262, 264))
    for onset_s, offset_s in gaps:
        gap = Event(onset_s, offset_s)
        assert not any(event.overlaps(gap) for event in timeline.seizures)

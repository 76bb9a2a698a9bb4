import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from neurorun.core import (
    SILENT,
    DataError,
    Event,
    Recording,
    RunError,
    Timeline,
    read_json,
    whole_recording,
    write_json,
)
from neurorun.data import (
    Cache,
    CachedRecording,
    PreprocessingConfig,
    open_cache,
    read_recording,
    write_recording,
)
from neurorun.data.cache_table import CacheRow
from neurorun.experiment import Reviewer, review
from neurorun.experiment.review import PreparedSignal
from neurorun.formats import write_events
from neurorun.runs import Probabilities, amend_run, open_run

pytestmark = pytest.mark.integration


@pytest.fixture
def run(trained, tmp_path):
    """A finished run that a test may change."""
    return open_run(shutil.copytree(trained, tmp_path / trained.name))


@pytest.fixture
def elsewhere(run):
    """The same run, its data out of reach."""
    config = run.path / "config.yaml"
    text = config.read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip().startswith(("data_dir:", "cache_dir:")):
            text = text.replace(line, f"{line.partition(':')[0]}: /nowhere")
    config.write_text(text, encoding="utf-8")
    return open_run(run.path)


def only(run, split="validation", **changes):
    reviewer = Reviewer(run)
    names = reviewer.recordings(split, changes.get("recording_id"))
    return next(iter(reviewer.materials(names)))


def test_a_recording_of_the_run_comes_with_eeg_events_and_probabilities(run):
    found = only(run)
    name = next(iter(run.splits.validation))
    assert (found.recording_id, found.patient) == (name, run.splits.validation[name])
    assert found.duration_s == pytest.approx(90, abs=30)
    assert found.detected == run.events[name].seizures
    assert found.reference is not None
    assert len(found.signal.channels) == 19
    assert found.probabilities[0][1].size == found.signal.stretches[0].n_samples
    assert found.missing == ()


def test_the_eeg_is_that_of_the_cache_in_microvolts(run):
    found = only(run)
    cache = open_cache(Path(run.config["data"]["cache_dir"]) / "val")
    whole = cache[cache.recording_ids.index(found.recording_id)].to_recording()
    np.testing.assert_allclose(found.signal.microvolts(100, 50), whole.signal_uv[:, 100:150])
    assert found.signal.rate_hz == whole.rate_hz


def test_what_the_run_kept_is_not_predicted_again(run):
    name = next(iter(run.splits.validation))
    kept = ((0.0, np.full(256, 0.25, np.float32)),)
    with amend_run(run.path) as record:
        record.write_probabilities(Probabilities(name, 256.0, kept))
        record.write_events(Timeline(name, 90.0, (Event(1, 5),)))
    shutil.rmtree(run.path / "checkpoints")
    (run.path / "best_model.pth").unlink()
    found = only(open_run(run.path))
    assert found.probabilities[0][1].tolist() == [0.25] * 256
    assert [(one.onset_s, one.offset_s) for one in found.detected] == [(1, 5)]
    assert found.missing == ()


@pytest.mark.parametrize("split", ["train", "test"])
def test_other_splits_are_predicted_with_the_best_checkpoint(run, split):
    found = only(run, split)
    assert found.recording_id in run.splits.by_name[split]
    assert found.probabilities is not None
    assert found.detected is not None


def test_a_named_recording_is_found_in_whatever_split_it_is(run):
    name = next(iter(run.splits.test))
    assert Reviewer(run).recordings("validation", name) == {name: "test"}


def test_without_data_events_remain_and_the_reason_is_told(elsewhere):
    found = only(elsewhere)
    assert found.signal is None
    assert found.reference is None
    assert found.detected is not None
    assert found.duration_s > 0
    assert "data_dir '/nowhere' does not exist" in found.missing[0]
    assert "The probability of a seizure is not known." in found.missing


def test_without_data_and_events_nothing_is_known(elsewhere):
    shutil.rmtree(elsewhere.of("test").path)
    with pytest.raises(
        DataError, match=r"Nothing is known of .* give the recording as --recording"
    ):
        only(elsewhere, "test")


def test_without_a_checkpoint_what_was_not_kept_is_missing(run):
    (run.path / "best_model.pth").unlink()
    shutil.rmtree(run.path / "checkpoints")
    shutil.rmtree(run.of("test").path)
    found = only(open_run(run.path), "test")
    assert found.signal is not None
    assert found.probabilities is None
    assert found.detected is None
    assert "has no checkpoint 'best'" in found.missing[0]
    assert "What was detected is not known." in found.missing


def test_what_was_detected_in_a_test_recording_is_taken_from_its_split(run):
    (name,) = run.splits.test
    kept = run.of("test").events[name]
    with amend_run(run.path) as record:
        record.of("test").write_events(replace(kept, events=(Event(1, 2, "sz"),)))
    assert [one.onset_s for one in only(open_run(run.path), "test").detected] == [1.0]


def recording_file(corpus, run, split="test"):
    name = next(iter(run.splits.by_name[split]))
    (found,) = corpus.rglob(f"{name}.edf")
    return found


def test_a_recording_may_come_from_its_own_file(run, corpus, tmp_path):
    file = recording_file(corpus, run)
    reference = tmp_path / "r_events.tsv"
    length_s = only(run, recording_id=file.stem).duration_s
    write_events(reference, Timeline("r", length_s, (Event(10, 20),)))
    found = Reviewer(run).of_file(file, reference=reference)
    assert found.recording_id == file.stem
    assert [(one.onset_s, one.offset_s) for one in found.reference] == [(10, 20)]
    assert found.missing == ()
    whole = only(run, recording_id=file.stem)
    assert found.detected == whole.detected
    np.testing.assert_allclose(
        found.signal.microvolts(0, 500), whole.signal.microvolts(0, 500), atol=0.5
    )


def test_a_file_without_reference_events_is_not_judged(run, corpus):
    found = Reviewer(run).of_file(recording_file(corpus, run), recording_id="mine")
    assert (found.recording_id, found.reference) == ("mine", None)
    assert "no file of reference events was given" in found.missing[0]


def test_a_recording_that_could_not_be_used_says_why(run, monkeypatch):
    reviewer = Reviewer(run)
    name = next(iter(run.splits.validation))
    cache = reviewer._cache("validation", SILENT)
    rows = tuple(
        CacheRow(row.recording_id, row.patient, "skipped", "short") for row in cache.table.rows
    )
    emptied = Cache(cache.folder, replace(cache.table, rows=rows), cache.config)
    monkeypatch.setattr(reviewer, "_cache", lambda *_: emptied)
    (found,) = reviewer.materials({name: "validation"})
    assert found.missing[0] == "The EEG and its annotations are not in this page: short"


def test_an_unknown_recording_is_refused_with_near_ones(run):
    name = next(iter(run.splits.validation))
    with pytest.raises(
        RunError, match=rf"has no recording '{name}x' among its 6; near are .*{name}"
    ):
        Reviewer(run).recordings("validation", f"{name}x")


def test_an_empty_split_is_refused(run):
    splits = read_json(run.path / "splits.json")
    write_json(run.path / "splits.json", splits | {"test": {}})
    with pytest.raises(RunError, match="has nothing in the split 'test'; choose another"):
        Reviewer(run).recordings("test")


def test_a_run_of_another_task_is_refused(run, monkeypatch):
    another = SimpleNamespace(task=SimpleNamespace(name="another"))
    monkeypatch.setattr(review, "experiment_from", lambda *_, **__: another)
    with pytest.raises(RunError, match=r"is of the task another; .* by runs of seizure_detection"):
        Reviewer(run)


def test_steps_are_decoded_with_scale_and_offset_of_each_channel():
    rng = np.random.default_rng(0)
    signal_uv = rng.normal(5, 30, size=(2, 400)).astype(np.float32)
    recording = Recording("a", "p", ("Fp1", "Cz"), 64.0, signal_uv, whole_recording(400))
    cached = CachedRecording.from_recording(recording, None, PreprocessingConfig())
    signal = PreparedSignal(cached)
    np.testing.assert_allclose(signal.microvolts(10, 90), signal_uv[:, 10:100], atol=0.01)
    assert (signal.channels, signal.stretches) == (("Fp1", "Cz"), whole_recording(400))


def test_what_is_shorter_than_a_window_is_not_called_free_of_detections(run, corpus, tmp_path):
    long = read_recording(recording_file(corpus, run))
    short = replace(long, signal_uv=long.signal_uv[:, :2000], stretches=whole_recording(2000))
    write_recording(tmp_path / "short.edf", short)
    found = Reviewer(run).of_file(tmp_path / "short.edf")
    assert found.detected is None
    assert found.probabilities is None
    assert any("is as long as one window of this run, 10 s" in one for one in found.missing)

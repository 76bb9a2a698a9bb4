import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from neurorun import experiment
from neurorun.core import ConfigError, DataError, RunError, ScoringError
from neurorun.experiment.detect import Detector
from neurorun.formats import read_events, read_recording
from neurorun.runs import SplitScores, amend_run, check_run, open_run

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("experiment")]


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that may be changed."""
    return Path(shutil.copytree(trained, tmp_path / trained.name))


def same(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


def test_validation_scored_again_gives_the_same_numbers(run):
    again = experiment.evaluate(run, split="validation")
    before = open_run(run).metrics["validation"]
    assert set(again.metrics) == set(before) - {"val_loss"}
    assert all(same(value, before[name]) for name, value in again.metrics.items())


def test_the_test_split_is_scored_with_frozen_thresholds(run):
    results = experiment.evaluate(run)
    opened = open_run(run)
    assert opened.scored_splits == ("test",)
    assert {row["recording_id"] for row in results.rows} == set(opened.splits.test)
    chosen = {point.fa_rate: point.tau_on for point in opened.operating_points if point.reached}
    measured = {point.fa_rate: point.tau_on for point in results.operating_points}
    assert all(measured[rate] == tau_on for rate, tau_on in chosen.items())
    assert [finding for finding in check_run(run) if finding.damaged] == []


def test_other_data_are_scored_under_the_name_of_their_folder(run, corpus, tmp_path):
    other = tmp_path / "elsewhere"
    shutil.copytree(corpus / "eval", other / "eval")
    results = experiment.evaluate(run, other)
    assert results.split == "elsewhere"
    opened = open_run(run)
    assert "elsewhere" in opened.scored_splits
    assert set(opened.of("elsewhere").events) == {row["recording_id"] for row in results.rows}
    assert check_run(run) == ()


def test_other_data_do_not_take_the_place_of_others_of_the_same_name(run, corpus, tmp_path):
    north, south = (tmp_path / clinic / "eeg" for clinic in ("north", "south"))
    for clinic in (north, south):
        shutil.copytree(corpus / "eval", clinic / "eval")
    experiment.evaluate(run, north)
    assert open_run(run).scores("eeg").data == str(north)
    with pytest.raises(RunError, match=r"scores of '.*north/eeg' under the name 'eeg'.*--name"):
        experiment.evaluate(run, south)
    experiment.evaluate(run, north)
    experiment.evaluate(run, south, name="south")
    assert open_run(run).scores("eeg").data == str(north)
    assert open_run(run).scores("south").data == str(south)
    experiment.evaluate(run, south, name="eeg")
    assert open_run(run).scores("eeg").data == str(south)
    assert check_run(run) == ()


def test_scores_whose_place_was_not_recorded_are_kept_and_a_name_is_not_empty(run, corpus):
    with amend_run(run) as record:
        record.write_scores(SplitScores("eval", 1, {"taes": 0.5}, {}))
    with pytest.raises(RunError, match="data whose place is not recorded under the name 'eval'"):
        experiment.evaluate(run, corpus / "eval")
    with pytest.raises(ConfigError, match="name of other data is empty"):
        experiment.evaluate(run, corpus / "eval", name="")


@pytest.mark.parametrize("data", [Path("elsewhere"), None], ids=["other-data", "split"])
def test_a_name_that_is_or_has_to_be_that_of_a_split_is_refused(trained, data):
    with pytest.raises(ConfigError, match="'test'"):
        experiment.evaluate(trained, data, name="test")


def test_a_folder_called_as_a_split_is_not_taken_for_it(run, corpus, tmp_path):
    before = open_run(run)
    shutil.copytree(corpus / "eval", tmp_path / "siena" / "validation" / "eval")
    results = experiment.evaluate(run, tmp_path / "siena" / "validation")
    assert results.split == "siena/validation"
    chosen = {point.fa_rate: point.tau_on for point in before.operating_points if point.reached}
    measured = {point.fa_rate: point.tau_on for point in results.operating_points}
    assert all(measured[rate] == tau_on for rate, tau_on in chosen.items())
    after = open_run(run)
    assert after.scored_splits == ("siena/validation", "test")
    assert after.prediction_rows == before.prediction_rows


def test_scoring_again_leaves_nothing_of_the_scoring_before(run):
    with amend_run(run) as record:
        stale = open_run(run).of("test").strips
        strip = next(iter(stale.values()))
        record.of("test").write_strip(replace(strip, recording_id="gone"))
    experiment.evaluate(run)
    assert "gone" not in open_run(run).of("test").strips
    assert check_run(run) == ()


def test_validation_scored_again_leaves_what_was_kept_of_it(run):
    kept = ("predictions_eval.csv", "operating_points.json", "fa_curve.json")
    before = [(run / name).read_bytes() for name in kept]
    experiment.evaluate(run, split="validation")
    assert [(run / name).read_bytes() for name in kept] == before


def test_a_split_that_the_run_does_not_have_is_named(run):
    splits = run / "splits.json"
    text = splits.read_text()
    members = open_run(run).splits.test
    for name, patient in members.items():
        text = text.replace(f'"{name}": "{patient}"', "")
    splits.write_text(text)
    with pytest.raises(RunError, match="nothing in the split 'test'; it has train, valid"):
        experiment.evaluate(run)


def test_detecting_in_a_file_gives_the_events_of_validation(trained, corpus, tmp_path):
    run = open_run(trained)
    name = next(iter(run.events))
    path = next(corpus.rglob(f"{name}.edf"))
    (done,) = experiment.detect_files(trained, [path], tmp_path, formats=("tsv", "csv_bi", "edf"))
    assert [file.name for file in done.written] == [
        f"{name}_events.tsv",
        f"{name}.csv_bi",
        f"{name}_events.edf",
    ]
    expected = [(e.onset_s, e.offset_s) for e in run.events[name].seizures]
    for file in done.written:
        found = [(e.onset_s, e.offset_s) for e in read_events(file).seizures]
        assert found == pytest.approx(expected, abs=1e-3)


def test_a_bad_recording_stops_no_other(trained, corpus, tmp_path):
    good = min(corpus.rglob("*.edf"))
    bad = tmp_path / "bad.edf"
    bad.write_bytes(b"not an EDF")
    first, second = experiment.detect_files(trained, [bad, good], tmp_path / "out")
    assert first.problem
    assert not first.written
    assert not second.problem
    assert second.written[0].is_file()


def test_a_recording_shorter_than_a_window_is_refused(trained, corpus):
    recording = read_recording(min(corpus.rglob("*.edf")))
    from dataclasses import replace

    from neurorun.core import whole_recording

    n_samples = round(5 * recording.rate_hz)
    short = replace(
        recording,
        signal_uv=recording.signal_uv[:, :n_samples],
        stretches=whole_recording(n_samples),
        annotations=(),
    )
    with pytest.raises(DataError, match="no stretch of 10 s, one window of this run"):
        Detector.open(trained).detect(short)


def test_two_recordings_of_one_name_are_refused(trained, corpus, tmp_path):
    path = min(corpus.rglob("*.edf"))
    with pytest.raises(DataError, match="2 recordings are called"):
        experiment.detect_files(trained, [path, path], tmp_path)


def test_thresholds_of_an_operating_point_can_be_used(trained):
    run = open_run(trained)
    point = run.operating_points[0]
    if point.reached:
        hysteresis = Detector.open(trained, fa_rate=10).postprocessing.hysteresis
        assert (hysteresis.tau_on, hysteresis.tau_off) == (point.tau_on, point.tau_off)
    else:
        with pytest.raises(ScoringError, match="no thresholds for 10 false alarms"):
            Detector.open(trained, fa_rate=10)
    with pytest.raises(RunError, match=r"no operating point for 7 .* it has 10, 2.5"):
        Detector.open(trained, fa_rate=7)


def test_detecting_in_a_raw_object_of_mne_gives_its_annotations(trained, corpus):
    mne = pytest.importorskip("mne")
    path = min((corpus / "dev").rglob("*.edf"))
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    found = experiment.detect(trained, raw)
    expected = Detector.open(trained).detect(read_recording(path)).events
    assert isinstance(found, mne.Annotations)
    assert list(found.onset) == pytest.approx([e.onset_s for e in expected], abs=1.0)

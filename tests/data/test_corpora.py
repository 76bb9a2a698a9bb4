import numpy as np
import pytest

from neurorun.core import ConfigError, DataError, Event, Recording, Timeline, whole_recording
from neurorun.data.corpora import CorpusConfig, find_recordings, survey
from neurorun.formats import write_events, write_recording

pytestmark = pytest.mark.unit


def write(root, patient, name, *, duration_s=30, events=(), annotated=True):
    signal_uv = np.random.default_rng(0).standard_normal((1, duration_s * 100)).astype(np.float32)
    stretches = whole_recording(signal_uv.shape[1])
    path = root / patient / f"{name}.edf"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_recording(path, Recording(name, patient, ("Cz",), 100.0, signal_uv, stretches))
    if annotated:
        timeline = Timeline(name, float(duration_s), tuple(events))
        write_events(path.with_suffix(".csv_bi"), timeline, format="csv_bi")
    return path


def test_survey_reads_duration_and_seizures(tmp_path):
    write(tmp_path, "anna", "a", events=[Event(1, 5), Event(8, 9)])
    write(tmp_path, "bert", "b", duration_s=60)
    first, second = survey(find_recordings(tmp_path))
    assert (first.recording_id, first.duration_s, first.n_seizures) == ("anna__a", 30.0, 2)
    assert (second.patient, second.duration_s, second.n_seizures) == ("bert", 60.0, 0)
    assert first.problem == second.problem == ""


def test_an_unlabelled_recording_is_not_one_without_seizures(tmp_path):
    write(tmp_path, "anna", "a", annotated=False)
    (entry,) = survey(find_recordings(tmp_path, labels="optional"))
    assert (entry.n_seizures, entry.duration_s, entry.problem) == (None, 30.0, "")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("# version = csv_v1.0.0\n# duration = 90.0 secs\nTERM,1,2,seiz,1\n", "90 s, but 30 s"),
        ("# version = csv_v1.0.0\n# duration = 30.0 secs\nTERM,1,2,fit,1\n", "labels: 'fit'"),
    ],
)
def test_what_cannot_be_used_is_kept_with_the_reason(tmp_path, content, problem):
    path = write(tmp_path, "anna", "a")
    path.with_suffix(".csv_bi").write_text(content)
    write(tmp_path, "bert", "b")
    first, second = survey(find_recordings(tmp_path))
    assert problem in first.problem
    assert (first.duration_s, first.n_seizures) == (0.0, None)
    assert not second.problem


def test_a_damaged_recording_is_kept_with_the_reason(tmp_path):
    write(tmp_path, "anna", "a").write_bytes(b"nothing")
    (entry,) = survey(find_recordings(tmp_path))
    assert "a.edf" in entry.problem


def test_unknown_labels_can_be_given_a_meaning(tmp_path):
    path = write(tmp_path, "anna", "a")
    rows = "# version = csv_v1.0.0\n# duration = 30.0 secs\nTERM,1,2,fit,1\nTERM,3,4,eye,1\n"
    path.with_suffix(".csv_bi").write_text(rows)
    (entry,) = survey(find_recordings(tmp_path), label_map={"fit": "seiz", "eye": None})
    assert (entry.n_seizures, entry.problem) == (1, "")


def test_missing_annotations_are_counted_and_named(tmp_path):
    for i in range(7):
        write(tmp_path, "anna", f"a{i}", annotated=False)
    with pytest.raises(DataError, match=r"7 of 7 recordings.*a4.edf and 2 more. A missing file"):
        find_recordings(tmp_path)


def test_names_must_be_unique(tmp_path):
    for place in ("train/x", "dev/y"):
        path = tmp_path / place / "aaaaaaaa_s001_t000.edf"
        path.parent.mkdir(parents=True)
        path.write_text("")
    with pytest.raises(DataError, match=r"'aaaaaaaa_s001_t000' exists 2 times: .*dev.*train"):
        find_recordings(tmp_path, labels="optional")


def test_a_corpus_must_exist_and_hold_recordings(tmp_path):
    with pytest.raises(DataError, match=r"'.*nowhere' does not exist; give the folder"):
        find_recordings(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no recording in the layout 'chb_mit'"):
        find_recordings(tmp_path, "chb_mit")


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "is no regular expression"), ("a_", "has 0 groups; one is")]
)
def test_a_pattern_must_say_which_part_is_the_patient(pattern, message):
    with pytest.raises(ValueError, match=message):
        CorpusConfig(patient_pattern=pattern)
    assert issubclass(ConfigError, ValueError)


def test_the_defaults_of_the_configuration():
    config = CorpusConfig()
    assert (config.dataset, config.labels, config.patient_pattern) == ("auto", "required", None)
    assert CorpusConfig(patient_pattern="(x)").patient_pattern == "(x)"

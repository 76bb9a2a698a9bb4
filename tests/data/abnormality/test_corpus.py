import pytest

from neurorun.core import ConfigError, DataError
from neurorun.data import (
    AbnormalityDataConfig,
    find_abnormality_recordings,
    split_abnormality,
)

pytestmark = pytest.mark.unit


def corpus_of(tmp_path, **settings):
    config = AbnormalityDataConfig(data_dir=tmp_path / "corpus", **settings)
    return find_abnormality_recordings(config), config


@pytest.mark.parametrize(
    ("place", "label", "split"),
    [
        ("train/normal/a.edf", 0, "train"),
        ("eval/abnormal/a.edf", 1, "test"),
        ("abnormal/train/a.edf", 1, "train"),
        ("evaluation/normal/edf/a.edf", 0, "test"),
        ("edf/train/abnormal/01_tcp_ar/a.edf", 1, "train"),
        ("normal/a.edf", 0, None),
    ],
)
def test_folders_tell_class_and_split_in_any_order(tmp_path, write_edf, place, label, split):
    write_edf(place, seconds=1)
    ((entry,), _) = corpus_of(tmp_path)
    assert (entry.label, entry.split, entry.patient) == (label, split, "a")


def test_a_table_tells_what_folders_do_not(tmp_path, write_edf):
    write_edf("a.edf", seconds=1)
    table = "recordname,label,age,gender,loc\na.edf,abnormal,3,male,eval\n"
    (tmp_path / "corpus" / "Labels.csv").write_text(table)
    ((entry,), _) = corpus_of(tmp_path)
    assert (entry.label, entry.split) == (1, "test")


@pytest.mark.parametrize(
    ("place", "table", "message"),
    [
        ("a.edf", "", "is neither by its folders"),
        ("normal/a.edf", "recordname,label\na.edf,abnormal\n", "both normal and abnormal by its"),
        ("a.edf", "recordname,label\na.edf,strange\n", "has the label 'strange'"),
        ("a.edf", "name,class\na.edf,normal\n", "has the columns name, class; recordname and"),
    ],
)
def test_recordings_without_one_class_are_refused(tmp_path, write_edf, place, table, message):
    write_edf(place, seconds=1)
    if table:
        (tmp_path / "corpus" / "Labels.csv").write_text(table)
    with pytest.raises(DataError, match=message):
        corpus_of(tmp_path)


def test_an_empty_folder_and_no_folder_are_told(tmp_path):
    with pytest.raises(DataError, match="is no folder; give that of the corpus"):
        corpus_of(tmp_path)
    (tmp_path / "corpus").mkdir()
    with pytest.raises(DataError, match="holds no EDF or BDF file"):
        corpus_of(tmp_path)


def test_names_are_unique(tmp_path, write_edf):
    write_edf("train/normal/a.edf", seconds=1)
    write_edf("eval/normal/a.edf", seconds=1)
    with pytest.raises(DataError, match="have the name of another, for example 'a'"):
        corpus_of(tmp_path)


def test_gaze_is_found_by_name_with_and_without_leading_zeros(tmp_path, write_edf):
    for name in ("0000004", "0000005", "0000006"):
        write_edf(f"normal/{name}.edf", seconds=1)
    gaze = tmp_path / "corpus" / "gaze"
    gaze.mkdir()
    for name in ("4_P0", "fixations_0000005", "0000006_P0_S0", "0000006_P0_S1"):
        (gaze / f"{name}.json").write_text("[]")
    entries, _ = corpus_of(tmp_path)
    assert [sorted(e.gaze, key=str) for e in entries] == [[None], [None], [0, 1]]
    with pytest.raises(DataError, match=r"gaze_dir .* is no folder"):
        corpus_of(tmp_path, gaze_dir=tmp_path / "elsewhere")


def test_gaze_of_no_recording_is_told(tmp_path, write_edf, caplog):
    write_edf("normal/a.edf", seconds=1)
    (tmp_path / "corpus" / "gaze").mkdir()
    (tmp_path / "corpus" / "gaze" / "zz_P0.json").write_text("[]")
    corpus_of(tmp_path)
    assert "1 gaze files belong to no recording: zz_P0.json" in caplog.text


def many(write_edf, n=5):
    for number in range(n):
        write_edf(f"train/normal/n{number}.edf", seconds=1)
        write_edf(f"train/abnormal/a{number}.edf", seconds=1)


def test_folders_of_test_stay_test_and_the_rest_is_dealt_by_class(tmp_path, write_edf):
    many(write_edf)
    write_edf("eval/normal/t.edf", seconds=1)
    splits = split_abnormality(*corpus_of(tmp_path))
    assert {name: len(some) for name, some in splits.items()} == {
        "train": 8, "validation": 2, "test": 1,
    }  # fmt: skip
    assert {entry.label for entry in splits["validation"]} == {0, 1}


def test_a_patient_lies_in_one_split(tmp_path, write_edf):
    for number in range(6):
        write_edf(f"normal/aaaaaaa{'abcdef'[number]}_s001_t000.edf", seconds=1)
        write_edf(f"normal/aaaaaaa{'abcdef'[number]}_s001_t001.edf", seconds=1)
        write_edf(f"abnormal/bbbbbbb{'abcdef'[number]}_s001_t000.edf", seconds=1)
    splits = split_abnormality(*corpus_of(tmp_path, test_split=0.2))
    patients = [{entry.patient for entry in some} for some in splits.values()]
    assert len(set().union(*patients)) == sum(map(len, patients))
    assert all(patients)


@pytest.mark.parametrize(
    ("places", "settings", "message"),
    [
        (["train/normal/pp_1.edf", "eval/normal/pp_2.edf"], {}, "lies in 'test' and 'train'"),
        (["train/normal/a.edf", "train/normal/b.edf"], {}, "would hold normal; normal and"),
        (["eval/normal/a.edf", "train/normal/b.edf"], {"test_split": 0.2}, "test recordings of"),
    ],
)
def test_divisions_that_cannot_be_are_refused(tmp_path, write_edf, places, settings, message):
    for place in places:
        write_edf(place, seconds=1)
    with pytest.raises(DataError, match=message):
        split_abnormality(*corpus_of(tmp_path, patient_pattern="([^_]+)_", **settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patient_pattern": "("}, "is no regular expression"),
        ({"patient_pattern": "abc"}, "has no group"),
        ({"validation_split": 0.5, "test_split": 0.5}, "leave nothing to train on"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises((ConfigError, ValueError), match=message):
        AbnormalityDataConfig(**settings)

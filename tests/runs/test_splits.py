import pytest

from neurorun.core import RunError
from neurorun.runs.splits import Splits, read_splits, write_splits

pytestmark = pytest.mark.unit

SPLITS = Splits(train={"a_1": "a", "a_2": "a"}, validation={"b_1": "b"}, test={"c_1": "c"})


def test_splits_come_back(tmp_path):
    write_splits(tmp_path, SPLITS)
    assert read_splits(tmp_path) == SPLITS


def test_patients_are_counted_once():
    assert SPLITS.n_patients == {"train": 1, "validation": 1, "test": 1}


def test_equal_recordings_have_equal_fingerprints():
    other = Splits(train={"a_2": "a", "a_1": "a"}, validation={"b_2": "b"}, test={"c_1": "c"})
    same = [SPLITS.fingerprints[name] == other.fingerprints[name] for name in SPLITS.by_name]
    assert same == [True, False, True]


@pytest.mark.parametrize(
    ("train", "validation", "test", "message"),
    [
        ({"a_1": "a"}, {"a_2": "a"}, {}, r"Patient 'a' is in train and in validation \(1 in both"),
        ({"a_1": "a"}, {"b_1": "b"}, {"b_2": "b"}, "Patient 'b' is in validation and in test"),
        ({"x": "a"}, {"x": "b"}, {}, "Recording 'x' is in train and in validation"),
    ],
)
def test_patient_or_recording_in_two_splits_is_refused(train, validation, test, message):
    with pytest.raises(RunError, match=message):
        Splits(train, validation, test)


def test_patients_that_are_said_to_be_shared_may_lie_in_two_splits(tmp_path):
    splits = Splits({"a_1": "a"}, {"a_2": "a"}, shared_patients=("a",))
    write_splits(tmp_path, splits)
    assert read_splits(tmp_path) == splits

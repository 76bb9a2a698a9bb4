import json

import pytest

from neurorun.core import DataError, RunError
from neurorun.runs.confusion import (
    CONFUSION,
    ConfusionMatrix,
    read_confusion_matrices,
    write_confusion_matrices,
)

pytestmark = pytest.mark.unit

MATRIX = ConfusionMatrix("test", ("normal", "abnormal"), ((5, 1), (2, 0)), "now", epoch=3)


def test_matrices_come_back_with_the_keys_of_gaze_experiments(tmp_path):
    write_confusion_matrices(tmp_path, [MATRIX])
    assert read_confusion_matrices(tmp_path) == (MATRIX,)
    found = json.loads((tmp_path / CONFUSION).read_text())
    assert found[0] == {
        "dataset": "test",
        "labels": ["normal", "abnormal"],
        "matrix": [[5, 1], [2, 0]],
        "timestamp": "now",
        "epoch": 3,
        "names": None,
    }


@pytest.mark.parametrize("matrix", [((1,),), ((1, 2),), ((1, 2), (3,)), ((1, 2), (3, -1))])
def test_matrix_needs_a_count_for_every_pair_of_classes(matrix):
    with pytest.raises(RunError, match="one row and one column for each of normal, abnormal"):
        ConfusionMatrix("test", ("normal", "abnormal"), matrix, "now", epoch=1)


def test_absent_file_is_told(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_confusion_matrices(tmp_path)

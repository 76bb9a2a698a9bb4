import math

import pytest

from neurorun.core import FormatError, RunError
from neurorun.runs.predictions import PREDICTIONS, read_predictions, write_predictions

pytestmark = pytest.mark.unit

ROWS = [
    {"recording_id": "a", "patient": "01", "duration_s": 3600.0, "n_found": 1, "f1": math.nan},
    {"recording_id": "b", "patient": "02", "duration_s": 60.5, "n_found": 0, "f1": 0.5},
]


def test_one_row_per_recording_comes_back(tmp_path):
    kinds = write_predictions(tmp_path, ROWS)
    assert repr(read_predictions(tmp_path, kinds)) == repr(ROWS)


def test_patients_with_leading_zeros_stay_as_they_are(tmp_path):
    kinds = write_predictions(tmp_path, ROWS)
    assert [row["patient"] for row in read_predictions(tmp_path, kinds)] == ["01", "02"]


def test_columns_of_gaze_experiments_are_written_as_given(tmp_path):
    row = {
        "file": "s1.npz",
        "true_label": 1,
        "predicted_label": 0,
        "probability": "[0.9, 0.1]",
        "dataset": "test",
        "correct": False,
        "timestamp": "2025-01-14T09:30:12+00:00",
    }
    write_predictions(tmp_path, [row])
    assert (tmp_path / PREDICTIONS).read_text() == (
        "file,true_label,predicted_label,probability,dataset,correct,timestamp\n"
        's1.npz,1,0,"[0.9, 0.1]",test,False,2025-01-14T09:30:12+00:00\n'
    )


def test_rows_that_differ_are_refused(tmp_path):
    with pytest.raises(RunError, match=r"predictions_eval.csv was given a row with the columns x"):
        write_predictions(tmp_path, [*ROWS, {"x": 1}])


def test_other_columns_than_written_are_told(tmp_path):
    kinds = write_predictions(tmp_path, ROWS)
    (tmp_path / PREDICTIONS).write_text("recording_id\na\n")
    with pytest.raises(FormatError, match="has the columns recording_id; recording_id, patient"):
        read_predictions(tmp_path, kinds)

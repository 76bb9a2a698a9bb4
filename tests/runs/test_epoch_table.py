import math

import pytest

from neurorun.core import FormatError
from neurorun.runs.epoch_table import EPOCH_TABLE, read_epoch_table, write_epoch_table
from neurorun.runs.metrics_log import EpochRow

pytestmark = pytest.mark.unit

ROWS = (
    EpochRow(1, {"train_loss": 0.5, "val_loss": math.nan, "learning_rate": 1e-4}, "t1"),
    EpochRow(2, {"train_loss": 0.25, "val_loss": 0.125, "learning_rate": 5e-5}, "t2"),
)


def test_columns_are_those_of_gaze_experiments(tmp_path):
    write_epoch_table(tmp_path, ROWS)
    assert (tmp_path / EPOCH_TABLE).read_text().splitlines() == [
        "epoch,train_loss,eval_loss,lr,timestamp",
        "1,0.5,,0.0001,t1",
        "2,0.25,0.125,5e-05,t2",
    ]


def test_rows_come_back_under_their_own_names(tmp_path):
    write_epoch_table(tmp_path, ROWS)
    assert repr(read_epoch_table(tmp_path)) == repr(ROWS)


@pytest.mark.parametrize("header", ["", "epoch\n", "timestamp,epoch\n", "a,b\n"])
def test_other_tables_are_refused(tmp_path, header):
    (tmp_path / EPOCH_TABLE).write_text(header)
    with pytest.raises(FormatError, match="epoch, numbers and timestamp were written"):
        read_epoch_table(tmp_path)

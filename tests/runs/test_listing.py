import math

import pytest

from neurorun.core import RunError
from neurorun.runs import list_runs

pytestmark = pytest.mark.unit


@pytest.fixture
def root(new_run, tmp_path):
    for name, loss in (("b", 0.5), ("a", 0.25), ("c", None)):
        with new_run(run_name=name, experiment=name, monitor="val_loss") as run:
            run.log_epoch(1, {"val_loss": loss})
            if name == "a":
                run.log_epoch(2, {"val_loss": 0.75})
    return tmp_path / "runs"


def names(lines):
    return [line.name for line in lines]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("started", ["c", "a", "b"]),
        ("name", ["a", "b", "c"]),
        ("best", ["a", "b", "c"]),
        ("epochs", ["b", "c", "a"]),
        ("status", ["a", "b", "c"]),
    ],
)
def test_runs_are_sorted_as_asked(root, sort, order):
    assert names(list_runs(root, sort=sort)) == order


def test_higher_is_first_where_higher_is_better(new_run, tmp_path):
    for name, value in (("low", 0.25), ("high", 0.75), ("none", None)):
        with new_run(run_name=name) as run:
            run.log_epoch(1, {"sensitivity_at_10fa": value})
    assert names(list_runs(tmp_path, sort="best")) == ["high", "low", "none"]


def test_line_tells_the_best_of_the_monitored_metric(root):
    line = list_runs(root, sort="name")[0]
    assert (line.monitor, line.best_epoch, line.best_value) == ("val_loss", 1, 0.25)
    assert (line.status, line.epochs_run, line.epochs_planned) == ("completed", 2, 3)
    assert (line.experiment, line.path) == ("a", root / "a")
    assert math.isnan(list_runs(root, sort="name")[2].best_value)


def test_damaged_run_does_not_hide_the_others(root):
    (root / "b" / "run.json").write_text("{}")
    found = {line.name: line for line in list_runs(root)}
    assert found["b"].status == "damaged"
    assert "has the format and version (None, None)" in found["b"].problem
    assert found["a"].status == "completed"


def test_runs_are_found_up_to_two_levels_below(root, tmp_path):
    assert len(list_runs(tmp_path)) == 3
    assert len(list_runs(root / "a")) == 1
    (tmp_path / "x" / "y").mkdir(parents=True)
    root.rename(tmp_path / "x" / "y" / "z")
    assert list_runs(tmp_path) == ()
    (tmp_path / "x" / "y" / "z" / "a").rename(tmp_path / "x" / ".hidden")
    assert list_runs(tmp_path / "x" / "y" / "z", sort="name")[0].name == "b"


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(RunError, match="is not a folder; give one that holds run folders"):
        list_runs(tmp_path / "absent")

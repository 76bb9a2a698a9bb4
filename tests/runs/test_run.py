import builtins
import math
import shutil
import sys

import pytest

from neurorun.core import DataError, FormatError, MissingExtraError, RunError
from neurorun.runs import open_run

pytestmark = pytest.mark.unit


def test_run_tells_how_it_stands(finished):
    run = open_run(finished)
    assert (run.name, run.status, run.best_epoch) == (finished.name, "completed", 2)
    assert run.config["experiment"]["name"] == "demo"
    assert run.metrics == {"validation": {"sensitivity_at_10fa": 0.75, "val_loss": 0.5}}
    assert run.metadata.total_epochs == 3
    assert math.isnan(run.epoch_rows[0].values["sensitivity_at_10fa"])
    assert "Run completed" in run.log


def test_moved_and_copied_folders_open_the_same(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "copy")
    moved = finished.rename(tmp_path / "elsewhere")
    first, second = open_run(moved), open_run(str(tmp_path / "copy"))
    assert first.record == second.record
    assert repr(first.epoch_rows) == repr(second.epoch_rows)
    assert {run.checkpoint_path().read_bytes() for run in (first, second)} == {b"best 2"}


def test_run_without_a_defined_metric_has_no_validation(new_run):
    with new_run() as run:
        run.log_epoch(1, {"val_loss": 0.5})
    assert open_run(run.folder).metrics == {}


def test_without_pandas_tables_are_lists_of_rows(finished, monkeypatch):
    original = builtins.__import__

    def without_pandas(name, *rest):
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas")
        return original(name, *rest)

    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setattr("neurorun.runs.run.require", lambda *_, **__: missing())
    rows = open_run(finished).epochs
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[1]["sensitivity_at_10fa"] == 0.75
    assert open_run(finished).predictions == []


def missing():
    raise MissingExtraError("no pandas")


def test_with_pandas_tables_are_frames(finished):
    pandas = pytest.importorskip("pandas")
    frame = open_run(finished).epochs
    assert isinstance(frame, pandas.DataFrame)
    assert frame["sensitivity_at_10fa"].tolist()[1:] == [0.75, 0.5]


def test_missing_checkpoint_is_told(finished):
    run = open_run(finished)
    with pytest.raises(RunError, match=r"\(completed, 3 epochs\) has no checkpoint 'epoch_001'"):
        run.checkpoint_path("epoch_001")


def test_missing_files_are_told(finished):
    run = open_run(finished)
    for name in ("splits", "operating_points", "fa_curves", "confusion_matrices"):
        with pytest.raises(DataError, match="does not exist"):
            getattr(run, name)
    assert run.prediction_rows == []
    assert dict(run.events) == dict(run.strips) == dict(run.attention_maps()) == {}


def test_damaged_files_are_told_when_they_are_asked_for(finished):
    (finished / "config.yaml").write_text("- 1")
    run = open_run(finished)
    assert run.best_epoch == 2
    with pytest.raises(FormatError, match="holds a list"):
        run.config  # noqa: B018 - asking is reading


@pytest.mark.parametrize("name", ["best", "last"])
def test_checkpoints_load_weights_only(new_run, name):
    torch = pytest.importorskip("torch")
    with new_run() as run:
        run.save_checkpoint(name, lambda stream: torch.save({"epoch": 3}, stream))
    assert open_run(run.folder).checkpoint(name) == {"epoch": 3}


def test_checkpoint_that_would_run_code_is_refused(new_run, tmp_path):
    torch = pytest.importorskip("torch")

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    with new_run() as run:
        run.save_checkpoint("best", lambda stream: torch.save(Evil(), stream))
    with pytest.raises(RunError, match=r"cannot be loaded \(.*\); restore it"):
        open_run(run.folder).checkpoint()
    assert not (tmp_path / "owned").exists()


def test_damaged_checkpoint_is_told(new_run):
    pytest.importorskip("torch")
    with new_run() as run:
        run.save_checkpoint("best", lambda stream: stream.write(b"torn"))
    with pytest.raises(RunError, match=r"Checkpoint .* cannot be loaded"):
        open_run(run.folder).checkpoint()

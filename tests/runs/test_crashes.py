"""What is left when the process is killed, the disk is full, or the folder refuses."""

import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import Event, RunError, Timeline
from neurorun.runs import (
    ChosenPoint,
    ClassDistribution,
    ConfusionMatrix,
    FaCurve,
    Probabilities,
    Splits,
    SplitScores,
    check_run,
    list_runs,
    open_run,
    resume_run,
)

pytestmark = pytest.mark.integration

LOOP = """
import os, sys, zlib
from pathlib import Path
from neurorun.core import Metric
from neurorun.runs import create_run

loss = Metric("val_loss", "lower", "1", "")
root = Path(sys.argv[1])
run = create_run(
    root, "crash", config={}, metrics=[loss], monitor="val_loss", source_dir=root
)
for epoch in range(1, 10_000):
    run.log_epoch(epoch, {"val_loss": 1 / epoch, "train_loss": 2 / epoch})
    print(epoch, flush=True)
    weights = os.urandom(300_000)
    whole = weights + zlib.crc32(weights).to_bytes(4)
    run.save_checkpoint("best", lambda stream: stream.write(whole))
    run.save_checkpoint("last", lambda stream: stream.write(whole))
"""


def is_whole(path):
    content = path.read_bytes()
    return zlib.crc32(content[:-4]).to_bytes(4) == content[-4:]


@pytest.mark.parametrize("seed", range(4))
def test_run_killed_at_any_moment_opens_as_interrupted_with_every_row(tmp_path, seed):
    loop = subprocess.Popen(
        [sys.executable, "-c", LOOP, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert loop.stdout.readline() == "1\n"
    time.sleep(np.random.default_rng(seed).uniform(0.02, 0.3))
    loop.send_signal(signal.SIGKILL)
    told = ["1", *loop.communicate()[0].split()]
    (line,) = list_runs(tmp_path)
    run = open_run(line.path)
    assert run.status == line.status == "interrupted"
    assert len(run.epoch_rows) >= int(told[-1])
    assert [row.epoch for row in run.epoch_rows] == list(range(1, len(run.epoch_rows) + 1))
    for name in ("best", "last"):
        path = run.path / {"best": "best_model.pth", "last": "checkpoints/last.pt"}[name]
        assert is_whole(path) if path.exists() else len(told) <= 2
    assert not any(finding.damaged for finding in check_run(run.path))


def test_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    loop = subprocess.Popen(
        [sys.executable, "-c", LOOP, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    while loop.stdout.readline() != "5\n":
        pass
    loop.send_signal(signal.SIGKILL)
    loop.communicate()
    with resume_run(list_runs(tmp_path)[0].path) as run:
        run.rewind(4)
        run.log_epoch(5, {"val_loss": 0.01, "train_loss": 0.02})
        run.save_checkpoint("best", lambda stream: stream.write(b"new"))
    opened = open_run(run.folder)
    assert [row.epoch for row in opened.epoch_rows] == [1, 2, 3, 4, 5]
    assert (opened.status, opened.best_epoch) == ("completed", 5)
    assert opened.record.resumptions[0].epochs_cut >= 1
    assert check_run(run.folder) == ()


def test_process_that_ends_without_finishing_leaves_an_interrupted_run(tmp_path):
    script = LOOP.replace("print(epoch, flush=True)", "sys.exit(0)")
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert list_runs(tmp_path)[0].status == "interrupted"


def log_many(run):
    for epoch in range(1, 2000):
        run.log_epoch(epoch, {"val_loss": 1 / epoch})


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_rows_that_no_longer_fit_are_refused_and_the_others_stay(new_run):
    import resource

    run = new_run(monitor="val_loss")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 3_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"Cannot (append to|write) '.*'.*free some space"):
            log_many(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    epochs = [row.epoch for row in open_run(run.folder).epoch_rows]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) > 10
    epoch = len(epochs) + 1
    run.log_epoch(epoch, {"val_loss": 0.001})
    run.finish()
    assert open_run(run.folder).best_epoch == epoch
    assert check_run(run.folder) == ()


def killed_runs(tmp_path, pixel, *, first, step):
    """Folders of runs, each killed at another point, with what was touched and told there."""
    (tmp_path / "pixel.png").write_bytes(pixel)
    script = Path(__file__).with_name("crash_points.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(first), str(step)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        number, what = line.split(" ", 1)
        root = tmp_path / f"{int(number):04d}"
        told = int((root / "told").read_text() or 0) if (root / "told").exists() else 0
        yield what, told, [path for path in root.glob("[!.]*") if path.is_dir()]


def check_killed_runs(runs):
    n_opened, whats = 0, []
    for what, told, folders in runs:
        whats.append(what)
        if not folders:  # the folder had not appeared yet
            assert told == 0
            continue
        run = open_run(folders[0])
        assert run.status == ("completed" if what == "end" else run.status)
        assert run.status in ("interrupted", "completed")
        assert [finding for finding in check_run(run.path) if finding.damaged] == [], what
        assert len(run.epoch_rows) >= told, what
        assert [table.rows for table in run.tables.values()] or "t" not in run.tables
        n_opened += 1
    assert whats[-1] == "end"
    return n_opened


def test_run_killed_at_some_points_of_writing_is_sound(tmp_path, pixel):
    assert check_killed_runs(killed_runs(tmp_path, pixel, first=7, step=37)) > 10


@pytest.mark.slow
def test_run_killed_at_every_point_of_writing_is_sound(tmp_path, pixel):
    assert check_killed_runs(killed_runs(tmp_path, pixel, first=1, step=1)) > 500


def refuse(*_):
    raise OSError(28, "No space left on device")


def test_full_disk_fails_the_run_in_one_line_and_leaves_it_interrupted(new_run, monkeypatch):
    run = new_run()
    run.log_epoch(1, {"val_loss": 0.5})
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(RunError, match=r"^[^\n]*No space left on device[^\n]*$"), run:
            run.log_epoch(2, {"val_loss": 0.25})
    opened = open_run(run.folder)
    assert (opened.status, len(opened.epoch_rows)) == ("interrupted", 1)
    with resume_run(run.folder) as resumed:
        resumed.log_epoch(2, {"val_loss": 0.25})
    assert check_run(run.folder) == ()


def test_checkpoint_that_does_not_fit_leaves_the_older_one(new_run, monkeypatch):
    run = new_run()
    run.save_checkpoint("last", lambda stream: stream.write(b"older"))
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(RunError, match=r"Cannot write '.*last.pt': No space left on device"):
            run.save_checkpoint("last", lambda stream: stream.write(b"newer"))
    assert open_run(run.folder).checkpoint_path("last").read_bytes() == b"older"
    run.finish()


EVERY_KIND = {
    "splits.json": lambda run, n: run.write_splits(Splits({f"a_{n}": "a"}, {})),
    "class_distributions.json": lambda run, n: run.write_class_distributions(
        [ClassDistribution("train", {"x": n}, n, "")]
    ),
    "confusion_matrices.json": lambda run, n: run.write_confusion_matrices(
        [ConfusionMatrix("v", ("x", "y"), ((n, 0), (0, 1)), "", 1)]
    ),
    "operating_points.json": lambda run, n: run.write_operating_points(
        [ChosenPoint("s", n, True, 0.5, 0.4, 0.5, 1.0, "overlap", "validation")]
    ),
    "fa_curve.json": lambda run, n: run.write_fa_curves(
        [FaCurve("v", "overlap", (0.5,), (1.0 * n,), (0.5,))]
    ),
    "metrics/test_scores.json": lambda run, n: run.write_scores(
        SplitScores("test", n, {"x": 1.0}, {})
    ),
    "predictions_eval.csv": lambda run, n: run.write_predictions([{"a": n}]),
    "events/a_events.tsv": lambda run, n: run.write_events(
        Timeline("a", 60.0 * n, (Event(10, 20),))
    ),
    "predictions/a.npz": lambda run, n: run.write_probabilities(
        Probabilities("a", 1.0 * n, ((0.0, np.zeros(3, np.float32)),))
    ),
    "tables/t.csv": lambda run, n: run.write_table("t", [{"a": n}], caption="c"),
}


@pytest.mark.parametrize("name", EVERY_KIND)
def test_file_that_does_not_fit_leaves_the_older_one(new_run, monkeypatch, name):
    run, write = new_run(), EVERY_KIND[name]
    write(run, 1)
    before = (run.folder / name).read_bytes()
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(RunError, match=r"^[^\n]*No space left on device[^\n]*$"):
            write(run, 2)
    assert (run.folder / name).read_bytes() == before
    assert not list(run.folder.rglob("*.tmp"))
    write(run, 2)
    assert (run.folder / name).read_bytes() != before
    run.finish()
    assert check_run(run.folder) == ()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_folder_that_became_read_only_is_told_in_one_line(new_run):
    run = new_run()
    run.folder.chmod(0o500)
    with pytest.raises(RunError, match=r"^[^\n]*Permission denied[^\n]*$"):
        run.log_epoch(1, {"val_loss": 0.5})
    run.folder.chmod(0o700)
    run.finish()

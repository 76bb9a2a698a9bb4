"""Do everything that a run can do, killed at every point where it touches the disk.

python crash_points.py FOLDER FIRST STEP: for every STEP-th point from FIRST on, a child process
works in a folder of its own and kills itself there; the last child comes to the end. Prints one
line per child: the number of its folder and what was being touched. A file ``told`` beside the run
holds how many epochs had been said to be on the disk.
"""

import functools
import itertools
import os
import signal
import sys
from pathlib import Path

import numpy as np

from neurorun.core import Event, Metric, Timeline
from neurorun.runs import (
    AttentionMap,
    ChosenPoint,
    ClassDistribution,
    ConfusionMatrix,
    Cortex,
    FaCurve,
    GazePage,
    GazeReview,
    KeptEstimate,
    Probabilities,
    Splits,
    SplitScores,
    Strip,
    amend_run,
    create_run,
    environment,
    resume_run,
    source,
)
from neurorun.runs import metrics_log as rows_of_epochs

EVENTS = ("open", "os.rename", "os.remove", "os.truncate", "os.link", "os.mkdir", "os.rmdir")
LOSS = Metric("val_loss", "lower", "1", "Mean.")
TOLD = "told"
SURFACE = (np.int32([[0, 1, 2]]), np.int32([0, 0, 0]))
ONE_REGION = (np.int64([0]), np.int64([0]))


class Killer:
    """Counts the points and ends the process at one of them."""

    def __init__(self, root: Path, fatal: int) -> None:
        self.root, self.fatal, self.n = str(root), fatal, 0

    def point(self, what: str) -> None:
        self.n += 1
        if self.n == self.fatal:
            os.write(1, f"{self.n} {what}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple) -> None:
        if event not in EVENTS or not str(arguments[0]).startswith(self.root):
            return
        if event == "open" and not _writes(arguments):
            return
        if TOLD not in str(arguments[0]):
            self.point(f"{event} {Path(str(arguments[0])).name}")


def _writes(arguments: tuple) -> bool:
    mode, flags = arguments[1], arguments[2]
    return bool(set(mode or "") & set("wxa+")) or bool(flags & (os.O_WRONLY | os.O_RDWR))


def review(n: int) -> GazeReview:
    """One window of one channel, read in the n-th way."""
    flat, page = np.full((1, 2), 1.0 * n), np.zeros((1, 8), np.float32)
    return GazeReview(
        "a_P0_S0", "a", ("Fp1",), 8.0, 1.0, 0.0, 1, 0.5, True, flat, flat, (),
        (GazePage(0.0, page, page),),
    )  # fmt: skip


def work(root: Path, pixel: bytes) -> None:
    """Two epochs, every kind of file, an end; then results are added, and training goes on."""
    np_signal = np.zeros((1, 8), np.float32)

    def tell(n: int) -> None:
        (root / TOLD).write_text(str(n))

    def keep(kept, n: int) -> None:
        kept.write_events(Timeline("a", 60.0 * n, (Event(10, 20),)))
        kept.write_probabilities(Probabilities("a", 1.0 * n, ((0.0, np_signal[0]),)))
        kept.write_strip(Strip("a", ("Fp1",), 8.0, 1.0 * n, np_signal, np_signal[0], 8.0))
        kept.write_cortex(Cortex(np.eye(3, dtype="f4") * n, *SURFACE, np_signal[:, :3]))
        kept.write_estimate(
            KeptEstimate("a", 5.0 * n, 8.0, *ONE_REGION, np_signal[0, :1], np_signal, ())
        )
        kept.write_attention_index(
            [kept.write_attention_map(AttentionMap("a", np_signal, 50.0 * n, ("Fp1",)))]
        )
        kept.write_gaze_review(review(n))
        kept.write_table("t", [{f"column_{n}": n}], caption=f"Table {n}.")
        kept.write_picture("p", pixel, caption=f"Picture {n}.")

    with create_run(
        root, "crash", config={"a": 1}, metrics=[LOSS], monitor="val_loss", source_dir=root
    ) as run:
        run.write_splits(Splits({"a_1": "a"}, {"b_1": "b"}))
        run.write_class_distributions([ClassDistribution("train", {"x": 1}, 1, "")])
        for epoch in (1, 2):
            run.log_epoch(epoch, {"val_loss": 1 / epoch, f"new_{epoch}": 1.0})
            tell(epoch)
            run.save_checkpoint("last", lambda stream: stream.write(b"last"))
            run.save_checkpoint("best", lambda stream: stream.write(b"best"))
        for n in (1, 2):  # the second time everything is replaced, by something else
            run.write_predictions([{"recording_id": "a", f"n_{n}": n}])
            run.write_confusion_matrices(
                [ConfusionMatrix("v", ("x", "y"), ((n, 0), (0, 1)), "", 1)]
            )
            run.write_operating_points(
                [ChosenPoint(f"at_{n}", 1.0, True, 0.5, 0.4, 0.5, 1.0, "overlap", "validation")]
            )
            run.write_fa_curves([FaCurve("validation", "overlap", (0.5,), (1.0 * n,), (0.5,))])
            keep(run, n)
    for n in (1, 2):
        with amend_run(run.folder) as amended:
            amended.forget("test")
            amended.write_predictions([{"recording_id": "b", f"n_{n}": n}], split="test")
            keep(amended.of("test"), n)
            amended.write_scores(SplitScores("test", 1, {"val_loss": 0.5 * n}, {}))
            amended.write_predictions([{"recording_id": "b", f"again_{n}": n}])
            amended.write_table("t", [{f"other_{n}": n}], caption=f"Other {n}.")
    with resume_run(run.folder) as resumed:
        tell(1)
        resumed.rewind(1)
        resumed.log_epoch(2, {"val_loss": 0.25})
        tell(2)
        resumed.extend_epoch({"val_acc": 0.5})
        resumed.save_checkpoint("best", lambda stream: stream.write(b"better"))


def live(folder: Path, pixel: bytes, fatal: int) -> None:
    """The life of a child, which ends at its fatal point."""
    killer, write = Killer(folder, fatal), rows_of_epochs._write_whole

    def torn(stream, line):
        stream.write(line[: len(line) // 2])
        killer.point("half a row")
        write(stream, line[len(line) // 2 :])

    os.fsync = lambda _: killer.point("fsync")  # the system outlives the process here
    rows_of_epochs._write_whole = torn
    sys.addaudithook(killer.audit)
    work(folder, pixel)
    os.write(1, f"{fatal} end\n".encode())
    os._exit(0)


def main() -> None:
    """Kill child after child, each at the next point, until one comes to the end."""
    root, first, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    pixel = (root / "pixel.png").read_bytes()
    environment._packages = functools.cache(lambda: {"numpy": "1"})
    source.source_of = lambda *_, **__: (source.Source("clean"), b"")
    for fatal in itertools.count(first, step):
        folder = root / f"{fatal:04d}"
        folder.mkdir()
        child = os.fork()
        if child == 0:
            live(folder, pixel, fatal)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main()

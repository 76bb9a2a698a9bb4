import functools
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from neurorun.core import Metric
from neurorun.runs import create_run, environment

SENSITIVITY = Metric("sensitivity_at_10fa", "higher", "1", "Any-overlap sensitivity at 10 FA/24 h.")
LOSS = Metric("val_loss", "lower", "1", "Mean cross-entropy over validation windows.")
CONFIG = {
    "experiment": {"name": "demo", "seed": 7},
    "task": "seizure_detection",
    "data": {"data_dir": Path("corpus")},
    "training": {"epochs": 3, "batch_size": 4, "learning_rate": 3e-4},
}


@pytest.fixture(autouse=True, scope="session")
def packages_are_listed_once():
    """Listing all installed packages takes a tenth of a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "_packages", functools.cache(environment._packages))
        yield


@pytest.fixture(scope="session")
def pixel():
    """Bytes of a PNG file with one grey pixel."""
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(b"\x00\x80"),
        b"IEND": b"",
    }
    framed = (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def run_in(folder, **changes):
    settings = {
        "config": CONFIG,
        "metrics": [SENSITIVITY, LOSS],
        "monitor": SENSITIVITY.name,
        "seed": 7,
        "command": ["neurorun", "train", "demo.yaml"],
        "data_identity": {"dataset": "simulated", "n_recordings": 3},
        "source_dir": folder,
    }
    experiment = changes.pop("experiment", "demo")
    return create_run(folder / "runs", experiment, **(settings | changes))


@pytest.fixture
def new_run(tmp_path):
    """Make a run below tmp_path/runs."""
    return functools.partial(run_in, tmp_path)


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory):
    with run_in(tmp_path_factory.mktemp("finished")) as run:
        for epoch, sensitivity in enumerate([None, 0.75, 0.5], start=1):
            values = {"train_loss": 1 / epoch, "val_loss": 0.5, "sensitivity_at_10fa": sensitivity}
            run.log_epoch(epoch, values)
            run.save_checkpoint("last", lambda stream, n=epoch: stream.write(b"state %d" % n))
            if run.best_epoch == epoch:
                run.save_checkpoint("best", lambda stream, n=epoch: stream.write(b"best %d" % n))
    return run.folder


@pytest.fixture
def finished(finished_once, tmp_path):
    """Folder of a run of three epochs, the second of which is the best."""
    return Path(shutil.copytree(finished_once, tmp_path / "runs" / finished_once.name))

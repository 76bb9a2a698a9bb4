import importlib.util
import logging
import random
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def toy():
    """The toy task, as a module; it is a program of its own, too."""
    path = Path(__file__).with_name("toy.py")
    spec = importlib.util.spec_from_file_location("toy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def leaves_no_trace():
    """Training sets generators, threads and determinism of the process; put them back."""
    threads, states = torch.get_num_threads(), (random.getstate(), np.random.get_state())  # noqa: NPY002
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    logging.getLogger("neurorun").setLevel(logging.NOTSET)


class MemoryRecord:
    """A run folder that keeps rows and checkpoint names in memory, in the order of the calls."""

    def __init__(self, folder):
        self.folder = folder
        self.run_id = "7"
        self.rows, self.calls, self.contents = {}, [], {}

    def log_epoch(self, epoch, values):
        self.calls.append(f"row {epoch}")
        self.rows[epoch] = dict(values)

    def save_checkpoint(self, name, save):
        self.calls.append(name)
        path = self.folder / f"{name}.pt"
        with path.open("wb") as stream:
            save(stream)
        self.contents[name] = torch.load(path)

    def rewind(self, epoch):
        self.calls.append(f"rewind {epoch}")
        self.rows = {e: row for e, row in self.rows.items() if e <= epoch}


@pytest.fixture
def record(tmp_path):
    return MemoryRecord(tmp_path)

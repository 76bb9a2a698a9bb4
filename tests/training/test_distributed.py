"""Two processes on the CPU (gloo over the loopback device) train like one."""

import json
import os
import socket
import subprocess
import sys

import pytest
import torch

from neurorun.training import TrainingConfig

pytestmark = pytest.mark.integration

CONFIG = {
    "epochs": 2, "learning_rate": 0.05, "optimizer": "sgd", "gradient_clip": 0.0,
    "positive_weight": "batch", "early_stopping": {"patience": None},
}  # fmt: skip


def train(toy, folder, *options, **config):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, toy.__file__, "ddp", str(folder), *options, "--config"]
    done = subprocess.run(
        [*command, json.dumps({**CONFIG, **config})],
        env=environment, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return content_of(folder)


def content_of(folder):
    lines = (folder / "metrics/metrics.jsonl").read_text().splitlines()
    return torch.load(folder / "checkpoints/last.pt"), [json.loads(line) for line in lines]


@pytest.mark.parametrize("strategy", ["ddp", pytest.param("fsdp", marks=pytest.mark.slow)])
def test_two_processes_give_the_gradients_of_one_with_the_joint_batch(toy, tmp_path, strategy):
    two, two_rows = train(toy, tmp_path / "two", devices=2, strategy=strategy)
    config = TrainingConfig.model_validate(CONFIG)
    toy.train(tmp_path / "one", config, task=toy.ToyTask(n_batches=7, joined=2), dropout=0.0)
    one, one_rows = content_of(tmp_path / "one")
    assert (two["n_processes"], one["n_processes"]) == (2, 1)
    assert two["state"]["step"] == one["state"]["step"] == 6
    for name, value in one["model_state_dict"].items():
        torch.testing.assert_close(two["model_state_dict"][name], value, rtol=0, atol=1e-6)
    for name in ("train_loss", "train_accuracy", "val_loss", "gradient_norm", "positive_weight"):
        figures = ([row[name] for row in rows] for rows in (two_rows, one_rows))
        assert next(figures) == pytest.approx(next(figures), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_stopped_processes_go_on_and_end_with_the_same_bits(toy, tmp_path, strategy):
    settings = {"devices": 2, "strategy": strategy, "checkpoint_minutes": 0, "optimizer": "adamw"}
    peace, _ = train(toy, tmp_path / "peace", **settings)
    stopped, _ = train(toy, tmp_path / "war", "--stop-at", "4", **settings)
    assert (stopped["state"]["epoch"], stopped["state"]["batch"]) == (2, 4)
    resumed, rows = train(toy, tmp_path / "war", **settings)
    assert len(rows) == 2
    for name, value in peace["model_state_dict"].items():
        assert torch.equal(resumed["model_state_dict"][name], value), name

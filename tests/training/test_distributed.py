"""Two processes on the CPU (gloo over the loopback device) train like one."""

import functools
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from neurorun.training import TrainingConfig

pytestmark = pytest.mark.integration

CONFIG = {
    "epochs": 2, "learning_rate": 0.05, "optimizer": "sgd", "gradient_clip": 0.0,
    "positive_weight": "batch", "early_stopping": {"patience": None},
}  # fmt: skip


def train(toy, folder, *options, **config):
    run_program(toy.__file__, "ddp", folder, *options, **config)
    return content_of(folder)


def run_program(path, *options, **config):
    """Start a program whose processes find each other; return what they printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, str(path), *map(str, options), "--config"]
    done = subprocess.run(
        [*command, json.dumps({**CONFIG, **config})],
        env=environment, check=False, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


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


NETWORKS = Path(__file__).with_name("networks.py")
QUICK, SLOW = ("detector", "unet", "deepsif"), ("causal", "transformer", "swinv2", "neurogate")
EVERY_NETWORK = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
HOW = {
    "one": {},
    "ddp": {"devices": 2, "strategy": "ddp"},
    "fsdp": {"devices": 2, "strategy": "fsdp"},
}
STEPS = {
    "positive_weight": "none", "gradient_accumulation_steps": 2, "gradient_clip": 0.1,
    "max_bad_steps": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder and output of the program that trained some networks, each group of them once."""

    @functools.cache
    def run(how, names, **config):
        folder = tmp_path_factory.mktemp(how)
        options = (*names, *(("--again", *names) if how == "fsdp" and not config else ()))
        return folder, run_program(NETWORKS, folder, *options, **STEPS, **HOW[how], **config)

    def folder_and_output(how, name, **config):
        quick = (*QUICK, "poisoned" if how == "fsdp" else "foreign")
        return run(how, (name,) if config else SLOW if name in SLOW else quick, **config)

    return folder_and_output


def weights_of(folder, epoch):
    content = torch.load(folder / f"last-{epoch}.pt")
    return content["model_state_dict"], content


def check_like_one(trained, how, name, **config):
    """Compare how far two processes came with how far one did."""
    one, content = weights_of(trained("one", name)[0] / name, 2)
    start, _ = weights_of(trained("one", name)[0] / name, 1)
    two, other = weights_of(trained(how, name, **config)[0] / name, 2)
    assert two.keys() == one.keys()
    changes = [(one[key] - start[key]).abs().max() for key in one if "weight" in key]
    assert float(max(changes)) > 1e-3
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=0, atol=2e-6)
    for figure in ("train_loss", "gradient_norm"):
        rows = content["state"]["row"], other["state"]["row"]
        assert rows[1][figure] == pytest.approx(rows[0][figure], rel=1e-4)
    assert content["state"]["row"]["gradient_norm"] > 0.1, "the gradient was not clipped"


@pytest.mark.parametrize("how", ["ddp", "fsdp"])
@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_two_processes_train_every_network_like_one_with_the_joint_batch(trained, how, name):
    check_like_one(trained, how, name)


def test_copies_of_a_foreign_network_may_have_parameters_that_take_no_part(trained):
    check_like_one(trained, "ddp", "foreign")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ddp", "fsdp"])
def test_two_processes_train_a_compiled_detector_like_one(trained, how):
    check_like_one(trained, how, "detector", compile=True)


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_shares_of_every_network_go_on_from_a_checkpoint_with_the_same_bits(trained, name):
    folder = trained("fsdp", name)[0]
    weights, content = weights_of(folder / name, 2)
    again, other = weights_of(folder / f"{name}-again", 2)
    for key, value in weights.items():
        assert torch.equal(again[key], value), key
    assert other["state"]["step"] == content["state"]["step"]


def test_histograms_of_shares_are_those_of_whole_weights_and_gradients(trained):
    found = {}
    for how in ("one", "fsdp"):
        folder = trained(how, "deepsif")[0] / "deepsif"
        events = EventAccumulator(str(folder / "logs/tensorboard"))
        events.Reload()
        tags = events.Tags()["histograms"]
        values = {tag: [event.histogram_value for event in events.Histograms(tag)] for tag in tags}
        found[how] = {
            tag: [(value.num, value.sum_squares) for value in several]
            for tag, several in values.items()
        }
    assert found["fsdp"].keys() == found["one"].keys()
    assert len(found["one"]) > 20
    for tag, figures in found["one"].items():
        for own, expected in zip(found["fsdp"][tag], figures, strict=True):
            assert own == pytest.approx(expected, rel=1e-3, abs=1e-12)


def test_shares_of_a_network_whose_loss_is_not_finite_stop_in_every_process(trained):
    folder, printed = trained("fsdp", "poisoned")
    for process in (0, 1):
        assert re.search(rf"poisoned in process {process}: Loss or gradient were not", printed)
    report = json.loads((folder / "poisoned/debug/bad_step.json").read_text())
    assert report["parameters_not_finite"] == []

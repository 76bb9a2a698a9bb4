"""A task of milliseconds, and a program that trains on it and is killed."""

import argparse
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch
from torch import nn

from neurorun.core import SILENT, Metric
from neurorun.runs import create_run, open_run, resume_run
from neurorun.training import TrainingConfig, fit, launch, seed_everything

N_CHANNELS, N_SAMPLES = 3, 32
ACCURACY = Metric("accuracy", "higher", "1", "Share of samples on the right side of 0.")


def waves(rng, n):
    """Windows in which the target is where the first channel is loud."""
    targets = np.zeros((n, N_SAMPLES), dtype=np.uint8)
    for row in targets:
        first = rng.integers(0, N_SAMPLES - 8)
        row[first : first + 8] = 1
    inputs = rng.standard_normal((n, N_CHANNELS, N_SAMPLES)).astype(np.float32)
    inputs[:, 0] *= 1 + 3 * targets
    return inputs, targets


class ToyTask:
    """Finds loud samples. ``faults`` maps (epoch, batch) to a value that poisons the inputs."""

    metrics = (ACCURACY,)
    uses_criterion = True

    def __init__(
        self, *, n_batches=6, batch_size=4, joined=1, faults=None, delay_s=0.0, on_batch=None
    ):
        self.n_total, self.batch_size, self.joined = n_batches, batch_size, joined
        self.faults, self.delay_s = faults or {}, delay_s
        self.on_batch = on_batch
        self.validation = waves(np.random.default_rng(99), 16)
        self.asked = []

    def n_batches(self, epoch):
        return self.n_total // self.joined

    def batches(self, epoch, *, start=0, stride=1):
        for position in range(start, self.n_batches(epoch), stride):
            self.asked.append((epoch, position))
            parts = [
                waves(
                    np.random.default_rng([7, epoch, position * self.joined + k]), self.batch_size
                )
                for k in range(self.joined)
            ]
            inputs = np.concatenate([part[0] for part in parts])
            inputs += self.faults.get((epoch, position), 0.0)
            if self.delay_s:
                time.sleep(self.delay_s)
            if self.on_batch is not None:
                self.on_batch()
            yield inputs, np.concatenate([part[1] for part in parts])

    def loss(self, model, inputs, targets, criterion):
        logits = model(inputs)
        right = ((logits > 0) == (targets > 0)).float().mean()
        return {"loss": criterion(logits, targets), "accuracy": right}

    def evaluate(self, model, criterion, *, progress=SILENT):
        assert not model.training
        inputs, targets = map(torch.as_tensor, self.validation)
        with progress.phase("Validation", 1) as advance:
            logits = model(inputs)
            advance()
        right = ((logits > 0) == (targets > 0)).float().mean()
        return {"val_loss": float(criterion(logits, targets)), "accuracy": float(right)}

    def positive_fraction(self):
        return 0.25


class ToyModel(nn.Module):
    def __init__(self, *, plain=False, dropout=0.2):
        super().__init__()
        middle = [] if plain else [nn.BatchNorm1d(8), nn.Dropout(dropout)]
        self.layers = nn.Sequential(
            nn.Conv1d(N_CHANNELS, 8, 5, padding=2),
            *middle,
            nn.ReLU(),
            nn.Conv1d(8, 1, 5, padding=2),
        )

    def forward(self, inputs):
        return self.layers(inputs)[:, 0]


def train(folder, config, *, task=None, seed=3, **model):
    """What the experiment will do: begin a run, or go on with it."""
    fabric = launch(config, device="cpu")
    seed_everything(seed)
    model = ToyModel(**model)
    task = task or ToyTask()
    if fabric.is_global_zero:
        writer = resume_run(folder) if folder.exists() else begin(folder, seed=seed)
    else:
        writer = None
    last = folder / "checkpoints/last.pt"
    result = fit(
        task, model, config, fabric=fabric, seed=seed, record=writer,
        resume_from=last,
    )  # fmt: skip
    if writer is not None:
        writer.finish(result.stop_reason)
    return result, model


def begin(folder, *, seed):
    metrics = (ACCURACY, Metric("val_loss", "lower", "1", ""))
    return create_run(
        folder.parent, "toy", config={"training": {"epochs": 3}}, metrics=metrics,
        monitor="accuracy", run_name=folder.name, seed=seed,
    )  # fmt: skip


def child(function):
    """Run a function in a copy of this process and return its identity."""
    identity = os.fork()
    if identity == 0:
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stderr.flush()
            os._exit(code)
    return identity


def survive(root, config, *, n_kills, seed):
    """Train once in peace; train again and be killed at random times until it is done."""
    task = ToyTask(delay_s=0.01)
    began = time.monotonic()
    _, status = os.waitpid(child(lambda: train(root / "peace", config, task=task)), 0)
    assert status == 0
    length_s = time.monotonic() - began
    rng = random.Random(seed)
    for _ in range(n_kills):
        identity = child(lambda: train(root / "war", config, task=task))
        time.sleep(rng.uniform(0.0, length_s / 2))
        os.kill(identity, signal.SIGKILL)
        os.waitpid(identity, 0)
        check_readable(root / "war")
    _, status = os.waitpid(child(lambda: train(root / "war", config, task=task)), 0)
    assert status == 0


def die_at_every_moment(root, config, *, every):
    """Train once counting moments; then once per moment, killed there and resumed."""
    moments = root / "moments"
    _, status = os.waitpid(child(lambda: mortal(root / "peace", config, None, moments)), 0)
    assert status == 0
    for moment in range(1, int(moments.read_text()) + 1, every):
        folder = root / f"killed-{moment:03d}/run"
        folder.parent.mkdir()
        _, status = os.waitpid(child(lambda: mortal(folder, config, moment)), 0)  # noqa: B023
        assert os.WTERMSIG(status) == signal.SIGKILL
        check_readable(folder)
        _, status = os.waitpid(child(lambda: train(folder, config)), 0)  # noqa: B023
        assert status == 0


def mortal(folder, config, die_at, count_to=None):
    """Train, and die at the n-th moment: a batch, or one side of a flush or a rename."""
    passed = 0

    def moment():
        nonlocal passed
        passed += 1
        if passed == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def between(function):
        def wrapped(*arguments):
            moment()
            result = function(*arguments)
            moment()
            return result

        return wrapped

    os.fsync, Path.replace = between(os.fsync), between(Path.replace)
    train(folder, config, task=ToyTask(on_batch=moment))
    if count_to is not None:
        count_to.write_text(str(passed))


def check_readable(folder):
    """Whatever was killed, readers open what there is."""
    if not folder.exists():
        return
    open_run(folder)
    for checkpoint in (*folder.glob("*.pth"), *folder.glob("checkpoints/*.p*")):
        if not checkpoint.name.startswith("."):  # what was being written, under its temporary name
            torch.load(checkpoint, weights_only=True)


def main():
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["survive", "die", "ddp"])
    parser.add_argument("root", type=Path)
    parser.add_argument("--config", default="{}")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--stop-at", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    config = TrainingConfig.model_validate_json(arguments.config)
    if arguments.command != "ddp":
        from torch.utils.tensorboard.writer import SummaryWriter  # noqa: F401 - before the forks
    if arguments.command == "survive":
        survive(arguments.root, config, n_kills=arguments.kills, seed=arguments.seed)
    elif arguments.command == "die":
        die_at_every_moment(arguments.root, config, every=arguments.every)
    else:
        joined = 1 if config.devices == 2 else 2
        task = ToyTask(n_batches=7, joined=joined)
        if arguments.stop_at:
            task.on_batch = lambda: (
                sys.exit(0) if task.asked[-1] >= (2, arguments.stop_at) else None
            )
        train(arguments.root, config, task=task, dropout=0.0)


if __name__ == "__main__":
    main()

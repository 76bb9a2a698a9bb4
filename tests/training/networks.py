"""A program that trains small networks of the package in processes that share the work.

For each it writes ``FOLDER/NAME/last-N.pt`` after epoch N. What it names with ``--again`` goes on
once more from the first of these, in ``FOLDER/NAME-again``.
"""

import argparse
import functools
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from neurorun.core import SILENT, Metric, TrainingError
from neurorun.models import (
    CrackNetworkConfig,
    NeuroGateConfig,
    SeizureDetectorConfig,
    SourceModelConfig,
    build_crack_network,
    build_detector,
    build_neurogate,
    build_source_model,
    neurogate,
)
from neurorun.training import LoggingConfig, TrainingConfig, fit, launch, seed_everything

BATCH, N_BATCHES = 3, 4
SMALL_SWIN = {
    "image_size": 32, "embed_dim": 12, "depths": [1, 1, 2, 1], "num_heads": [1, 2, 3, 4],
    "window_size": 4, "drop_path_rate": 0.0, "aspp_channels": 16, "decoder_channels": [16, 8, 8],
}  # fmt: skip


class Foreign(nn.Module):
    """As networks from elsewhere may be: some of its parameters take no part."""

    foreign = True

    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, inputs):
        return self.used(inputs)


def detector(**settings):
    return build_detector(SeizureDetectorConfig(preset="small", **settings), 3)


def crack(name):
    settings = {"name": name, "unet": {"channels": [8, 16]}, "swinv2": SMALL_SWIN}
    return build_crack_network(CrackNetworkConfig.model_validate(settings))


def source(name):
    config = SourceModelConfig(name=name, preset="small")
    return build_source_model(config, n_channels=6, n_regions=20)


def gate():
    return build_neurogate(NeuroGateConfig(), n_channels=6, n_samples=500)


NETWORKS = {
    "detector": (detector, (3, 128)),
    "causal": (functools.partial(detector, causal=True, mamba={"recompute": True}), (3, 128)),
    "unet": (functools.partial(crack, "unet"), (3, 16, 16)),
    "swinv2": (functools.partial(crack, "swinv2"), (3, 32, 32)),
    "deepsif": (functools.partial(source, "deepsif"), (20, 6)),
    "transformer": (functools.partial(source, "transformer"), (20, 6)),
    "neurogate": (gate, (6, 500)),
    "foreign": (Foreign, (8,)),
    "poisoned": (functools.partial(source, "deepsif"), (20, 6)),
}  # fmt: skip
"""How to make each network, and the shape of one input."""


class AnyTask:
    """Drives all that a network gives towards noise, which is other noise for every batch."""

    metrics = (Metric("spread", "higher", "1", "Deviation of what the network gives."),)
    uses_criterion = False

    def __init__(self, name, *, joined):
        self.joined = joined
        self.shape = NETWORKS[name][1]
        self.asked_for = (True,) if name == "neurogate" else ()
        self.added = np.float32(np.nan if name == "poisoned" else 0)

    def n_batches(self, epoch):
        return N_BATCHES // self.joined

    def batches(self, epoch, *, start=0, stride=1):
        for position in range(start, self.n_batches(epoch), stride):
            first = position * self.joined
            parts = [self.batch([epoch, first + k]) for k in range(self.joined)]
            yield tuple(map(np.concatenate, zip(*parts, strict=True)))

    def batch(self, place):
        rng = np.random.default_rng(place)
        inputs = rng.random((BATCH, *self.shape), dtype=np.float32) + self.added
        return inputs, rng.random((BATCH, 1), dtype=np.float32)

    def loss(self, model, inputs, targets, criterion):
        found = model(inputs, *self.asked_for)
        parts = (found["logits"], found["attention_map"]) if self.asked_for else (found,)
        loss = sum((part.flatten(1) - targets).square().mean() for part in parts)
        return {"loss": loss, "spread": parts[0].std()}

    def evaluate(self, model, criterion, *, progress=SILENT):
        inputs, targets = map(torch.from_numpy, self.batch(0))
        figures = self.loss(model, inputs, targets, criterion)
        return {"val_loss": float(figures["loss"]), "spread": float(figures["spread"])}

    def positive_fraction(self):
        return 0.5


class EpochRecord:
    """Keeps ``last.pt`` of every epoch."""

    run_id = "1"

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.folder, self.epoch = folder, 0

    def log_epoch(self, epoch, values):
        self.epoch = epoch

    def save_checkpoint(self, name, save):
        with (self.folder / f"{name}-{self.epoch}.pt").open("wb") as stream:
            save(stream)

    def rewind(self, epoch):
        self.epoch = epoch


def train(name, folder, config, *, fabric, resume_from=None):
    torch.manual_seed(5)
    model = NETWORKS[name][0]()
    leave_out_dropout(model)
    fit(
        AnyTask(name, joined=2 // fabric.world_size), model, config,
        fabric=fabric, seed=3, resume_from=resume_from,
        record=EpochRecord(folder) if fabric.is_global_zero else None,
        logging=LoggingConfig(
            log_gradients=name == "deepsif", log_weights=name == "deepsif", log_every_n_steps=1
        ),
    )  # fmt: skip


def leave_out_dropout(model):
    """It draws otherwise in every process."""
    neurogate._DROPOUT = 0.0
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        elif isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0


def main():
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("names", nargs="+", choices=NETWORKS)
    parser.add_argument("--config", required=True)
    parser.add_argument("--again", nargs="*", default=[])
    arguments = parser.parse_args()
    config = TrainingConfig.model_validate_json(arguments.config)
    fabric = launch(config, device="cpu")
    seed_everything(3)
    for name in arguments.names:
        folder = arguments.root / name
        try:
            train(name, folder, config, fabric=fabric)
        except TrainingError as error:
            sys.stdout.write(f"{name} in process {fabric.global_rank}: {error}\n")
        if name in arguments.again and name != "poisoned":
            again = folder.with_name(f"{name}-again")
            train(name, again, config, fabric=fabric, resume_from=folder / "last-1.pt")


if __name__ == "__main__":
    main()

"""Processes, devices and number formats: Lightning Fabric, set up from the configuration."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.model_parallel import ModelParallelStrategy
from lightning_fabric.strategies.strategy import Strategy
from lightning_fabric.utilities.rank_zero import rank_zero_only
from torch import Tensor, nn
from torch.distributed import DistError
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from neurorun.core import ConfigError, TrainingError
from neurorun.training.config import TrainingConfig

Device = Literal["auto", "cpu", "cuda", "mps"]
LONGEST_WAIT = timedelta(hours=6)
"""How long other processes wait while the first validates."""

_log = logging.getLogger(__name__)


def launch(config: TrainingConfig, *, device: Device = "auto") -> Fabric:
    """Choose devices and precision, and start the processes that train together.

    With several devices the program is started once more for each of them, unless ``torchrun`` or
    SLURM did so already; call this before anything is written. ``auto`` is CUDA where there is
    any, and the CPU elsewhere.

    Raises
    ------
    ConfigError : the device is not there, or the strategy does not run on it
    """
    accelerator = resolve_device(device)
    _check_devices(config, accelerator)
    fabric = Fabric(
        accelerator=accelerator,
        devices=1 if config.devices == "auto" and accelerator != "cuda" else config.devices,
        num_nodes=config.num_nodes,
        strategy=_strategy(config, accelerator),
        precision=precision_of(config, accelerator),
    )
    fabric.launch()
    _log.info(
        "Training on %s in %d process(es), precision %s.",
        fabric.device,
        fabric.world_size,
        precision_of(config, accelerator),
    )
    return fabric


def is_first_process() -> bool:
    """Whether this process is the one that writes and prints, of those that train together."""
    return int(getattr(rank_zero_only, "rank", 0) or 0) == 0


def resolve_device(
    device: Device, *, name: str = "experiment.device"
) -> Literal["cpu", "cuda", "mps"]:
    """Find the device that is meant.

    Parameters
    ----------
    name : of the setting or argument, for the message

    Raises
    ------
    ConfigError : this machine does not have it, or there is no such device
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if device not in there:
        raise ConfigError(
            f"{name} is '{device}'; allowed are 'auto', {', '.join(map(repr, there))}. Choose one "
            "of these."
        )
    if not there[device]:
        raise ConfigError(
            f"{name} is '{device}', which PyTorch does not find here; set it to 'auto' or 'cpu', "
            "or install a PyTorch for this device."
        )
    return device


def precision_of(
    config: TrainingConfig, accelerator: str
) -> Literal["32-true", "bf16-mixed", "16-mixed"]:
    """Precision in Fabric's words: 32 bits unless mixed precision is asked for on CUDA.

    >>> precision_of(TrainingConfig(mixed_precision=True), "cpu")
    '32-true'
    """
    if not config.mixed_precision or accelerator != "cuda":
        return "32-true"
    return "bf16-mixed" if config.precision == "bf16" else "16-mixed"


def is_sharded(fabric: Fabric) -> bool:
    """Whether each process holds a share of the model only."""
    return isinstance(fabric.strategy, ModelParallelStrategy)


def scaler_of(fabric: Fabric) -> torch.amp.GradScaler | None:
    """What scales the loss in 16-bit floating point; None in every other precision."""
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    assert scaler is None or isinstance(scaler, torch.amp.GradScaler)
    return scaler


def reduce_over_processes(fabric: Fabric, own: Tensor, operation: Literal["sum", "mean"]) -> Tensor:
    """Sum or mean of a tensor over all processes; ``own`` may be overwritten."""
    joint = fabric.all_reduce(own, reduce_op=operation)
    assert isinstance(joint, Tensor)
    return joint


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor that may be shared among processes; each of them must ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _check_devices(config: TrainingConfig, accelerator: str) -> None:
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started > 1 and config.devices != "auto" and config.devices * config.num_nodes != started:
        raise ConfigError(
            f"{started} processes were started together, but training.devices is "
            f"{config.devices} and training.num_nodes {config.num_nodes}; their product must be "
            "the number of processes. Set both."
        )
    available = torch.cuda.device_count() if accelerator == "cuda" else None
    if available is not None and config.devices != "auto" and config.devices > available:
        raise ConfigError(
            f"training.devices is {config.devices}, but this machine has {available} GPU(s); ask "
            "for at most that many, or set it to 'auto'."
        )


def _strategy(config: TrainingConfig, accelerator: str) -> str | Strategy:
    n_local = torch.cuda.device_count() if accelerator == "cuda" else 1
    n_processes = (n_local if config.devices == "auto" else config.devices) * config.num_nodes
    if config.strategy == "fsdp":
        return ModelParallelStrategy(
            shard, data_parallel_size=n_processes, tensor_parallel_size=1, timeout=LONGEST_WAIT
        )
    if config.strategy == "ddp" or n_processes > 1:
        return _Copies(timeout=LONGEST_WAIT)
    return "auto"


def shard(model: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """Give each process a share of every parameter.

    Blocks, the elements of the model's lists of modules, are gathered one at a time, while they
    run; all else is gathered with the model itself, whose forward may read it wherever it likes.
    So the parameters of a block may be read by the block alone.

    Raises
    ------
    ConfigError : the model is foreign, so that nobody here knows what it does with its parameters
    """
    from torch.distributed.fsdp import fully_shard

    if _is_foreign(model):
        raise ConfigError(
            "training.strategy is 'fsdp', but the network comes from another library. Such a "
            "network may change its own weights while it runs, which shares of weights would lose. "
            "Set training.strategy to 'ddp'."
        )
    processes = mesh["data_parallel"]
    for block in _blocks(model):
        fully_shard(block, mesh=processes)
    fully_shard(model, mesh=processes)
    return model


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """Elements of the outermost lists of modules, without those that have nothing to share."""
    for child in module.children():
        is_block = isinstance(module, nn.ModuleList) and not isinstance(child, nn.ModuleList)
        if not is_block:
            yield from _blocks(child)
        elif next(child.parameters(), None) is not None:
            yield child


def _is_foreign(module: nn.Module) -> bool:
    """Whether a model says of itself, by the attribute ``foreign``, that its inside is unknown."""
    return bool(getattr(module, "foreign", False))


class _Copies(DDPStrategy):
    """A copy of the model in every process; foreign ones may leave parameters unused."""

    def setup_module(self, module: nn.Module) -> DistributedDataParallel:
        self._ddp_kwargs["find_unused_parameters"] = _is_foreign(module)
        return super().setup_module(module)


@contextmanager
def noticing_lost_processes(fabric: Fabric) -> Iterator[None]:
    """Tell in one sentence that another of the processes that train together is gone.

    Raises
    ------
    TrainingError : the connection to it ended
    """
    try:
        yield
    except RuntimeError as error:
        if fabric.world_size == 1 or not _is_of_connection(error):
            raise
        reason = re.sub(r"^\[\S*\] ", "", str(error).splitlines()[0]).split(". ")[0]
        raise TrainingError(
            f"Process {fabric.global_rank} (of {fabric.world_size}, the first is 0) lost another "
            f"one of this training and cannot go on without it: {reason}. Look for the cause in "
            "what that process printed, then go on with 'neurorun train --resume RUN'."
        ) from error


def _is_of_connection(error: RuntimeError) -> bool:
    """Whether the library that connects processes gave up; that for CPUs has no class of errors."""
    return isinstance(error, DistError) or "/gloo/transport/" in str(error)

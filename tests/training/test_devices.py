import inspect

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor

from neurorun.core import ConfigError, TrainingError
from neurorun.models import SegmentClassifier, SeizureDetectorConfig, build_detector
from neurorun.training import (
    TrainingConfig,
    launch,
    noticing_lost_processes,
    resolve_device,
)
from neurorun.training.devices import precision_of, shard

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("mixed", "format_", "accelerator", "expected"),
    [
        (True, "bf16", "cuda", "bf16-mixed"),
        (True, "fp16", "cuda", "16-mixed"),
        (False, "fp16", "cuda", "32-true"),
        (True, "bf16", "cpu", "32-true"),
        (True, "fp16", "mps", "32-true"),
    ],
)
def test_sixteen_bits_are_used_on_cuda_only(mixed, format_, accelerator, expected):
    config = TrainingConfig(mixed_precision=mixed, precision=format_)
    assert precision_of(config, accelerator) == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
def test_auto_is_the_cpu_where_there_is_no_cuda_and_asking_for_cuda_is_refused():
    assert resolve_device("auto") == "cpu"
    with pytest.raises(ConfigError, match=r"experiment\.device is 'cuda', which PyTorch does not"):
        launch(TrainingConfig(), device="cuda")


def test_an_unknown_device_is_refused():
    without_type_checks = inspect.unwrap(resolve_device)
    with pytest.raises(ConfigError, match="device is 'gpu'; allowed are 'auto', 'cpu', 'cuda'"):
        without_type_checks("gpu", name="device")


def test_all_devices_of_a_machine_without_gpu_are_one_process():
    assert launch(TrainingConfig(devices="auto"), device="cpu").world_size == 1


def test_more_gpus_than_there_are_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"devices is 4, but this machine has 2 GPU"):
        launch(TrainingConfig(devices=4), device="cuda")


@pytest.fixture
def mesh():
    """One process that shares with nobody."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,), mesh_dim_names=("data_parallel",))
    distributed.destroy_process_group()


def test_blocks_are_shared_one_by_one_and_all_else_with_the_model(mesh):
    detector = build_detector(SeizureDetectorConfig(preset="small"), 3)
    shared = shard(detector, mesh)
    found = [name for name, module in shared.named_modules() if isinstance(module, FSDPModule)]
    stages = [*(f"encoder.{i}" for i in range(3)), "rescnn.0", "mamba.0", "decoder.0", "decoder.1"]
    assert found == ["", *stages]
    assert all(isinstance(parameter, DTensor) for parameter in shared.parameters())


def test_networks_of_other_libraries_are_not_shared(mesh):
    foreign = SegmentClassifier(nn.Flatten(), n_channels=1, segment_samples=1)
    with pytest.raises(ConfigError, match=r"is 'fsdp', but .* another library.* to 'ddp'"):
        shard(foreign, mesh)


GONE = (
    "[/pytorch/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:3775. This is "
    "typically caused by a remote worker crashing."
)


@pytest.mark.parametrize(
    ("error", "n_processes", "expected", "message"),
    [
        (RuntimeError(GONE), 2, TrainingError, r"peer \[127.0.0.1\]:3775\. Look for .*--resume"),
        (distributed.DistBackendError("NCCL error"), 2, TrainingError, r"Process 0 .*: NCCL error"),
        (RuntimeError("shapes differ"), 2, RuntimeError, r"^shapes differ$"),
        (RuntimeError("no file </data/gloom/best.pt>"), 2, RuntimeError, "^no file"),
        (RuntimeError(GONE), 1, RuntimeError, r"^\[/pytorch/gloo"),
    ],
)
def test_only_the_loss_of_another_process_is_told_as_such(
    monkeypatch, error, n_processes, expected, message
):
    fabric = launch(TrainingConfig(), device="cpu")
    monkeypatch.setattr(type(fabric), "world_size", n_processes)
    with pytest.raises(expected, match=message), noticing_lost_processes(fabric):
        raise error

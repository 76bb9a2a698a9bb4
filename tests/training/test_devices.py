import pytest
import torch

from neurorun.core import ConfigError
from neurorun.training import TrainingConfig, launch, resolve_device
from neurorun.training.devices import precision_of

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


def test_all_devices_of_a_machine_without_gpu_are_one_process():
    assert launch(TrainingConfig(devices="auto"), device="cpu").world_size == 1


def test_more_gpus_than_there_are_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"devices is 4, but this machine has 2 GPU"):
        launch(TrainingConfig(devices=4), device="cuda")

"""Networks put what they make on the device of their input, seen without a GPU.

The device `meta` of PyTorch computes shapes alone; an operation between a tensor there and one in
main memory is an error, as it is on a GPU.
"""

from contextlib import nullcontext

import pytest
import torch

from neurorun.models import (
    CrackNetworkConfig,
    NeuroGateConfig,
    SeizureDetectorConfig,
    SourceModelConfig,
    build_crack_network,
    build_detector,
    build_neurogate,
    build_source_model,
)

pytestmark = pytest.mark.unit


def detector(**settings):
    return build_detector(SeizureDetectorConfig.model_validate(settings), 19)


def crack_network(**settings):
    return build_crack_network(CrackNetworkConfig.model_validate(settings), trained=False)


def source_model(**settings):
    config = SourceModelConfig.model_validate(settings)
    return build_source_model(config, n_channels=75, n_regions=994)


def neurogate(**settings):
    config = NeuroGateConfig.model_validate(settings)
    return build_neurogate(config, n_channels=22, n_samples=2500)


EEG, SEGMENT, SENSORS, PICTURE = (2, 19, 2560), (2, 22, 2500), (2, 500, 75), (2, 3, 64, 64)


@pytest.fixture(autouse=True)
def without_autocast(monkeypatch):
    """`meta` knows none; it changes the type of tensors, never their device."""
    monkeypatch.setattr(torch, "autocast", lambda *_device, **_options: nullcontext())


@pytest.mark.parametrize(
    ("build", "settings", "shape"),
    [
        pytest.param(detector, {"preset": "small"}, EEG, id="detector"),
        pytest.param(detector, {"preset": "small", "causal": True}, EEG, id="detector-causal"),
        pytest.param(detector, {"preset": "full"}, EEG, id="detector-full"),
        pytest.param(crack_network, {"name": "unet"}, PICTURE, id="crack-unet"),
        pytest.param(source_model, {"name": "deepsif"}, SENSORS, id="deepsif"),
        pytest.param(source_model, {"name": "transformer"}, SENSORS, id="source-transformer"),
        pytest.param(neurogate, {}, SEGMENT, id="neurogate"),
        pytest.param(neurogate, {"attention_head": "per_channel"}, SEGMENT, id="per-channel"),
    ],
)
def test_a_training_step_elsewhere_touches_no_tensor_in_main_memory(build, settings, shape):
    network = build(**settings).train().to("meta")
    output = network(torch.zeros(shape, device="meta"))
    output.square().sum().backward()
    gradients = {p.grad.device.type for p in network.parameters() if p.grad is not None}
    assert output.device.type == "meta"
    assert gradients == {"meta"}


def test_a_tensor_left_in_main_memory_would_be_found():
    network = detector(preset="small").to("meta")
    with pytest.raises(RuntimeError, match="meta"):
        network(torch.zeros(EEG))

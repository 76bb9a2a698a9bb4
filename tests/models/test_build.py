import numpy as np
import pytest
import torch

from neurorun.models import SeizureDetectorConfig, build_detector, count_parameters

pytestmark = pytest.mark.unit

CONFIG = SeizureDetectorConfig(preset="small")


def weights(detector):
    return torch.nn.utils.parameters_to_vector(detector.parameters())


def test_same_generator_gives_the_same_weights():
    one, other = (build_detector(CONFIG, 19, rng=np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(weights(one), weights(other))
    assert not torch.equal(
        weights(one), weights(build_detector(CONFIG, 19, rng=np.random.default_rng(4)))
    )


def test_generator_leaves_the_one_of_pytorch_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    build_detector(CONFIG, 19, rng=np.random.default_rng(3))
    assert torch.equal(torch.rand(3), expected)


def test_without_a_generator_that_of_pytorch_decides():
    torch.manual_seed(5)
    one = weights(build_detector(CONFIG, 19))
    torch.manual_seed(5)
    assert torch.equal(one, weights(build_detector(CONFIG, 19)))


def test_frozen_parameters_are_not_counted():
    layer = torch.nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 6

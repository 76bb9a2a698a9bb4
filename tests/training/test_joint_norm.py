import copy

import pytest
import torch
from torch import nn

from neurorun.training.joint_norm import JointBatchNorm, normalize_jointly

pytestmark = pytest.mark.unit


@pytest.fixture
def shares():
    """What two processes see: shares of different sizes of one batch."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(n, 3, 16, generator=generator).double() for n in (2, 5)]


@pytest.mark.parametrize(
    "options", [{}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}]
)
def test_a_process_normalizes_its_share_as_the_joint_batch(shares, monkeypatch, options):
    own, other = shares
    mean = torch.cat(shares).mean((0, 2))
    told = iter([
        torch.cat([other.sum((0, 2)), torch.tensor([5.0 * 16])]),
        (other - mean[:, None]).square().sum((0, 2)),
    ])  # fmt: skip
    monkeypatch.setattr("torch.distributed.all_reduce", lambda sums: sums.add_(next(told)))
    alone = nn.BatchNorm1d(3, **options).double()
    if alone.affine:
        nn.init.normal_(alone.weight)
        nn.init.normal_(alone.bias)
    joint = JointBatchNorm.like(copy.deepcopy(alone))
    torch.testing.assert_close(joint(own), alone(torch.cat(shares))[:2])
    assert list(told) == []
    assert list(joint.state_dict()) == list(alone.state_dict())
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(joint.state_dict()[name], value)
    if alone.track_running_stats:
        torch.testing.assert_close(joint.eval()(own), alone.eval()(own))


def test_a_norm_under_two_names_stays_one_and_those_of_others_stay_themselves():
    class Foreign(nn.BatchNorm1d):
        pass

    network = nn.Sequential(nn.BatchNorm1d(4), nn.ReLU(), Foreign(4))
    network.again = network[0]
    normalize_jointly(network, on_gpu=False)
    assert isinstance(network[0], JointBatchNorm)
    assert network.again is network[0]
    assert type(network[2]) is Foreign


@pytest.mark.parametrize("on_gpu", [False, True])
def test_a_network_keeps_its_parameters_and_their_names(on_gpu):
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4)), nn.BatchNorm1d(4))
    before, names = list(network.parameters()), list(network.state_dict())
    network[1].eval()
    normalize_jointly(network, on_gpu=on_gpu)
    assert [type(module) for module in (network[1][0], network[2])] == [
        nn.SyncBatchNorm if on_gpu else JointBatchNorm
    ] * 2
    assert not network[1][0].training
    assert network[2].training
    assert list(network.state_dict()) == names
    assert all(a is b for a, b in zip(network.parameters(), before, strict=True))

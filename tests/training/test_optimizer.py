import pytest
import torch
from torch import nn

from neurorun.training import build_optimizer

pytestmark = pytest.mark.unit


def model():
    return nn.Sequential(nn.Conv1d(2, 4, 3), nn.Sequential(nn.BatchNorm1d(4)), nn.Linear(4, 1))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)],
)
def test_every_name_gives_its_optimizer_and_decays_kernels_only(name, kind):
    made = model()
    optimizer = build_optimizer(made.parameters(), name, learning_rate=0.1, weight_decay=0.3)
    assert type(optimizer) is kind
    decayed, free = optimizer.param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.3, 0.0)
    assert {id(p) for p in decayed["params"]} == {id(made[0].weight), id(made[2].weight)}
    assert len(free["params"]) == 4


def test_frozen_parameters_and_empty_groups_are_left_out():
    made = nn.Linear(3, 1)
    made.bias.requires_grad_(False)
    optimizer = build_optimizer(made.parameters(), "adamw", learning_rate=0.1, weight_decay=0.3)
    assert [len(group["params"]) for group in optimizer.param_groups] == [1]


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_fused_steps_are_the_plain_ones(name):
    trained = {}
    for fused in (False, True):
        torch.manual_seed(0)
        made = model()
        optimizer = build_optimizer(
            made.parameters(), name, learning_rate=0.01, weight_decay=0.3, fused=fused
        )
        for _ in range(5):
            optimizer.zero_grad()
            made(torch.randn(3, 2, 6)).square().sum().backward()
            optimizer.step()
        trained[fused] = list(made.parameters())
    torch.testing.assert_close(trained[True], trained[False], atol=1e-6, rtol=1e-5)

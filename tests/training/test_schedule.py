import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurorun.training import SchedulerConfig, learning_rate_factor

pytestmark = pytest.mark.unit


def curve(n_steps, **config):
    chosen = SchedulerConfig(**config)
    return [learning_rate_factor(step, n_steps, chosen) for step in range(n_steps)]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]),
        ("cosine", [0.5, 1.0, 1.0, 0.8535533905932737, 0.5, 0.1464466094067262]),
    ],
)
def test_the_curve_rises_in_a_line_and_then_follows_its_shape(type_, expected):
    assert curve(6, type=type_, warmup_ratio=0.34) == pytest.approx(expected, abs=1e-12)


def test_the_cosine_is_that_of_pytorch():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    rates = []
    for _ in range(50):
        rates.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert curve(50, type="cosine", warmup_ratio=0.0) == pytest.approx(rates, abs=1e-9)


@given(
    n_steps=st.integers(1, 500),
    ratio=st.floats(0.0, 0.5),
    type_=st.sampled_from(["cosine", "linear", "constant"]),
)
def test_every_step_learns_and_none_more_than_fully(n_steps, ratio, type_):
    factors = curve(n_steps, type=type_, warmup_ratio=ratio)
    assert all(0 < factor <= 1 for factor in factors)
    n_warmup = int(ratio * n_steps)
    assert factors[:n_warmup] == sorted(factors[:n_warmup])
    assert factors[n_warmup:] == sorted(factors[n_warmup:], reverse=True)
    assert math.isclose(max(factors), 1.0)

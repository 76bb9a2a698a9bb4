import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurorun.training import SchedulerConfig, learning_rate_factor
from neurorun.training.schedule import Plateau
from neurorun.training.state import TrainingState

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


def losses_of_a_training(seed):
    rng = np.random.default_rng(seed)
    return [float(value) for value in np.maximum(1 / np.arange(1, 31), 0.1) + 0.05 * rng.random(30)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("patience", [0, 2])
def test_the_plateau_is_that_of_pytorch(seed, patience):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", patience=patience, factor=0.5
    )
    config = SchedulerConfig(type="plateau", plateau_patience=patience, plateau_factor=0.5)
    ours = Plateau()
    for loss in losses_of_a_training(seed):
        theirs.step(loss)
        ours.judge(loss, config)
        assert ours.factor == pytest.approx(optimizer.param_groups[0]["lr"])
    assert ours.factor < 1


def test_a_plateau_goes_on_from_where_it_was_kept():
    config = SchedulerConfig(type="plateau", plateau_patience=1)
    whole = TrainingState()
    kept = TrainingState()
    for loss in losses_of_a_training(0):
        whole.plateau.judge(loss, config)
        kept.plateau.judge(loss, config)
        kept = TrainingState.from_dict(kept.to_dict())
    assert kept.plateau == whole.plateau


def test_a_plateau_moves_no_other_schedule_and_nan_is_no_progress():
    plateau = Plateau()
    for loss in (1.0, 1.0, 1.0, 1.0, 1.0):
        plateau.judge(loss, SchedulerConfig(type="cosine"))
    assert plateau == Plateau()
    config = SchedulerConfig(type="plateau", plateau_patience=0)
    for loss in (math.nan, 1.0, math.nan):
        plateau.judge(loss, config)
    assert (plateau.best, plateau.factor) == (1.0, 0.1)


def test_the_plateau_keeps_the_rate_within_an_epoch():
    assert curve(6, type="plateau", warmup_ratio=0.34) == pytest.approx([0.5, 1, 1, 1, 1, 1])

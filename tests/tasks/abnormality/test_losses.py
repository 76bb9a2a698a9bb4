from typing import get_args

import pytest
import torch
from torch.nn import functional

from neurorun.tasks.abnormality import gaze_loss
from neurorun.tasks.abnormality.losses import GazeLossName

pytestmark = pytest.mark.unit

torch.manual_seed(0)
ATTENTION, GAZE = torch.rand(3, 4, 50), torch.rand(3, 4, 50) ** 4
ALL = torch.ones(3, 50)


def loss(kind, attention=ATTENTION, gaze=GAZE, valid=ALL):
    return gaze_loss(attention, gaze, valid, kind=kind)


def _correlation(first, second):
    return torch.corrcoef(torch.stack([first, second]))[0, 1]


def test_distances_are_those_of_earlier_code():
    a, g = ATTENTION.flatten(1), GAZE.flatten(1)
    mse = functional.mse_loss(ATTENTION, GAZE)
    cosine = (1 - functional.cosine_similarity(a, g, dim=1)).mean()
    softmax = functional.kl_div(
        functional.log_softmax(a, 1), functional.softmax(g, 1), reduction="batchmean"
    )
    p, q = a / a.sum(1, keepdim=True), g / g.sum(1, keepdim=True)
    wanted = {
        "mse": mse,
        "weighted_mse": ((2 * GAZE + 0.1) * (ATTENTION - GAZE) ** 2).mean(),
        "cosine": cosine,
        "combined": mse + 0.5 * cosine,
        "kl_softmax": softmax,
        "kl": functional.kl_div(p.log(), q, reduction="batchmean"),
        "cc": 1 - torch.stack([_correlation(*pair) for pair in zip(a, g, strict=True)]).mean(),
    }
    assert set(wanted) == set(get_args(GazeLossName))
    for kind, value in wanted.items():
        torch.testing.assert_close(loss(kind).mean(), value, rtol=1e-4, atol=1e-5, msg=kind)


@pytest.mark.parametrize("kind", get_args(GazeLossName))
def test_padding_takes_no_part(kind):
    valid = ALL.clone()
    valid[:, 30:] = 0
    other = ATTENTION.clone()
    other[:, :, 30:] = torch.rand(3, 4, 20)
    gaze = GAZE.clone()
    gaze[:, :, 30:] = 0
    first = loss(kind, gaze=gaze, valid=valid)
    torch.testing.assert_close(first, loss(kind, other, gaze, valid))
    short = loss(kind, ATTENTION[..., :30], GAZE[..., :30], ALL[:, :30])
    torch.testing.assert_close(first, short, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", get_args(GazeLossName))
def test_gradients_are_finite_and_lead_to_the_gaze(kind):
    attention = torch.full((3, 4, 50), 0.5, requires_grad=True)
    before = loss(kind, attention).mean()
    (gradient,) = torch.autograd.grad(before, attention)
    assert torch.isfinite(gradient).all()
    if kind == "cc":  # a constant has no correlation; a step from it has
        assert loss(kind, GAZE + 0.01 * ATTENTION).mean() < before
        return
    step = 0.05 / gradient.abs().max()
    assert loss(kind, attention - step * gradient).mean() < before


@pytest.mark.parametrize("kind", get_args(GazeLossName))
def test_a_map_of_zeros_is_no_trap(kind):
    assert torch.isfinite(loss(kind, torch.zeros(3, 4, 50))).all()
    assert torch.isfinite(loss(kind, ATTENTION, torch.zeros(3, 4, 50))).all()

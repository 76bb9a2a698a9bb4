import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurorun.training import SampleLoss, binary_cross_entropy, focal_loss
from neurorun.training.losses import fixed_positive_weight

pytestmark = pytest.mark.unit

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.0, 4.0]], dtype=torch.float64)
TARGETS = torch.tensor([[1, 0, 1], [0, 1, 0]], dtype=torch.uint8)


def by_hand(*, weight=1.0, alpha=None, gamma=0.0):
    total = 0.0
    for logit, target in zip(LOGITS.flatten().tolist(), TARGETS.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-logit))
        q = p if target else 1 - p
        balance = 1.0 if alpha is None else (alpha if target else 1 - alpha)
        total -= (weight if target else 1.0) * balance * (1 - q) ** gamma * math.log(q)
    return total / LOGITS.numel()


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (SampleLoss(), by_hand()),
        (SampleLoss(weighting="batch"), by_hand(weight=1.0)),
        (SampleLoss(weighting="dataset", positive_fraction=0.2), by_hand(weight=4.0)),
        (SampleLoss(weighting="sqrt", positive_fraction=0.2), by_hand(weight=2.0)),
        (SampleLoss("focal", alpha=0.25, gamma=2.0), by_hand(alpha=0.25, gamma=2.0)),
        (SampleLoss("focal", alpha=0.5, gamma=0.5), by_hand(alpha=0.5, gamma=0.5)),
        (
            SampleLoss("focal", weighting="dataset", positive_fraction=0.25),
            by_hand(alpha=0.5, gamma=2.0, weight=3.0),
        ),
    ],
)
def test_losses_follow_their_formula(loss, expected):
    assert float(loss(LOGITS, TARGETS)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("targets", "weight"),
    [([1, 0, 0, 0], 3.0), ([1, 1, 1, 0], 1 / 3), ([0, 0, 0, 0], 1.0), ([1, 1, 1, 1], 1.0)],
)
def test_batch_weight_makes_both_kinds_count_alike_and_is_one_for_a_single_kind(targets, weight):
    loss = SampleLoss(weighting="batch")
    loss(torch.zeros(4), torch.tensor(targets))
    assert float(loss.last_weight) == pytest.approx(weight)


def test_batch_weight_uses_the_share_over_all_processes():
    loss = SampleLoss(weighting="batch", mean_over_processes=lambda own: (own + 0.0) / 2)
    loss(torch.zeros(4), torch.tensor([1, 1, 0, 0]))
    assert float(loss.last_weight) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("weighting", "weight"), [("none", 1.0), ("batch", 1.0), ("dataset", 4.0), ("sqrt", 2.0)]
)
def test_validation_weighs_by_what_does_not_depend_on_the_batch(weighting, weight):
    loss = SampleLoss(weighting=weighting, positive_fraction=0.2).for_validation()
    assert float(loss(LOGITS, TARGETS)) == pytest.approx(by_hand(weight=weight), rel=1e-12)
    assert float(loss.last_weight) == weight


def test_root_weight_never_weakens_positives():
    assert fixed_positive_weight("sqrt", 0.9) == 1.0


def test_focal_without_focus_is_half_the_cross_entropy():
    truth = TARGETS.double()
    focal = focal_loss(LOGITS, truth, alpha=0.5, gamma=0.0)
    assert float(focal) == pytest.approx(float(binary_cross_entropy(LOGITS, truth)) / 2)


@given(
    logit=st.floats(-1e4, 1e4, width=32),
    target=st.integers(0, 1),
    gamma=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    name=st.sampled_from(["bce", "focal"]),
)
def test_no_logit_however_large_gives_a_loss_or_gradient_that_is_not_finite(
    logit, target, gamma, name
):
    logits = torch.tensor([logit], requires_grad=True)
    value = SampleLoss(name, gamma=gamma)(logits, torch.tensor([target]))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()
    assert value >= 0

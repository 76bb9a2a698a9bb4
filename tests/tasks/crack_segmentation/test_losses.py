import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.tasks.crack_segmentation import CrackLoss, CrackLossConfig, dice_loss
from neurorun.training import SampleLoss

pytestmark = pytest.mark.unit

SURE = 30.0


def mask(*rows):
    return torch.tensor([rows], dtype=torch.float32)


@pytest.mark.parametrize(
    ("predicted", "target", "expected"),
    [
        pytest.param(mask([1, 0]), mask([1, 0]), 0.0, id="same"),
        pytest.param(mask([0, 0]), mask([0, 0]), 0.0, id="both-empty"),
        pytest.param(mask([1, 0]), mask([0, 1]), 1 - 1 / 3, id="apart"),
        pytest.param(mask([1, 1]), mask([0, 0]), 1 - 1 / 3, id="nothing-marked"),
        pytest.param(mask([1, 1]), mask([1, 0]), 1 - 3 / 4, id="half"),
    ],
)
def test_dice_of_sure_predictions_is_that_of_sets_with_one_pixel_of_smoothing(
    predicted, target, expected
):
    logits = SURE * (2 * predicted - 1)
    assert float(dice_loss(logits, target)) == pytest.approx(expected, abs=1e-6)


def test_dice_over_images_is_a_mean_and_over_the_batch_is_of_all_pixels():
    torch.manual_seed(0)
    logits, targets = torch.randn(3, 4, 5), (torch.rand(3, 4, 5) > 0.7).float()
    each = [float(dice_loss(logits[i : i + 1], targets[i : i + 1])) for i in range(3)]
    assert float(dice_loss(logits, targets)) == pytest.approx(sum(each) / 3)
    joined = dice_loss(logits.reshape(1, 12, 5), targets.reshape(1, 12, 5))
    assert float(dice_loss(logits, targets, over="batch")) == pytest.approx(float(joined))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_dice_lies_between_0_and_1_and_has_a_finite_gradient(seed, smooth):
    generator = torch.Generator().manual_seed(seed)
    logits = (20 * torch.randn(2, 3, 4, generator=generator)).requires_grad_()
    targets = (torch.rand(2, 3, 4, generator=generator) > 0.5).float()
    loss = dice_loss(logits, targets, smooth=smooth)
    loss.backward()
    assert 0 <= loss.item() <= 1
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", ["bce", "focal"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_loss_is_the_weighed_sum_of_criterion_and_dice(name, share):
    torch.manual_seed(1)
    logits, targets = torch.randn(2, 6, 6), (torch.rand(2, 6, 6) > 0.8).float()
    criterion = SampleLoss(name, alpha=0.25, gamma=2.0)
    found = CrackLoss(CrackLossConfig(dice_weight=share), criterion)(logits, targets)
    expected = (1 - share) * criterion(logits, targets) + share * dice_loss(logits, targets)
    assert math.isclose(float(found["loss"]), float(expected), rel_tol=1e-6)
    assert set(found) == {"loss", "pixel_loss", "dice_loss"}


def test_half_precision_logits_do_not_overflow_the_sums():
    logits = torch.full((1, 400, 400), 10.0, dtype=torch.bfloat16)
    assert float(dice_loss(logits, torch.ones(1, 400, 400))) == pytest.approx(0, abs=1e-3)

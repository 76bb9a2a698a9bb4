import pytest
import torch

from neurorun.tasks.source_localization.objective import figures

pytestmark = pytest.mark.unit


def both_forms(seed=0):
    """The same targets whole and as rows of the active regions, of examples that differ in size."""
    torch.manual_seed(seed)
    regions = torch.tensor([[4, 1, 7], [0, -1, -1], [-1, -1, -1]], dtype=torch.int32)
    activity = torch.randn(3, 3, 20)
    activity[regions < 0] = 0.0
    whole = torch.zeros(3, 9, 20)
    for example in range(3):
        for place, region in enumerate(regions[example].tolist()):
            if region >= 0:
                whole[example, region] = activity[example, place]
    return whole, (regions, activity)


def test_loss_is_the_mean_squared_error_over_everything():
    whole, _ = both_forms()
    estimate = torch.randn(3, 20, 9)
    found = figures(estimate, whole)
    expected = torch.nn.functional.mse_loss(estimate, whole.transpose(1, 2))
    assert torch.allclose(found["loss"], expected)
    assert torch.allclose(found["mae"], (estimate - whole.transpose(1, 2)).abs().mean())


def test_rows_of_active_regions_give_the_same_figures_and_gradients():
    whole, rows = both_forms()
    gradients = []
    for targets in (whole, rows):
        torch.manual_seed(1)
        estimate = torch.randn(3, 20, 9, requires_grad=True)
        found = figures(estimate, targets)
        found["loss"].backward()
        gradients.append((estimate.grad, found["loss"], found["mae"]))
    for first, second in zip(*gradients, strict=True):
        assert torch.allclose(first, second, atol=1e-7)


def test_a_perfect_estimate_of_rows_costs_nothing():
    whole, rows = both_forms()
    found = figures(whole.transpose(1, 2).clone(), rows)
    assert float(found["loss"]) == pytest.approx(0.0, abs=1e-6)
    assert float(found["mae"]) == pytest.approx(0.0, abs=1e-6)

import pytest
import torch
from torch import nn

from neurorun.training.ema import WeightAverage

pytestmark = pytest.mark.unit


def test_the_average_follows_its_formula():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average = WeightAverage(model, decay=0.3)
    expected = 0.0
    for update in range(1, 6):
        nn.init.constant_(model.weight, float(update))
        average.update()
        decay = min(0.3, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * update
    assert float(average.weights["weight"]) == pytest.approx(expected)


def test_the_model_has_the_average_inside_the_block_only_and_the_same_bits_after_it():
    model = nn.Linear(3, 2)
    average = WeightAverage(model, decay=0.5)
    nn.init.normal_(model.weight)
    own, averaged = model.weight.clone(), average.weights["weight"].clone()
    with average.in_place():
        assert torch.equal(model.weight, averaged)
    assert torch.equal(model.weight, own)
    assert torch.equal(average.weights["weight"], averaged)


def test_a_stored_average_goes_on_as_if_nothing_had_happened():
    model = nn.Linear(3, 2)
    first = WeightAverage(model, decay=0.9)
    nn.init.normal_(model.weight)
    first.update()
    second = WeightAverage(model, decay=0.9)
    second.load_state_dict(first.state_dict())
    nn.init.normal_(model.weight)
    first.update()
    second.update()
    assert torch.equal(first.weights["weight"], second.weights["weight"])

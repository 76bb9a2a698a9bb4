import random

import numpy as np
import pytest
import torch

from neurorun.training import seed_everything, seed_position

pytestmark = pytest.mark.unit


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002


def test_a_place_gives_the_same_numbers_whatever_was_drawn_before():
    seed_position(3, 1, 0, 0)
    first = draws()
    draws()
    seed_position(3, 1, 0, 0)
    assert draws() == first


@pytest.mark.parametrize("other", [(4, 1, 0, 0), (3, 2, 0, 0), (3, 1, 1, 0), (3, 1, 0, 1)])
def test_another_seed_epoch_batch_or_process_gives_other_numbers(other):
    seed_position(3, 1, 0, 0)
    first = draws()
    seed_position(*other)
    assert all(a != b for a, b in zip(first, draws(), strict=True))


def test_seeding_everything_chooses_deterministic_algorithms_unless_told_otherwise():
    seed_everything(1, deterministic=False)
    assert not torch.are_deterministic_algorithms_enabled()
    seed_everything(1)
    assert torch.are_deterministic_algorithms_enabled()

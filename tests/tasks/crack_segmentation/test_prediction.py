import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurorun.tasks.crack_segmentation import predict_image
from neurorun.tasks.crack_segmentation.prediction import _tiles

pytestmark = pytest.mark.unit


class Red(nn.Module):
    """Gives the red of every pixel, and counts how often it is asked for how much."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.sizes = []

    def forward(self, pictures):
        self.sizes.append(tuple(pictures.shape[-2:]))
        return self.weight * pictures[:, 0]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 90), st.integers(1, 90))
def test_tiles_put_every_pixel_in_its_place(height, width):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    model = Red()
    logits = predict_image(model, image, tile=32)
    np.testing.assert_allclose(logits.numpy() * 255, image[..., 0], atol=1e-4)
    assert max(max(size) for size in model.sizes) <= 32


@given(st.integers(1, 5000), st.integers(256, 2048))
def test_tiles_cover_a_side_without_gap_or_border_effects(side, tile):
    used = 0
    for start, first, last, end in _tiles(side, tile):
        assert start <= first <= used < last <= end <= side
        assert end - start <= tile
        assert first == 0 or first - start >= tile // 8
        assert last == side or end - last >= tile // 8
        used = last
    assert used == side


def test_an_image_that_fits_is_predicted_at_once():
    model = Red()
    predict_image(model, np.zeros((32, 20, 3), np.uint8), tile=32)
    assert model.sizes == [(32, 20)]

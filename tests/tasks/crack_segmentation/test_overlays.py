import io

import numpy as np
import pytest
from PIL import Image

from neurorun.tasks.crack_segmentation.overlays import FALSE, HIT, MISSED, draw_overlay

pytestmark = pytest.mark.unit


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def near(colour, other):
    return np.abs(np.asarray(colour) - np.asarray(other)).max() <= 12


def test_hits_misses_and_false_pixels_have_their_colours():
    image = np.full((20, 30, 3), 130, np.uint8)
    reference, predicted = np.zeros((2, 20, 30), bool)
    reference[0:10, 0:10] = predicted[0:10, 5:15] = True
    picture = opened(draw_overlay(image, reference, predicted))
    assert picture.shape == (20, 66, 3)
    right = picture[:, 36:]
    assert near(right[5, 7], HIT)
    assert near(right[5, 2], MISSED)
    assert near(right[5, 12], FALSE)
    assert near(right[15, 20], (130, 130, 130))
    assert near(picture[5, 7], (130, 130, 130))


def test_a_large_noisy_image_becomes_a_small_file():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (900, 600, 3), np.uint8)
    mask = rng.random((900, 600)) < 0.1
    png = draw_overlay(image, mask, mask)
    assert opened(png).shape == (256, 2 * 171 + 6, 3)
    assert len(png) < 90_000


def test_the_same_image_gives_the_same_bytes():
    image, mask = np.zeros((8, 8, 3), np.uint8), np.eye(8, dtype=bool)
    assert draw_overlay(image, mask, mask) == draw_overlay(image, mask, mask)

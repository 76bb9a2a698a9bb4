import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.data import Pixels
from neurorun.tasks.crack_segmentation import AugmentationConfig, cut_square
from neurorun.tasks.crack_segmentation.augmentation import NO_AUGMENTATION

pytestmark = pytest.mark.unit

GEOMETRY = AugmentationConfig(brightness=0, contrast=0, colour=0, noise=0)


def drawn(height, width, *, seed=0, share=0.3):
    """An image that shows its own mask: white where marked, else black."""
    mask = np.random.default_rng(seed).random((height, width)) < share
    return Pixels(np.repeat(np.where(mask, 255, 0).astype(np.uint8)[..., None], 3, 2), mask)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(8, 40),
    st.integers(8, 40),
    st.sampled_from([8, 16, 31]),
    st.floats(0, 180),
    st.floats(1, 3),
)
def test_image_and_mask_are_changed_exactly_alike(seed, height, width, size, rotation, scale):
    config = GEOMETRY.model_copy(update={"rotation_deg": rotation, "scale": scale})
    colours, mask = cut_square(drawn(height, width), size, config, np.random.default_rng(seed))
    assert colours.shape == (3, size, size)
    for colour in colours:
        np.testing.assert_array_equal(colour >= 0.5, mask == 1)
    assert set(np.unique(mask)) <= {0.0, 1.0}


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_unchanged_squares_are_pieces_of_the_image(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (20, 26, 3), np.uint8)
    pixels = Pixels(image, rng.random((20, 26)) < 0.5)
    colours, mask = cut_square(pixels, 8, NO_AUGMENTATION, rng)
    levels = np.rint(colours * 255).astype(np.uint8).transpose(1, 2, 0)
    np.testing.assert_allclose(colours * 255, levels.transpose(2, 0, 1), atol=0.02)
    places = [
        (y, x)
        for y in range(13)
        for x in range(19)
        if np.array_equal(image[y : y + 8, x : x + 8], levels)
    ]
    ((y, x),) = places
    np.testing.assert_array_equal(mask == 1, pixels.mask[y : y + 8, x : x + 8])


def test_squares_come_from_everywhere_in_the_image():
    pixels = drawn(10, 12)
    pixels.image[..., 0] = np.arange(12)[None]
    pixels.image[..., 1] = np.arange(10)[:, None]
    corners = set()
    for seed in range(300):
        colours, _ = cut_square(pixels, 8, NO_AUGMENTATION, np.random.default_rng(seed))
        corners.add(tuple(np.rint(colours[:2, 0, 0] * 255).astype(int).tolist()))
    assert corners == {(x, y) for x in range(5) for y in range(3)}


def test_a_small_image_goes_on_mirrored():
    pixels = drawn(5, 6, share=0.5)
    _, mask = cut_square(pixels, 11, NO_AUGMENTATION, np.random.default_rng(0))
    twice = np.hstack([pixels.mask, pixels.mask[:, ::-1]])
    wide = np.hstack([pixels.mask[:, ::-1], twice])
    tall = np.vstack([wide[::-1], wide, wide[::-1]])
    places = [
        (y, x)
        for y in range(tall.shape[0] - 10)
        for x in range(tall.shape[1] - 10)
        if np.array_equal(tall[y : y + 11, x : x + 11], mask == 1)
    ]
    assert places


@pytest.mark.parametrize("size", [16, 32])
def test_the_same_generator_gives_the_same_square(size):
    first, second = (
        cut_square(drawn(40, 50), size, AugmentationConfig(), np.random.default_rng(7))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_as_many_numbers_are_drawn_whatever_the_settings_are():
    after = set()
    for config in (AugmentationConfig(), NO_AUGMENTATION, GEOMETRY):
        rng = np.random.default_rng(5)
        cut_square(drawn(40, 50), 16, config, rng)
        after.add(rng.random())
    assert len(after) == 1


def test_flips_and_turns_give_the_eight_faces_of_a_square():
    config = NO_AUGMENTATION.model_copy(update={"flip": True, "quarter_turns": True})
    pixels = drawn(9, 9, seed=4)
    faces = {
        cut_square(pixels, 9, config, np.random.default_rng(seed))[1].tobytes()
        for seed in range(200)
    }
    turned = [np.rot90(face, k) for face in (pixels.mask, pixels.mask.T) for k in range(4)]
    assert faces == {np.ascontiguousarray(face, dtype=np.float32).tobytes() for face in turned}


@pytest.mark.parametrize(
    ("field", "strength"), [("brightness", 0.3), ("contrast", 0.5), ("colour", 0.4), ("noise", 0.2)]
)
def test_light_changes_colours_and_never_the_mask(field, strength):
    pixels = drawn(20, 20)
    grey = Pixels(np.full((20, 20, 3), 128, np.uint8), pixels.mask)
    grey.image[::2] = 90
    config = NO_AUGMENTATION.model_copy(update={field: strength})
    plain = cut_square(grey, 8, NO_AUGMENTATION, np.random.default_rng(2))
    relit = cut_square(grey, 8, config, np.random.default_rng(2))
    np.testing.assert_array_equal(plain[1], relit[1])
    assert 0.001 < np.abs(plain[0] - relit[0]).max() <= 1
    assert relit[0].min() >= 0
    assert relit[0].max() <= 1

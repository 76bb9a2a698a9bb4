import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from neurorun.core import FormatError
from neurorun.data import read_image, read_mask
from neurorun.data.images import reading

pytestmark = pytest.mark.unit

GREY = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
TRUTH = GREY == 1
RAMP = np.array([[0, 60, 127], [128, 200, 255]], np.uint8)


def as_colours(grey):
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("array", "mode", "marked"),
    [
        pytest.param(GREY, None, TRUTH, id="0-and-1"),
        pytest.param(GREY * 255, None, TRUTH, id="0-and-255"),
        pytest.param(GREY * 255, "1", TRUTH, id="one-bit"),
        pytest.param(GREY * 255, "P", TRUTH, id="grey-palette"),
        pytest.param(GREY * 255, "LA", TRUTH, id="grey-with-alpha"),
        pytest.param(as_colours(GREY * 255), None, TRUTH, id="colours-that-are-grey"),
        pytest.param(as_colours(GREY), None, TRUTH, id="colours-of-0-and-1"),
        pytest.param(RAMP, None, RAMP >= 128, id="anti-aliased"),
        pytest.param(np.zeros((2, 3), np.uint8), None, np.zeros((2, 3), bool), id="empty"),
        pytest.param(np.full((2, 3), 255, np.uint8), None, np.ones((2, 3), bool), id="full"),
    ],
)
def test_masks_are_recognized(put, array, mode, marked):
    np.testing.assert_array_equal(read_mask(put("mask.png", array, mode)), marked)


def test_a_coloured_palette_is_read_by_its_places(tmp_path):
    picture = Image.fromarray(GREY, "L").convert("P")
    picture.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
    picture.putdata(GREY.ravel().tolist())
    picture.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), TRUTH)


@pytest.mark.parametrize(
    ("rule", "marked"), [("nonzero", RAMP > 0), ("half", RAMP >= 128), ("auto", RAMP >= 128)]
)
def test_the_rule_says_which_grey_is_marked(put, rule, marked):
    np.testing.assert_array_equal(read_mask(put("mask.png", RAMP), rule), marked)


def test_half_marks_nothing_where_there_is_only_0_and_1(put):
    assert not read_mask(put("mask.png", GREY), "half").any()


def test_values_that_no_rule_decides_are_refused_until_a_rule_is_given(put):
    path = put("mask.png", GREY * 2)
    with pytest.raises(FormatError, match=r"'mask.png' holds values up to 2; 0 and 1, or .* Set"):
        read_mask(path)
    np.testing.assert_array_equal(read_mask(path, "nonzero"), TRUTH)


def test_a_mask_in_colours_is_refused(put):
    colours = as_colours(GREY)
    colours[..., 0] *= 200
    with pytest.raises(FormatError, match=r"'mask.png' is in colours; .* Store it as grey"):
        read_mask(put("mask.png", colours))


@pytest.mark.parametrize(
    ("array", "mode"),
    [(RAMP, None), (as_colours(RAMP), None), (as_colours(RAMP), "RGBA"), (RAMP, "P")],
)
def test_images_of_all_kinds_become_three_colours(put, array, mode):
    np.testing.assert_array_equal(read_image(put("image.png", array, mode)), as_colours(RAMP))


def test_image_and_mask_are_turned_as_the_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    Image.fromarray(GREY * 255).save(tmp_path / "mask.png", exif=exif)
    Image.fromarray(as_colours(RAMP)).save(tmp_path / "image.png", exif=exif)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), np.rot90(TRUTH, -1))
    np.testing.assert_array_equal(
        read_image(tmp_path / "image.png"), as_colours(np.rot90(RAMP, -1))
    )


def test_sixteen_bits_are_refused(put):
    path = put("image.png", np.full((4, 4), 40_000, np.uint16))
    for read in (read_image, read_mask):
        with pytest.raises(FormatError, match=r"'image.png' is of the kind I;16; eight bits"):
            read(path)


def test_a_file_of_several_pictures_is_refused(tmp_path):
    first = Image.fromarray(GREY)
    first.save(tmp_path / "two.tif", save_all=True, append_images=[first])
    with pytest.raises(FormatError, match=r"'two.tif' holds 2 pictures; one is needed"):
        read_image(tmp_path / "two.tif")


def test_a_huge_picture_is_refused_before_it_is_decoded(put, monkeypatch):
    monkeypatch.setattr(reading, "MOST_PIXELS", 5)
    with pytest.raises(FormatError, match=r"has 3 x 2 pixels, more than 5; cut it up"):
        read_image(put("image.png", RAMP))


def test_a_decompression_bomb_is_a_format_error(put, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2)
    with pytest.raises(FormatError, match=r"is no readable picture .*decompression bomb"):
        read_image(put("image.png", RAMP))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"'image.png' is no readable picture .*restore it"):
        read_image(path)


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_are_read_or_refused_never_a_crash(tmp_path, ending, data):
    path = tmp_path / f"image.{ending}"
    grain = np.random.default_rng(0).integers(0, 255, (9, 11, 3), np.uint8)
    Image.fromarray(grain).save(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    for read in (read_image, read_mask):
        with contextlib.suppress(FormatError):
            assert read(path).size

import logging
import re

import numpy as np
import pytest
from PIL import Image

from neurorun.core import DataError
from neurorun.data import ImageCorpus, ImageDataConfig

pytestmark = pytest.mark.unit


def corpus_of(path, **settings):
    return ImageCorpus.find(ImageDataConfig(data_dir=path, **settings))


def test_an_image_is_told_with_its_size_its_marks_and_its_content(tmp_path, put_pair):
    mask = np.zeros((12, 10), bool)
    mask[3, 2:6] = True
    put_pair("a", mask=mask)
    (image,) = corpus_of(tmp_path).images
    assert (image.name, image.height, image.width, image.n_positive) == ("a", 12, 10, 4)
    np.testing.assert_array_equal(corpus_of(tmp_path).pixels("a").mask, mask)


def test_one_bad_pair_never_stops_the_others(tmp_path, put, put_pair, caplog):
    for number in range(3):
        put_pair(f"good{number}", seed=number)
    put("images/no_mask.png", np.zeros((4, 4, 3), np.uint8))
    put("images/sizes.png", np.zeros((4, 6, 3), np.uint8))
    put("masks/sizes.png", np.zeros((4, 4), np.uint8))
    put("images/values.png", np.zeros((4, 4, 3), np.uint8))
    put("masks/values.png", np.full((4, 4), 7, np.uint8))
    put_pair("torn")
    torn = tmp_path / "images/torn.png"
    torn.write_bytes(torn.read_bytes()[:60])
    with caplog.at_level(logging.WARNING):
        corpus = corpus_of(tmp_path)
    assert [image.name for image in corpus.images] == ["good0", "good1", "good2"]
    reasons = {one.name: one.reason for one in corpus.left_out}
    assert list(reasons) == ["no_mask", "sizes", "torn", "values"]
    assert reasons["sizes"] == (
        "The image has 6 x 4 pixels and its mask 4 x 4; both must be equal. Cut or scale one of "
        "them."
    )
    assert "values up to 7" in reasons["values"]
    assert "is no readable picture" in reasons["torn"]
    assert "4 of 7 images are left out" in caplog.text


def test_a_corpus_of_bad_pairs_alone_is_refused_with_reasons(tmp_path, put):
    put("images/a.png", np.zeros((4, 6, 3), np.uint8))
    put("masks/a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"None of 1 images in .* can be used\. a: The image has"):
        corpus_of(tmp_path)


def test_turned_files_are_compared_as_they_are_seen(tmp_path, put_pair):
    put_pair("a", size=(12, 10))
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tmp_path / "images/a.png") as picture:
        picture.load()
    picture.save(tmp_path / "images/a.png", exif=exif)
    with pytest.raises(DataError, match=r"The image has 12 x 10 pixels and its mask 10 x 12"):
        corpus_of(tmp_path)


def test_copies_have_one_content_and_one_split(tmp_path, put_pair):
    for number in range(20):
        put_pair(f"{number:02}", seed=number)
        put_pair(f"copy{number:02}", seed=number)
    corpus = corpus_of(tmp_path)
    assert len({image.content for image in corpus.images}) == 20
    splits = corpus.splits(ImageDataConfig())
    for part in (splits.train, splits.validation, splits.test):
        assert {f"copy{name}" for name in part if "copy" not in name} <= set(part)


def test_the_fingerprint_changes_with_pixels_and_with_masks(tmp_path, put_pair):
    put_pair("a", seed=1)
    first = corpus_of(tmp_path).fingerprint
    assert corpus_of(tmp_path).fingerprint == first
    put_pair("a", seed=1, mask=np.zeros((12, 10), bool))
    second = corpus_of(tmp_path).fingerprint
    put_pair("a", seed=2, mask=np.zeros((12, 10), bool))
    assert len({first, second, corpus_of(tmp_path).fingerprint}) == 3


def test_images_beyond_the_memory_limit_are_read_again(tmp_path, put_pair, monkeypatch):
    for number in range(3):
        put_pair(f"{number}", size=(600, 700), seed=number)
    corpus = corpus_of(tmp_path, memory_mb=2)
    first = corpus.pixels("0").image.copy()
    assert corpus._store.n_bytes <= 2 << 20
    np.testing.assert_array_equal(corpus.pixels("0").image, first)


def test_an_image_that_was_damaged_afterwards_is_named(tmp_path, put_pair):
    put_pair("0", size=(700, 700))
    corpus = corpus_of(tmp_path, memory_mb=1)
    (tmp_path / "images/0.png").write_bytes(b"gone")
    with pytest.raises(DataError, match=re.escape("'0.png' is no readable picture")):
        corpus.pixels("0")


def test_images_of_names_come_in_the_order_of_the_corpus(tmp_path, put_pair):
    for number in range(3):
        put_pair(f"{number}", seed=number)
    chosen = corpus_of(tmp_path).chosen(("2", "0"))
    assert [image.name for image in chosen] == ["0", "2"]

import re

import pytest

from neurorun.core import DataError
from neurorun.data import find_image_pairs

pytestmark = pytest.mark.unit


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_images_and_masks_are_paired_by_stem_whatever_their_endings(tmp_path):
    touch(tmp_path, "images/b.JPG", "images/a.png", "masks/a.png", "masks/b.bmp")
    found = find_image_pairs(tmp_path)
    assert [pair.name for pair in found.pairs] == ["a", "b"]
    assert [pair.mask.name for pair in found.pairs] == ["a.png", "b.bmp"]
    assert found.pairs[0].folder == ""
    assert found.left_out == ()


def test_a_corpus_may_be_a_folder_of_such_folders(tmp_path):
    touch(tmp_path, "x/images/a.png", "x/masks/a.png", "deep/y/images/a.png", "deep/y/masks/a.png")
    touch(tmp_path, "x/other/images/z.png", ".hidden/images/a.png", ".hidden/masks/a.png")
    found = find_image_pairs(tmp_path)
    assert [(pair.name, pair.folder) for pair in found.pairs] == [
        ("deep/y/a", "deep/y"),
        ("x/a", "x"),
    ]


def test_hidden_and_foreign_files_are_not_looked_at(tmp_path):
    touch(tmp_path, "images/a.png", "masks/a.png", "images/._a.png", "images/Thumbs.db")
    touch(tmp_path, "masks/readme.txt")
    found = find_image_pairs(tmp_path)
    assert ([pair.name for pair in found.pairs], found.left_out) == (["a"], ())


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["images/b.png"], "There is an image, but no mask of this name."),
        (["masks/b.png"], "There is a mask, but no image of this name."),
        (
            ["images/b.png", "images/b.jpg", "masks/b.png"],
            "2 image files have this name: b.jpg, b.png; one is needed.",
        ),
        (
            ["images/b.png", "masks/b.tif", "masks/b.png"],
            "2 mask files have this name: b.png, b.tif; one is needed.",
        ),
    ],
)
def test_what_makes_no_pair_is_left_out_with_the_reason(tmp_path, files, reason):
    touch(tmp_path, "images/a.png", "masks/a.png", *files)
    found = find_image_pairs(tmp_path)
    assert [pair.name for pair in found.pairs] == ["a"]
    assert [(one.name, one.reason) for one in found.left_out] == [("b", reason)]


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    touch(tmp_path, "file")
    for path in (tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(DataError, match=r"which is no folder; check the path"):
            find_image_pairs(path)


@pytest.mark.parametrize("files", [[], ["images/a.png"], ["images/a.txt", "masks/a.txt"]])
def test_a_folder_without_the_layout_or_without_pictures_is_refused(tmp_path, files):
    touch(tmp_path, *files)
    with pytest.raises(DataError, match=re.escape(f"'{tmp_path}' holds no images; a folder")):
        find_image_pairs(tmp_path)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import ConfigError, DataError
from neurorun.data import ImageSplitConfig, divide_images

pytestmark = pytest.mark.unit


def divide(contents, folders=None, **settings):
    folders = folders or dict.fromkeys(contents, "")
    return divide_images(contents, folders, ImageSplitConfig(**settings))


def numbered(n, prefix=""):
    return {f"{prefix}{i}": f"{prefix}content{i}" for i in range(n)}


def test_each_folder_is_divided_for_itself():
    contents = numbered(40, "a/") | numbered(8, "b/") | numbered(10, "c/")
    folders = {name: name.split("/")[0] for name in contents}
    splits = divide(contents, folders)
    counts = [
        [sum(n.startswith(f) for n in splits.of(s)) for f in "abc"]
        for s in ("train", "validation", "test")
    ]
    assert counts == [[28, 5, 7], [6, 1, 1], [6, 2, 2]]


@given(st.integers(20, 300), st.integers(0, 5))
def test_every_image_lies_in_exactly_one_split_of_the_stated_size(n, seed):
    splits = divide(numbered(n), split_seed=seed)
    parts = [splits.train, splits.validation, splits.test]
    assert sorted(name for part in parts for name in part) == sorted(numbered(n))
    assert len(splits.train) == 70 * n // 100
    assert len(splits.validation) == 15 * n // 100


def test_names_and_order_play_no_part():
    contents = numbered(30)
    renamed = {f"new-{name}": content for name, content in reversed(contents.items())}
    before, after = divide(contents), divide(renamed)
    assert after.test == tuple(f"new-{name}" for name in before.test)


def test_another_seed_divides_otherwise():
    assert divide(numbered(30)).fingerprint != divide(numbered(30), split_seed=1).fingerprint


def test_equal_images_are_never_divided_whatever_folders_they_lie_in():
    contents = numbered(30, "a/") | {f"b/{i}": f"a/content{i}" for i in range(30)}
    contents |= {f"b/x{i}": f"x{i}" for i in range(10)}
    folders = {name: name.split("/")[0] for name in contents}
    splits = divide(contents, folders)
    for part in (splits.train, splits.validation, splits.test):
        assert {f"b/{name[2:]}" for name in part if name.startswith("a/")} == {
            name for name in part if name.startswith("b/") and "x" not in name
        }


def test_without_a_test_split_the_rest_is_trained_on():
    splits = divide(numbered(21), test_split=0.0)
    assert (len(splits.train), len(splits.validation), splits.test) == (18, 3, ())


@pytest.mark.parametrize("n", [1, 3, 6])
def test_an_empty_split_is_refused(n):
    with pytest.raises(DataError, match=rf"{n} different images in 1 folders leave none for .*val"):
        divide(numbered(n))


def test_shares_that_leave_nothing_are_refused():
    with pytest.raises((ConfigError, ValueError), match="leave nothing to train on"):
        ImageSplitConfig(validation_split=0.5, test_split=0.5)

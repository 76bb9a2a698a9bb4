"""The real images beside the repository, where they are; they are never part of the package."""

from pathlib import Path

import numpy as np
import pytest

from neurorun.data import ImageCorpus, ImageDataConfig, read_mask

DATA = Path(__file__).resolve().parents[3] / "../shared/data/crack_real"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real images are not here"),
]


@pytest.fixture(scope="module")
def corpus():
    return ImageCorpus.find(ImageDataConfig(data_dir=DATA))


def test_all_pairs_of_the_three_sets_are_read(corpus):
    assert corpus.left_out == ()
    sets = [image.pair.folder for image in corpus.images]
    assert {name: sets.count(name) for name in sorted(set(sets))} == {
        "cfd": 10,
        "sut": 8,
        "unified": 40,
    }


def test_crack_fractions_are_those_that_are_documented(corpus):
    shares = {image.name: image.n_positive / image.n_pixels for image in corpus.images}
    unified = [share for name, share in shares.items() if name.startswith("unified")]
    assert min(unified) > 0.004
    assert max(unified) < 0.54
    assert all(0.003 < share < 0.12 for name, share in shares.items() if name.startswith("sut"))


def test_masks_of_crackforest_are_its_ground_truth(corpus):
    io = pytest.importorskip("scipy.io")
    for path in sorted((DATA / "cfd/groundtruth_mat").glob("*.mat")):
        segmentation = io.loadmat(path)["groundTruth"]["Segmentation"][0, 0]
        np.testing.assert_array_equal(
            corpus.pixels(f"cfd/{path.stem}").mask, segmentation == 2, err_msg=path.stem
        )


def test_anti_aliased_masks_are_cut_at_half():
    path = DATA / "sut/masks/126.png"
    np.testing.assert_array_equal(read_mask(path, "auto"), read_mask(path, "half"))
    assert read_mask(path, "nonzero").sum() > read_mask(path, "half").sum()


def test_the_division_takes_from_every_set(corpus):
    splits = corpus.splits(ImageDataConfig())
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (40, 8, 10)
    for part in (splits.train, splits.validation, splits.test):
        assert {name.split("/")[0] for name in part} == {"cfd", "sut", "unified"}

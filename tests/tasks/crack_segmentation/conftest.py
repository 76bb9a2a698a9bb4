from pathlib import Path

import pytest

from neurorun.data import ImageCorpus, ImageDataConfig
from neurorun.simulation import CrackPlan, simulate_cracks


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Sixteen small simulated pavements of two sizes, two or so without a crack."""
    folder = tmp_path_factory.mktemp("cracks") / "pictures"
    simulate_cracks(folder, CrackPlan(n_images=16, height=40, width=56, seed=3))
    return folder


@pytest.fixture(scope="session")
def corpus(pictures) -> ImageCorpus:
    return ImageCorpus.find(ImageDataConfig(data_dir=pictures))

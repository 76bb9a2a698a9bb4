from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def put(tmp_path):
    """Write an array as a picture below a temporary corpus and return its path."""

    def write(name: str, array: np.ndarray, mode: str | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(np.asarray(array))
        (picture.convert(mode) if mode else picture).save(path)
        return path

    return write


@pytest.fixture
def put_pair(put):
    """Write an image of random colours, or of given ones, and a mask of it."""

    def write(name: str, *, size=(12, 10), seed=0, mask=None, image=None, folder="") -> None:
        rng = np.random.default_rng(seed)
        colours = rng.integers(0, 255, (*size, 3), np.uint8) if image is None else image
        marked = rng.random(size) < 0.2 if mask is None else mask
        place = f"{folder}/" if folder else ""
        put(f"{place}images/{name}.png", colours)
        put(f"{place}masks/{name}.png", np.where(marked, 255, 0).astype(np.uint8))

    return write

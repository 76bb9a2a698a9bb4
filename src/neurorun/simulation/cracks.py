"""Simulated pictures of pavements with cracks, and the masks of these cracks.

A pavement is grain of several sizes under uneven light, with stains and lines of paint; a crack is
a walk from border to border that keeps its heading for a while, darker than its surroundings and of
changing width. Picture *i* is drawn from ``(seed, i)`` alone. Easy by intent: a network learns it
in minutes, and what it learns is not to be believed of real pavements.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from pydantic import Field

from neurorun.core import SILENT, Config, DataError, Progress, atomic_write, require, write_json

CRACKS_FORMAT = "neurorun-simulated-cracks"
CRACKS_FORMAT_VERSION = 1
CRACKS_FILE = "cracks.json"

_STEP_PX = 0.7
_MOST_STEPS = 4000


class CrackPlan(Config):
    """Which pictures are simulated; equal plans give equal files."""

    n_images: int = Field(default=40, ge=1, le=100_000)
    """Pictures, each with a mask."""
    height: int = Field(default=160, ge=16, le=4096)
    """Height of every other picture; the others lie on their side."""
    width: int = Field(default=224, ge=16, le=4096)
    """Width of every other picture."""
    without_cracks: float = Field(default=0.1, ge=0, lt=1)
    """Share of pictures with nothing to find."""
    seed: int = Field(default=42, ge=0)
    """The number from which everything follows."""


def simulate_cracks(folder: Path, plan: CrackPlan, *, progress: Progress = SILENT) -> None:
    """Write pictures and masks into a new folder: ``images/0000.png``, ``masks/0000.png``.

    Raises
    ------
    DataError : the folder is there already
    MissingExtraError : pillow is not installed
    """
    pictures = require("PIL.Image", extra="segmentation")
    if folder.exists():
        raise DataError(f"'{folder}' is there already; delete it, or choose another folder.")
    with progress.phase("Simulating pictures", plan.n_images) as advance:
        for number in range(plan.n_images):
            image, mask = simulate_crack(plan, number)
            name = f"{number:04}.png"
            _write(folder / "images" / name, pictures.fromarray(image))
            grey = np.where(mask, 255, 0).astype(np.uint8)
            _write(folder / "masks" / name, pictures.fromarray(grey))
            advance()
    write_json(
        folder / CRACKS_FILE,
        {
            "format": CRACKS_FORMAT,
            "format_version": CRACKS_FORMAT_VERSION,
            "plan": plan.model_dump(mode="json"),
        },
    )


def _write(path: Path, picture: Any) -> None:
    with atomic_write(path) as stream:
        picture.save(stream, "PNG")


def simulate_crack(
    plan: CrackPlan, number: int
) -> tuple[UInt8[np.ndarray, "height width 3"], Bool[np.ndarray, "height width"]]:
    """One picture and its mask.

    Parameters
    ----------
    number : >= 0; not limited by the number of pictures of the plan

    Examples
    --------
    >>> image, mask = simulate_crack(CrackPlan(without_cracks=0), 0)
    >>> image.shape, bool(0 < mask.mean() < 0.3)
    ((160, 224, 3), True)
    """
    rng = np.random.default_rng([plan.seed, number])
    shape = (plan.height, plan.width) if number % 2 == 0 else (plan.width, plan.height)
    grey = _pavement(shape, rng)
    n_cracks = 0 if rng.random() < plan.without_cracks else int(rng.integers(1, 4))
    mask = np.zeros(shape, np.bool_)
    for _ in range(n_cracks):
        crack = _crack(shape, rng)
        grey -= rng.uniform(0.18, 0.4) * _smooth(crack.astype(np.float32), 0.6)
        mask |= crack
    tint = rng.uniform(0.92, 1.05, 3).astype(np.float32)
    colours = grey[..., None] * tint + rng.normal(0, 0.01, (*shape, 3)).astype(np.float32)
    return (colours.clip(0, 1) * 255).round().astype(np.uint8), mask


def _pavement(
    shape: tuple[int, int], rng: np.random.Generator
) -> Float32[np.ndarray, "height width"]:
    """Grey of 0 to 1: light, grain, stains, and in some pictures a line of paint."""
    grey = np.full(shape, rng.uniform(0.45, 0.7), np.float32)
    for radius_px, strength in ((60.0, 0.06), (8.0, 0.03), (2.0, 0.04), (0.7, 0.06)):
        grey += strength * _noise(shape, radius_px, rng)
    grey -= rng.uniform(0, 0.12) * (_noise(shape, 15.0, rng) > 1.6)
    if rng.random() < 0.3:
        distance = _distance_to_line(shape, rng)
        grey += 0.25 * (np.abs(distance) < rng.uniform(3, 8))
    return grey.astype(np.float32)


def _noise(
    shape: tuple[int, int], radius_px: float, rng: np.random.Generator
) -> Float32[np.ndarray, "height width"]:
    """Smooth noise with mean 0 and deviation 1."""
    field = _smooth(rng.standard_normal(shape, np.float32), radius_px)
    standardized: np.ndarray = (field - field.mean()) / field.std()
    return standardized


def _smooth(
    field: Float32[np.ndarray, "height width"], radius_px: float
) -> Float32[np.ndarray, "height width"]:
    from scipy.ndimage import gaussian_filter

    smooth: np.ndarray = gaussian_filter(field, radius_px, mode="wrap")
    return smooth


def _distance_to_line(
    shape: tuple[int, int], rng: np.random.Generator
) -> Float64[np.ndarray, "height width"]:
    """Signed distance of every pixel to a straight line through the picture."""
    rows, columns = np.indices(shape)
    angle = rng.uniform(0, math.pi)
    middle = rng.uniform(0.2, 0.8, 2) * shape
    distance: np.ndarray = (rows - middle[0]) * math.cos(angle) + (columns - middle[1]) * math.sin(
        angle
    )
    return distance


def _crack(shape: tuple[int, int], rng: np.random.Generator) -> Bool[np.ndarray, "height width"]:
    """Pixels of one crack, at most five wide."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = _walk(shape, rng)
    line = np.zeros(shape, np.bool_)
    line[rows, columns] = True
    width_px = rng.uniform(1.5, 4.0) + 0.7 * _noise(shape, 10.0, rng)
    crack: np.ndarray = line | (distance_transform_edt(~line) <= width_px.clip(1, 5) / 2)
    return crack


def _walk(shape: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a walk that begins at a border and ends at one."""
    height, width = shape
    starts = ((rng.uniform(0, height), 0.0, 0.0), (0.0, rng.uniform(0, width), math.pi / 2))
    row, column, heading = starts[int(rng.integers(2))]
    turn = 0.0
    places: list[tuple[int, int]] = []
    while 0 <= row < height and 0 <= column < width and len(places) < _MOST_STEPS:
        places.append((int(row), int(column)))
        turn = 0.9 * turn + 0.06 * float(rng.standard_normal())
        wandering = heading + 0.8 * math.sin(turn) + 0.5 * float(rng.standard_normal())
        heading += 0.08 * turn
        row += _STEP_PX * math.sin(wandering)
        column += _STEP_PX * math.cos(wandering)
    found = np.array(places, np.int64)
    return found[:, 0], found[:, 1]

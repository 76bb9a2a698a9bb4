"""Cut squares out of images, turned, scaled and relit at random.

Image and mask are sampled as four channels of one tensor in one step, so whatever happens to the
one happens to the other. Everything is drawn from a generator that belongs to the example alone.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float32
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from neurorun.core import Config
from neurorun.data import Pixels


class AugmentationConfig(Config):
    """How training squares differ from what lies in the files; 0 and false leave them as are."""

    flip: bool = True
    """Mirror half of the squares."""
    quarter_turns: bool = True
    """Turn by a multiple of 90 degrees."""
    rotation_deg: float = Field(default=20.0, ge=0, le=180)
    """Largest further turn, either way."""
    scale: float = Field(default=1.3, ge=1, le=4)
    """Largest factor by which a square is enlarged or reduced; 1 keeps the scale."""
    brightness: float = Field(default=0.15, ge=0, le=1)
    """Largest change of brightness, as a share of the range from black to white."""
    contrast: float = Field(default=0.3, ge=0, lt=1)
    """Largest relative change of contrast."""
    colour: float = Field(default=0.05, ge=0, lt=1)
    """Largest relative change of each colour by itself."""
    noise: float = Field(default=0.02, ge=0, le=1)
    """Largest standard deviation of noise, as a share of the range from black to white."""


NO_AUGMENTATION = AugmentationConfig(
    flip=False,
    quarter_turns=False,
    rotation_deg=0,
    scale=1,
    brightness=0,
    contrast=0,
    colour=0,
    noise=0,
)
"""Squares as they are, from random places."""


def cut_square(
    pixels: Pixels, size: int, config: AugmentationConfig, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "3 size size"], Float32[np.ndarray, "size size"]]:
    """Cut a square from a random place, changed as the settings say.

    Where the square reaches beyond the image, the image goes on mirrored. The mask is sampled as
    the colours are, and marked where at least half of a pixel is.

    Parameters
    ----------
    pixels : image and mask of any size
    size : side of the square
    rng : belongs to this example; as many numbers are drawn from it whatever the settings are

    Returns
    -------
    Colours in 0 to 1, and the mask as 0 and 1.
    """
    place = rng.random(2)
    turns, flips = int(rng.integers(4)), bool(rng.integers(2))
    angle, zoom, brightness, contrast = rng.uniform(-1, 1, 4).tolist()
    gains, noise = rng.uniform(-1, 1, 3), float(rng.random())
    scale = config.scale**zoom
    radians = math.radians(config.rotation_deg * angle) + turns * config.quarter_turns * math.pi / 2
    turn = torch.tensor(
        [[math.cos(radians), -math.sin(radians)], [math.sin(radians), math.cos(radians)]]
    )
    if config.flip and flips:
        turn = turn * torch.tensor([-1.0, 1.0])
    square = _sampled(pixels, size, place=place, matrix=scale * turn)
    colours = _relit(
        square[:3],
        brightness=config.brightness * brightness,
        contrast=1 + config.contrast * contrast,
        gains=torch.from_numpy(1 + config.colour * gains).float(),
    )
    grain = rng.standard_normal(tuple(colours.shape), np.float32)
    colours = (colours + config.noise * noise * torch.from_numpy(grain)).clamp_(0, 1)
    return colours.numpy(), (square[3] >= 0.5).float().numpy()


def _sampled(
    pixels: Pixels, size: int, *, place: np.ndarray, matrix: Float[Tensor, "2 2"]
) -> Float[Tensor, "4 size size"]:
    """Colours and mask where the grid of the square falls on the image.

    The grid is ``centre + matrix @ offset``; with the unit matrix it falls on whole pixels.
    """
    height, width = pixels.mask.shape
    zoom = float(torch.linalg.matrix_norm(matrix, 2))
    reach = round(size * zoom)
    centre = [
        _first(side, reach, share) + reach / 2
        for side, share in zip((width, height), place.tolist(), strict=True)
    ]
    left, top, right, bottom = _box(centre, reach, width=width, height=height)
    four = torch.from_numpy(
        np.concatenate(
            [
                pixels.image[top:bottom, left:right],
                np.where(pixels.mask[top:bottom, left:right, None], 255, 0).astype(np.uint8),
            ],
            axis=2,
        )
    )
    offsets = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    grid = torch.stack(torch.meshgrid(offsets, offsets, indexing="xy"), dim=-1) @ matrix.T
    grid = grid + torch.tensor([centre[0] - left, centre[1] - top])
    grid = 2 * grid / torch.tensor([right - left, bottom - top]) - 1
    source = four.permute(2, 0, 1)[None].float() / 255
    sampled = functional.grid_sample(
        source, grid[None], mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return sampled[0]


def _first(side: int, reach: int, share: float) -> int:
    """First pixel of the square along one side; negative if the image is too small for it."""
    room = side - reach
    return math.floor(share * (room + 1)) if room >= 0 else room // 2


def _box(centre: list[float], reach: int, *, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of the image that a turned square can touch, the mirrored part counted in."""
    radius = reach * math.sqrt(0.5) + 2
    left, top = (max(0, math.floor(middle - radius)) for middle in centre)
    right = min(width, math.ceil(centre[0] + radius))
    bottom = min(height, math.ceil(centre[1] + radius))
    return left, top, right, bottom


def _relit(
    colours: Float[Tensor, "3 height width"],
    *,
    brightness: float,
    contrast: float,
    gains: Float[Tensor, " 3"],
) -> Float[Tensor, "3 height width"]:
    """Change contrast about the mean, then brightness, then each colour."""
    mean = colours.mean()
    return ((colours - mean) * contrast + mean + brightness) * gains[:, None, None]

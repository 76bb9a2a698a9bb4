"""Pictures of what was hit, missed and wrongly marked, small enough for a report."""

import io
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from neurorun.core import require

HIT, MISSED, FALSE = (0, 158, 115), (230, 97, 0), (148, 80, 220)
"""Green, orange and violet: told apart by most people with impaired colour vision, too."""

LONGEST_PX = 256
_GAP_PX = 6
_N_GREYS = 28
_N_BLENDS = 4


def draw_overlay(
    image: UInt8[np.ndarray, "height width 3"],
    reference: Bool[np.ndarray, "height width"],
    predicted: Bool[np.ndarray, "height width"],
) -> bytes:
    """Draw an image in grey, beside it the same with hits, misses and false pixels in colours.

    Returns
    -------
    A PNG file with few colours, both pictures at most `LONGEST_PX` high and wide.
    """
    pictures = require("PIL.Image", extra="segmentation")
    grey = np.asarray(pictures.fromarray(image).convert("L"))
    plain = np.repeat(grey[..., None], 3, axis=2)
    coloured = plain.copy()
    for colour, mask in (
        (HIT, reference & predicted),
        (MISSED, reference & ~predicted),
        (FALSE, predicted & ~reference),
    ):
        coloured[mask] = colour
    panels = [_shrunk(pictures.fromarray(panel)) for panel in (plain, coloured)]
    width, height = panels[0].size
    canvas = pictures.new("RGB", (2 * width + _GAP_PX, height), (255, 255, 255))
    canvas.paste(panels[0], (0, 0))
    canvas.paste(panels[1], (width + _GAP_PX, 0))
    few = canvas.quantize(palette=_palette(pictures), dither=pictures.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


def _shrunk(picture: Any) -> Any:
    width, height = picture.size
    factor = min(1.0, LONGEST_PX / max(width, height))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return picture if factor == 1.0 else picture.resize(size, resample=5, reducing_gap=None)


def _palette(pictures: Any) -> Any:
    """Greys, and each colour blended with three greys."""
    greys = np.linspace(0, 255, _N_GREYS)
    colours = [np.repeat(greys[:, None], 3, axis=1)]
    for colour in (HIT, MISSED, FALSE):
        for share in np.linspace(1, 0.4, _N_BLENDS):
            colours += [share * np.array([colour]) + (1 - share) * grey for grey in (60, 130, 200)]
    palette = pictures.new("P", (1, 1))
    palette.putpalette(np.concatenate(colours).round().astype(np.uint8).ravel().tolist())
    return palette

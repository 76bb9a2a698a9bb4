"""Predict whole images at their own size, large ones in tiles."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

_MARGIN_SHARE = 8


def predict_image(
    model: nn.Module, image: UInt8[np.ndarray, "height width 3"], *, tile: int
) -> Float[Tensor, "height width"]:
    """Logits of every pixel.

    Parameters
    ----------
    model : in evaluation mode, on its device
    tile : longest side that is predicted at once; of the tiles of a larger image the eighth at
        each inner border is not used, for there the network lacks surroundings
    """
    device = next(model.parameters()).device
    height, width = image.shape[:2]
    logits = torch.empty(height, width)
    for top, upper, lower, bottom in _tiles(height, tile):
        for left, first, last, right in _tiles(width, tile):
            part = image[top:bottom, left:right].transpose(2, 0, 1).copy()
            with torch.no_grad():
                found = model(torch.from_numpy(part)[None].to(device).float() / 255)[0]
            used = found[upper - top : lower - top, first - left : last - left]
            logits[upper:lower, first:last] = used.float().cpu()
    return logits


def _tiles(side: int, tile: int) -> Iterator[tuple[int, int, int, int]]:
    """Where each tile begins, where it is used from and up to, and where it ends."""
    if side <= tile:
        yield 0, 0, side, side
        return
    margin = tile // _MARGIN_SHARE
    starts = [*range(0, side - tile, tile - 2 * margin), side - tile]
    for start in starts:
        end = start + tile
        yield start, start + margin * (start > 0), end - margin * (end < side), end

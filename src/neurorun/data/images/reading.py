"""Read an image as eight-bit colours, and a mask as truth per pixel by a stated rule.

Both are turned as the camera says (EXIF), as every viewer does, so that they lie on each other.
"""

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, UInt8

from neurorun.core import FormatError, require

MaskValues = Literal["auto", "half", "nonzero"]

MOST_PIXELS = 100_000_000
"""Larger pictures are refused before they are decoded: 100 megapixels fill 400 MB."""

_HALF = 128
_GREY_TOLERANCE = 8
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Read a picture as red, green and blue.

    Grey becomes three equal colours, transparency is ignored, 16 bits are refused.

    Raises
    ------
    FormatError : it cannot be read, or is of a kind that we do not read
    MissingExtraError : pillow is not installed
    """
    return np.array(_decoded(path).convert("RGB"), dtype=np.uint8)


def read_mask(path: Path, values: MaskValues = "auto") -> Bool[np.ndarray, "height width"]:
    """Read which pixels are marked.

    Parameters
    ----------
    path : a grey picture, also one that is stored as colours, or one with a palette
    values : which grey is marked
        ``half`` : 128 and more. ``nonzero`` : everything but 0. ``auto`` : 1, if the picture holds
        only 0 and 1; 128 and more, if it holds any value from 128 on; anything else is refused.

    Raises
    ------
    FormatError : it cannot be read, is coloured, or holds values that the rule does not decide
    MissingExtraError : pillow is not installed
    """
    grey = _grey(_decoded(path), path)
    highest = int(grey.max())
    if values == "nonzero" or (values == "auto" and highest <= 1):
        return _at_least(grey, 1)
    if values == "half" or highest >= _HALF:
        return _at_least(grey, _HALF)
    raise FormatError(
        f"Mask '{path.name}' holds values up to {highest}; 0 and 1, or grey with 128 and more for "
        "what is marked, are known. Set data.mask_values to 'nonzero' or 'half'."
    )


def _at_least(
    grey: UInt8[np.ndarray, "height width"], lowest: int
) -> Bool[np.ndarray, "height width"]:
    marked: np.ndarray = grey >= lowest
    return marked


def _grey(picture: Any, path: Path) -> UInt8[np.ndarray, "height width"]:
    """Values of a picture; of a coloured palette the places in it."""
    if picture.mode in ("1", "L"):
        return np.array(picture, dtype=np.uint8)
    colours = np.array(picture.convert("RGB"), dtype=np.uint8)
    if np.ptp(colours, axis=2).max() <= _GREY_TOLERANCE:
        return np.ascontiguousarray(colours[..., 1])
    if picture.mode == "P":
        return np.array(picture, dtype=np.uint8)
    raise FormatError(
        f"Mask '{path.name}' is in colours; equal red, green and blue are needed. Store it as grey."
    )


def _decoded(path: Path) -> Any:
    """Decode a picture, whatever is wrong with it as one kind of error."""
    image_module = require("PIL.Image", extra="segmentation")
    operations = require("PIL.ImageOps", extra="segmentation")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with image_module.open(path) as picture:
                _check_kind(picture, path)
                turned: Any = operations.exif_transpose(picture)
                turned.load()
                return turned
    except (
        image_module.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        EOFError,
        OverflowError,
        struct.error,
        zlib.error,
    ) as error:
        told = str(error).replace(str(path), path.name)
        raise FormatError(f"'{path.name}' is no readable picture ({told}); restore it.") from error


def _check_kind(picture: Any, path: Path) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise FormatError(
            f"'{path.name}' has {width} x {height} pixels, more than {MOST_PIXELS:,}; cut it up."
        )
    if picture.mode not in _EIGHT_BIT_MODES:
        raise FormatError(
            f"'{path.name}' is of the kind {picture.mode}; eight bits per colour are read. "
            "Convert it."
        )
    n_frames = getattr(picture, "n_frames", 1)
    if n_frames > 1 and picture.format != "MPO":
        raise FormatError(f"'{path.name}' holds {n_frames} pictures; one is needed.")

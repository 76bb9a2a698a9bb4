"""A corpus of images and masks: looked through once, then read by place."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurorun.core import SILENT, DataError, FormatError, Progress, fingerprint_of
from neurorun.data.images.config import ImageDataConfig, ImageSplitConfig
from neurorun.data.images.division import ImageSplits, divide_images
from neurorun.data.images.pairs import ImagePair, LeftOutImage, find_image_pairs
from neurorun.data.images.reading import MaskValues, read_image, read_mask
from neurorun.data.images.store import Pixels, PixelStore

_log = logging.getLogger(__name__)
_MEGABYTE = 1 << 20
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class SurveyedImage:
    """An image that can be used, and what was found when it was read.

    Parameters
    ----------
    pair : its name and files
    height, width : pixels
    n_positive : pixels that are marked
    content : hash of the pixels of the image; equal for equal images
    mask_content : hash of what is marked
    """

    pair: ImagePair
    height: int
    width: int
    n_positive: int
    content: str
    mask_content: str

    @property
    def name(self) -> str:
        """Name of the pair."""
        return self.pair.name

    @property
    def n_pixels(self) -> int:
        """Pixels of the image."""
        return self.height * self.width


class ImageCorpus:
    """Images and masks that can be used, in the order of their names.

    Made by `find`.

    Parameters
    ----------
    images : what was found
    left_out : what cannot be used, and why
    store : where pixels are kept
    places : by name, the place of an image in the store
    """

    def __init__(
        self,
        images: Sequence[SurveyedImage],
        left_out: Sequence[LeftOutImage],
        *,
        store: PixelStore,
        places: Mapping[str, int],
    ) -> None:
        self.images, self.left_out = tuple(images), tuple(left_out)
        self._store, self._places = store, places

    @classmethod
    def find(cls, config: ImageDataConfig, *, progress: Progress = SILENT) -> "ImageCorpus":
        """Look through a folder: every pair is read once, what cannot be used is left out.

        Raises
        ------
        DataError : the folder holds no pair that can be used
        """
        found = find_image_pairs(config.data_dir)
        store = PixelStore(
            lambda place: _read_pair(found.pairs[place], config.mask_values),
            limit_bytes=config.memory_mb * _MEGABYTE,
        )
        images, left_out = [], list(found.left_out)
        with progress.phase("Reading images", len(found.pairs)) as advance:
            for place, pair in enumerate(found.pairs):
                try:
                    images.append(_surveyed(pair, store[place]))
                except FormatError as error:
                    left_out.append(LeftOutImage(pair.name, str(error)))
                advance()
        _tell(images, left_out, config.data_dir)
        places = {pair.name: place for place, pair in enumerate(found.pairs)}
        left_out.sort(key=lambda one: one.name)
        return cls(images, left_out, store=store, places=places)

    def pixels(self, name: str) -> Pixels:
        """Image and mask of a name, from memory or read again.

        Raises
        ------
        FormatError : the files were damaged since they were looked through
        """
        return self._store[self._places[name]]

    def splits(self, config: ImageSplitConfig) -> ImageSplits:
        """Divide the images.

        Raises
        ------
        DataError : a split that is asked for would be empty
        """
        return divide_images(
            {image.name: image.content for image in self.images},
            {image.name: image.pair.folder for image in self.images},
            config,
        )

    def chosen(self, names: Sequence[str]) -> tuple[SurveyedImage, ...]:
        """Images of these names, in the order of the corpus."""
        wanted = set(names)
        return tuple(image for image in self.images if image.name in wanted)

    @property
    def fingerprint(self) -> str:
        """Hash of names, pixels and masks: another corpus has another."""
        return fingerprint_of(
            {image.name: [image.content, image.mask_content] for image in self.images}
        )


def _read_pair(pair: ImagePair, values: MaskValues) -> Pixels:
    image, mask = read_image(pair.image), read_mask(pair.mask, values)
    if image.shape[:2] != mask.shape:
        raise FormatError(
            f"The image has {_size(image)} pixels and its mask {_size(mask)}; both must be equal. "
            "Cut or scale one of them."
        )
    return Pixels(image, mask)


def _size(array: np.ndarray) -> str:
    height, width = array.shape[:2]
    return f"{width} x {height}"


def _surveyed(pair: ImagePair, pixels: Pixels) -> SurveyedImage:
    height, width = pixels.mask.shape
    return SurveyedImage(
        pair,
        height=height,
        width=width,
        n_positive=int(np.count_nonzero(pixels.mask)),
        content=_hash_of(pixels.image),
        mask_content=_hash_of(pixels.mask),
    )


def _hash_of(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def _tell(
    images: Sequence[SurveyedImage], left_out: Sequence[LeftOutImage], data_dir: Path
) -> None:
    reasons = "; ".join(f"{one.name}: {one.reason}" for one in left_out[:_MOST_TOLD])
    if not images:
        raise DataError(
            f"None of {len(left_out)} images in '{data_dir}' can be used. {reasons} Every image "
            "needs one readable mask of its size."
        )
    if left_out:
        _log.warning(
            "%d of %d images are left out. %s", len(left_out), len(left_out) + len(images), reasons
        )

"""Find images and their masks: the same stem, side by side in ``images/`` and ``masks/``.

A corpus is a folder that holds ``images`` and ``masks``, or a folder of such folders. What has no
partner, or more than one, is left out with the reason; it never stops the rest.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurorun.core import DataError

IMAGES, MASKS = "images", "masks"
_WITH_ARTICLE = {"image": "an image", "mask": "a mask"}
EXTENSIONS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True, slots=True)
class ImagePair:
    """An image and the mask that says what in it is to be found.

    Parameters
    ----------
    name : unique within the corpus: the folder of the pair below the corpus, and the stem
    folder : the first part of the name; empty if the corpus itself holds ``images`` and ``masks``
    image, mask : the files
    """

    name: str
    folder: str
    image: Path
    mask: Path


@dataclass(frozen=True, slots=True)
class LeftOutImage:
    """Something in the folders that cannot be used, and why not."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundImages:
    """What the folders of a corpus hold, both sorted by name."""

    pairs: tuple[ImagePair, ...]
    left_out: tuple[LeftOutImage, ...]


def find_image_pairs(data_dir: Path) -> FoundImages:
    """Pair the images of a corpus with their masks, by stem.

    Hidden files and files with other endings are not looked at.

    Raises
    ------
    DataError : there is no such folder, nothing in it has the layout, or there is no single file
    """
    if not data_dir.is_dir():
        raise DataError(f"data.data_dir is '{data_dir}', which is no folder; check the path.")
    places = _places(data_dir)
    found = [_pairs_in(place, data_dir) for place in places]
    pairs = [pair for some, _ in found for pair in some]
    left_out = [one for _, some in found for one in some]
    if not places or not (pairs or left_out):
        raise DataError(
            f"'{data_dir}' holds no images; a folder '{IMAGES}' beside a folder '{MASKS}' is "
            f"needed, with {', '.join(EXTENSIONS)} files of equal stems. Check data.data_dir."
        )
    return FoundImages(
        tuple(sorted(pairs, key=lambda pair: pair.name)),
        tuple(sorted(left_out, key=lambda one: one.name)),
    )


def _places(data_dir: Path) -> list[Path]:
    """Folders that hold both kinds, sorted; nothing is looked for below these two."""
    places = []
    for path, folders, _ in os.walk(data_dir, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if IMAGES in folders and MASKS in folders:
            places.append(Path(path))
            folders[:] = [name for name in folders if name not in (IMAGES, MASKS)]
    return places


def _pairs_in(place: Path, data_dir: Path) -> tuple[list[ImagePair], list[LeftOutImage]]:
    folder = place.relative_to(data_dir).as_posix()
    folder = "" if folder == "." else folder
    images, masks = _by_stem(place / IMAGES), _by_stem(place / MASKS)
    pairs, left_out = [], []
    for stem in sorted({*images, *masks}):
        name = f"{folder}/{stem}" if folder else stem
        reason = _fault(images, masks, stem)
        if reason is None:
            pairs.append(ImagePair(name, folder, images[stem][0], masks[stem][0]))
        else:
            left_out.append(LeftOutImage(name, reason))
    return pairs, left_out


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    files: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file():
            files[path.stem].append(path)
    return dict(files)


def _fault(
    images: Mapping[str, Sequence[Path]], masks: Mapping[str, Sequence[Path]], stem: str
) -> str | None:
    """Say why a stem does not make a pair; None if it does."""
    for files, what, other in ((images, "image", "mask"), (masks, "mask", "image")):
        if stem not in files:
            return f"There is {_WITH_ARTICLE[other]}, but no {what} of this name."
        if len(files[stem]) > 1:
            names = ", ".join(path.name for path in files[stem])
            return f"{len(files[stem])} {what} files have this name: {names}; one is needed."
    return None

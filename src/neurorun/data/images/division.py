"""Divide images into train, validation and test, each folder for itself.

The order in which images are dealt follows from their pixels and the seed, never from names: to
rename or to copy a file moves nothing. Equal images, whatever they are called, go together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurorun.core import DataError, fingerprint_of
from neurorun.data.entries import SplitName
from neurorun.data.images.config import ImageSplitConfig

_NAMES: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class ImageSplits:
    """Names of the images of each split, sorted."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def of(self, split: SplitName) -> tuple[str, ...]:
        """Images of one split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]

    @property
    def fingerprint(self) -> str:
        """Hash of the division."""
        return fingerprint_of({name: self.of(name) for name in _NAMES})


def divide_images(
    contents: Mapping[str, str], folders: Mapping[str, str], config: ImageSplitConfig
) -> ImageSplits:
    """Deal the images of every folder to the splits.

    Of *n* different images in a folder ``floor(n * share)`` go to training and to validation each,
    the rest to the test [1]_ (with ``test_split`` 0 the rest goes to training).

    Parameters
    ----------
    contents : hash of the pixels by name
    folders : folder by name
    config : shares and seed

    Raises
    ------
    DataError : a split that is asked for would be empty

    References
    ----------
    .. [1] The rule of the crackseg project: 1754 images become 1227, 263 and 264.

    Examples
    --------
    >>> names = [f"{number:04}" for number in range(1754)]
    >>> splits = divide_images(
    ...     {name: name for name in names}, dict.fromkeys(names, ""), ImageSplitConfig()
    ... )
    >>> len(splits.train), len(splits.validation), len(splits.test)
    (1227, 263, 264)
    """
    dealt: defaultdict[SplitName, set[str]] = defaultdict(set)
    taken: set[str] = set()
    for folder in sorted(set(folders.values())):
        inside = {contents[name] for name, place in folders.items() if place == folder} - taken
        taken |= inside
        for split, some in _deal(sorted(inside), config):
            dealt[split].update(some)
    named = {
        split: tuple(sorted(name for name, content in contents.items() if content in dealt[split]))
        for split in _NAMES
    }
    wanted = [split for split in _NAMES if split != "test" or config.test_split > 0]
    empty = [split for split in wanted if not named[split]]
    if empty:
        raise DataError(
            f"{len(taken)} different images in {len(set(folders.values()))} folders leave none for "
            f"{' and '.join(empty)}; add images, raise data.{empty[0]}_split, or put all of them "
            "into one folder."
        )
    return ImageSplits(**named)


def _deal(
    contents: Sequence[str], config: ImageSplitConfig
) -> Iterator[tuple[SplitName, list[str]]]:
    shuffled = [
        contents[place]
        for place in np.random.default_rng(config.split_seed).permutation(len(contents))
    ]
    n_validation = _share(config.validation_split, len(shuffled))
    n_train = _share(1 - config.validation_split - config.test_split, len(shuffled))
    if config.test_split == 0:
        n_train = len(shuffled) - n_validation
    yield "train", shuffled[:n_train]
    yield "validation", shuffled[n_train : n_train + n_validation]
    yield "test", shuffled[n_train + n_validation :]


def _share(share: float, number: int) -> int:
    """Whole images of a share; 0.15 of 20 is 3, although the product is a little less."""
    return int(share * number + 1e-9)

"""The examples of training: every epoch some squares from each image."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int64

from neurorun.data import ImageCorpus, ImageDataConfig
from neurorun.tasks.crack_segmentation.augmentation import AugmentationConfig, cut_square

_ORDER, _EXAMPLE = range(2)


class CrackExamples:
    """Squares of all epochs, numbered through: square *i* of an epoch has a number of its own.

    What a square holds follows from the seed, the epoch and *i* alone.

    Parameters
    ----------
    corpus : images and masks
    names : of those to train on
    data, augmentation : how squares are cut and changed
    seed : that everything is drawn from
    """

    def __init__(
        self,
        corpus: ImageCorpus,
        names: Sequence[str],
        *,
        data: ImageDataConfig,
        augmentation: AugmentationConfig,
        seed: int,
    ) -> None:
        self._corpus, self._names = corpus, tuple(names)
        self._data, self._augmentation, self._seed = data, augmentation, seed
        self._n_per_epoch = len(self._names) * data.crops_per_image

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Colours, height and width of a square."""
        return 3, self._data.crop_size, self._data.crop_size

    @property
    def target_shape(self) -> tuple[int, int]:
        """Height and width of its mask."""
        return self._data.crop_size, self._data.crop_size

    def __len__(self) -> int:
        """Squares of one epoch."""
        return self._n_per_epoch

    def order(self, epoch: int) -> Int64[np.ndarray, " examples"]:
        """Numbers of the squares of an epoch, counted from 0, in its order."""
        rng = np.random.default_rng([self._seed, epoch, _ORDER])
        return epoch * self._n_per_epoch + rng.permutation(self._n_per_epoch)

    def fill(
        self,
        index: int,
        inputs: Float32[np.ndarray, "3 size size"],
        targets: Float32[np.ndarray, "size size"],
    ) -> None:
        """Write the square of a number and its mask into arrays that are there already."""
        epoch, place = divmod(index, self._n_per_epoch)
        name = self._names[place // self._data.crops_per_image]
        inputs[...], targets[...] = cut_square(
            self._corpus.pixels(name),
            self._data.crop_size,
            self._augmentation,
            np.random.default_rng([self._seed, epoch, _EXAMPLE, place]),
        )

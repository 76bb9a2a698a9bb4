"""Which windows an epoch of training sees, and in which order.

Balanced: all windows at the border of a seizure, some within seizures, a few times as many without.
The recipe is that of SeizureTransformer [1]_, which draws once for the whole training, so that most
background is never seen. By default it is drawn again for every epoch, without repetition until
all of it was seen. An order is a function of seed and epoch alone: training stopped at any batch
goes on with the same windows.

References
----------
.. [1] Wu, Zhao, Yener, "SeizureTransformer: scaling U-Net with transformer for simultaneous
   time-step level seizure detection from long EEG recordings", 2025, section 2.2.
"""

from typing import Literal

import numpy as np
from jaxtyping import Int64
from pydantic import Field, NonNegativeFloat, PositiveInt

from neurorun.core import Config, DataError
from neurorun.data.windows import WindowKind, WindowTable

_ORDER, _FULL, _BACKGROUND = range(3)


class SamplingConfig(Config):
    """Which windows an epoch of training sees."""

    use_balanced_sampling: bool = True
    """All partial windows and a share of the others; false takes every window."""

    sampling: Literal["redrawn", "fixed"] = "redrawn"
    """Whether full and background windows are drawn again for every epoch, or once."""

    full_ratio: NonNegativeFloat = 0.3
    """Full windows for each partial window, at most those that there are."""

    background_ratio: NonNegativeFloat = 2.5
    """Background windows for each partial window, at most those that there are."""

    max_samples: PositiveInt | None = Field(default=None)
    """Windows per epoch at most; null for no limit."""


class EpochSampler:
    """Orders the windows of every epoch.

    Windows of recordings that nobody annotated are never taken.

    Parameters
    ----------
    table : windows to choose from
    config : how
    seed : that everything is drawn from

    Raises
    ------
    DataError : there is no labelled window; or no partial one and sampling is to be balanced

    Examples
    --------
    >>> columns = np.arange(6, dtype=np.int32), np.arange(6, dtype=np.int32), np.arange(6)
    >>> table = WindowTable(*columns, n_seizure_samples=np.array([0, 0, 0, 5, 10, 0]), n_samples=10)
    >>> sampler = EpochSampler(table, SamplingConfig(background_ratio=2, full_ratio=1), seed=7)
    >>> sorted(sampler.order(0).tolist()), sorted(sampler.order(1).tolist())
    ([2, 3, 4, 5], [0, 1, 3, 4])
    """

    def __init__(self, table: WindowTable, config: SamplingConfig, *, seed: int) -> None:
        self._table, self._config, self._seed = table, config, seed
        self._labelled = np.flatnonzero(table.n_seizure_samples >= 0)
        if not len(self._labelled):
            raise DataError(
                f"None of {len(table)} windows belongs to an annotated recording; training needs "
                "labels. Give the annotations of the recordings and build the cache again."
            )
        self._fixed = (
            balanced_selection(
                table,
                full_ratio=config.full_ratio,
                background_ratio=config.background_ratio,
                seed=seed,
            )
            if config.use_balanced_sampling
            else self._labelled
        )
        self._limit = config.max_samples or len(self._fixed)

    def __len__(self) -> int:
        """Windows of every epoch."""
        return min(self._limit, len(self._fixed))

    @property
    def seizure_share(self) -> float:
        """Expected share of windows with any seizure in an epoch."""
        return self._table.take(self._fixed).seizure_share

    def order(self, epoch: int) -> Int64[np.ndarray, " windows"]:
        """Rows of the table that an epoch sees, in its order.

        Parameters
        ----------
        epoch : from 0
        """
        config = self._config
        chosen = self._fixed
        if config.use_balanced_sampling and config.sampling == "redrawn":
            chosen = self._redrawn(epoch)
        elif config.use_balanced_sampling:
            chosen = chosen[: self._limit]
        return _generator(self._seed, epoch, _ORDER).permutation(chosen)[: self._limit]

    def _redrawn(self, epoch: int) -> np.ndarray:
        partial = self._table.of_kind(WindowKind.PARTIAL)
        return np.concatenate(
            [
                partial,
                self._turn(WindowKind.FULL, self._config.full_ratio * len(partial), epoch, _FULL),
                self._turn(
                    WindowKind.BACKGROUND,
                    self._config.background_ratio * len(partial),
                    epoch,
                    _BACKGROUND,
                ),
            ]
        )

    def _turn(self, kind: WindowKind, number: float, epoch: int, stream: int) -> np.ndarray:
        """Deal the windows of a kind to consecutive epochs, then shuffle and deal again."""
        rows = self._table.of_kind(kind)
        n_chosen = min(int(number), len(rows))
        if not n_chosen:
            return rows[:0]
        n_turns = -(-len(rows) // n_chosen)
        round_, turn = divmod(epoch, n_turns)
        dealt = _generator(self._seed, round_, stream).permutation(rows)
        first = turn * n_chosen
        return np.take(dealt, np.arange(first, first + n_chosen), mode="wrap")


def balanced_selection(
    table: WindowTable, *, full_ratio: float, background_ratio: float, seed: int
) -> Int64[np.ndarray, " chosen"]:
    """Select all partial windows and, for each, so many full and background ones.

    Reproduces the selection of earlier work: partial windows in order, then full, then background
    windows drawn without repetition, all shuffled, from one generator.

    Raises
    ------
    DataError : there is no partial window
    """
    partial = table.of_kind(WindowKind.PARTIAL)
    full, background = table.of_kind(WindowKind.FULL), table.of_kind(WindowKind.BACKGROUND)
    if not len(partial):
        raise DataError(
            f"None of {len(table)} windows holds the border of a seizure ({len(full)} lie within "
            "one), so there is nothing to balance on. Check that the annotations belong to these "
            "recordings, or set data.use_balanced_sampling to false."
        )
    rng = np.random.default_rng(seed)
    n_full = min(int(full_ratio * len(partial)), len(full))
    n_background = min(int(background_ratio * len(partial)), len(background))
    chosen = np.concatenate(
        [
            partial,
            full[rng.choice(len(full), n_full, replace=False)],
            background[rng.choice(len(background), n_background, replace=False)],
        ]
    )
    rng.shuffle(chosen)
    return chosen


def _generator(seed: int, epoch: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, stream])

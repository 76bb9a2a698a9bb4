"""Which windows an epoch of training sees, and in which order.

Balanced: all windows at the border of a seizure, some within seizures, a few times as many without.
The recipe is that of SeizureTransformer [1]_, which draws once for the whole training, so that most
background is never seen. By default it is drawn again for every epoch, without repetition until
all of it was seen. Oversampled: half of the windows hold some seizure, each as often as that takes.
An order is a function of seed and epoch alone: training stopped at any batch goes on with the same
windows.

References
----------
.. [1] Wu, Zhao, Yener, "SeizureTransformer: scaling U-Net with transformer for simultaneous
   time-step level seizure detection from long EEG recordings", 2025, section 2.2.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import Field, NonNegativeFloat, PositiveInt

from neurorun.core import Config, DataError
from neurorun.data.windows import WindowKind, WindowTable

_ORDER, _FULL, _BACKGROUND, _SEIZURE = range(4)


class SamplingConfig(Config):
    """Which windows an epoch of training sees."""

    use_balanced_sampling: bool = True
    """Windows chosen as ``sampling`` says; false takes every window."""

    sampling: Literal["redrawn", "fixed", "oversampled"] = "redrawn"
    """All partial windows and a share of the others, drawn again for every epoch (``redrawn``) or
    once (``fixed``); or as many windows as there are, half of them with seizure, repeated as often
    as that takes (``oversampled``)."""

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
        self._strategy = config.sampling if config.use_balanced_sampling else "all"
        self._fixed = self._selected()
        self._limit = config.max_samples or len(self._fixed)

    def _selected(self) -> np.ndarray:
        """Windows of an epoch where they are the same in all; else as many, alike in kind."""
        if self._strategy == "all":
            return self._labelled
        if self._strategy == "oversampled":
            return self._halves(0, len(self._labelled))
        return balanced_selection(
            self._table,
            full_ratio=self._config.full_ratio,
            background_ratio=self._config.background_ratio,
            seed=self._seed,
        )

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
        if self._strategy == "redrawn":
            chosen = self._redrawn(epoch)
        elif self._strategy == "oversampled":
            chosen = self._halves(epoch, len(self))
        elif self._strategy == "fixed":
            chosen = self._fixed[: self._limit]
        else:
            chosen = self._fixed
        return _generator(self._seed, epoch, _ORDER).permutation(chosen)[: self._limit]

    def counts(self, epoch: int) -> dict[str, int]:
        """Number of windows of each kind that an epoch sees: background, partial, full.

        Some milliseconds for a quarter of a million windows.

        Parameters
        ----------
        epoch : from 0
        """
        kinds = self._table.kind[self.order(epoch)]
        known = (WindowKind.BACKGROUND, WindowKind.PARTIAL, WindowKind.FULL)
        return {kind.name.lower(): int(np.count_nonzero(kinds == kind)) for kind in known}

    def _redrawn(self, epoch: int) -> np.ndarray:
        partial, full, background = (
            self._table.of_kind(kind)
            for kind in (WindowKind.PARTIAL, WindowKind.FULL, WindowKind.BACKGROUND)
        )
        n_full = min(int(self._config.full_ratio * len(partial)), len(full))
        n_background = min(int(self._config.background_ratio * len(partial)), len(background))
        return np.concatenate(
            [
                partial,
                self._dealt(full, n_full, epoch, stream=_FULL),
                self._dealt(background, n_background, epoch, stream=_BACKGROUND),
            ]
        )

    def _halves(self, epoch: int, n_windows: int) -> np.ndarray:
        """Half with any seizure, half without; one more without if the number is odd."""
        n_seizure_samples = self._table.n_seizure_samples
        seizure = np.flatnonzero(n_seizure_samples > 0)
        background = np.flatnonzero(n_seizure_samples == 0)
        if not len(seizure) or not len(background):
            raise DataError(
                f"Of {len(self._labelled)} labelled windows {len(seizure)} hold some seizure; "
                "windows of both kinds are needed to show them equally often. Check that the "
                "annotations belong to these recordings, or set data.use_balanced_sampling to "
                "false."
            )
        half = n_windows // 2
        return np.concatenate(
            [
                self._dealt(seizure, half, epoch, stream=_SEIZURE),
                self._dealt(background, n_windows - half, epoch, stream=_BACKGROUND),
            ]
        )

    def _dealt(self, rows: np.ndarray, n_chosen: int, epoch: int, *, stream: int) -> np.ndarray:
        """Deal rows to consecutive epochs, then shuffle and deal again.

        Where more are asked for than there are, all come equally often, and some once more.
        """
        if not n_chosen:
            return rows[:0]
        n_whole = (n_chosen - 1) // len(rows)
        n_rest = n_chosen - n_whole * len(rows)
        n_turns = -(-len(rows) // n_rest)
        round_, turn = divmod(epoch, n_turns)
        dealt = _generator(self._seed, round_, stream).permutation(rows)
        first = turn * n_rest
        rest = np.take(dealt, np.arange(first, first + n_rest), mode="wrap")
        return np.concatenate([np.tile(rows, n_whole), rest])


def window_weights(table: WindowTable) -> Float64[np.ndarray, " windows"]:
    """Weights by which windows with and without seizure are drawn equally often.

    For ``torch.utils.data.WeightedRandomSampler(window_weights(table), len(table))``. They follow
    from the exact number of windows of each class: 1 without seizure, ``n_without / n_with`` with
    any, 0 where nobody annotated.

    Raises
    ------
    DataError : no window holds a seizure, or all do

    Examples
    --------
    >>> columns = np.arange(4, dtype=np.int32), np.arange(4, dtype=np.int32), np.arange(4)
    >>> table = WindowTable(*columns, n_seizure_samples=np.array([0, 3, 0, 0]), n_samples=10)
    >>> window_weights(table).tolist()
    [1.0, 3.0, 1.0, 1.0]
    """
    n_with = int(np.count_nonzero(table.n_seizure_samples > 0))
    n_without = int(np.count_nonzero(table.n_seizure_samples == 0))
    if not n_with or not n_without:
        raise DataError(
            f"{n_with} windows hold some seizure and {n_without} hold none; weights need windows "
            "of both classes. Check that the annotations belong to these recordings."
        )
    weights = np.where(table.n_seizure_samples > 0, n_without / n_with, 1.0)
    weights[table.n_seizure_samples < 0] = 0.0
    return weights


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
            "recordings, or set data.sampling to oversampled, which needs no borders."
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

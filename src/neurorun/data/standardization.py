"""Centre and spread of every channel over a whole recording.

They are kept beside the signal, which stays in microvolts: standardizing and clipping are one
multiplication and one addition when a window is read, and changing them rebuilds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import DataError, Recording
from neurorun.data.legacy import LEGACY_SPREAD_OFFSET
from neurorun.data.preprocessing import PreprocessingConfig

FLAT_BELOW_UV = 0.01
"""A channel that spreads less carries no EEG: amplifiers resolve 0.01 to 0.5 microvolts."""

_KEPT = 1 << 18
_BLOCK = 1 << 15
_QUARTILES_TO_DEVIATION = 1.3489795003921634


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """What is subtracted from each channel, and what it is divided by.

    Parameters
    ----------
    center : microvolts
    spread : microvolts, > 0
    flat : names of channels whose spread lies below `FLAT_BELOW_UV`. They are divided by that
        bound instead: a constant stays what it is, 0 after standardization, and noise far below
        the resolution of an amplifier is not blown up to the size of EEG.
    """

    center: Float64[np.ndarray, " channels"]
    spread: Float64[np.ndarray, " channels"]
    flat: tuple[str, ...] = ()


class StatisticsAccumulator:
    """Gathers the statistics of a recording block by block, in bounded memory.

    Mean and deviation are exact (float64). Median and quartiles are exact up to 262,144 samples;
    of longer recordings every second, fourth, ... sample is kept, whatever the blocks.

    Parameters
    ----------
    channels : one name per row of the blocks
    config : ``normalize``, ``standardize``, ``fixed_scale_uv`` and ``preset`` are used
    """

    def __init__(self, channels: Sequence[str], config: PreprocessingConfig) -> None:
        self._channels, self._config = tuple(channels), config
        self._source: _Moments | _Thinned | None = None
        if config.normalize and config.standardize == "zscore":
            self._source = _Moments(len(self._channels))
        elif config.normalize and config.standardize == "robust":
            self._source = _Thinned(len(self._channels))

    def push(self, block: Float32[np.ndarray, "channels samples"]) -> None:
        """Take in the next samples of the prepared signal."""
        if self._source is not None and block.shape[1]:
            self._source.push(block)

    def result(self) -> ChannelStatistics:
        """Statistics of all samples so far.

        Raises
        ------
        DataError : every channel is flat
        """
        if self._source is not None:
            return self._without_flat(*self._source.center_and_spread())
        spread = self._config.fixed_scale_uv if self._config.normalize else 1.0
        n_channels = len(self._channels)
        return ChannelStatistics(np.zeros(n_channels), np.full(n_channels, spread))

    def _without_flat(self, center: np.ndarray, spread: np.ndarray) -> ChannelStatistics:
        is_flat = spread < FLAT_BELOW_UV
        flat = tuple(name for name, yes in zip(self._channels, is_flat, strict=True) if yes)
        if is_flat.all():
            raise DataError(
                f"All {len(flat)} channels are flat: the largest spread is "
                f"{spread.max():.2g} microvolts, EEG spreads over more than {FLAT_BELOW_UV:g}. "
                "Correct the physical unit in the file, or leave the recording out."
            )
        if self._config.preset == "legacy":
            return ChannelStatistics(center, spread + LEGACY_SPREAD_OFFSET, flat)
        return ChannelStatistics(center, np.maximum(spread, FLAT_BELOW_UV), flat)


def channel_statistics(recording: Recording, config: PreprocessingConfig) -> ChannelStatistics:
    """Statistics of a prepared recording over all its stretches.

    Raises
    ------
    DataError : every channel is flat

    Examples
    --------
    >>> from neurorun.core import whole_recording
    >>> signal = np.array([[1.0, 3.0] * 128], np.float32)
    >>> recording = Recording("r", "p", ("Cz",), 256.0, signal, whole_recording(256))
    >>> statistics = channel_statistics(recording, PreprocessingConfig())
    >>> statistics.center.tolist(), statistics.spread.tolist()
    ([2.0], [1.0])
    """
    statistics = StatisticsAccumulator(recording.channels, config)
    for first in range(0, recording.n_samples, _BLOCK):
        statistics.push(recording.signal_uv[:, first : first + _BLOCK])
    return statistics.result()


def standardized(
    signal_uv: Float32[np.ndarray, "channels samples"],
    statistics: ChannelStatistics,
    config: PreprocessingConfig,
) -> Float32[np.ndarray, "channels samples"]:
    """Subtract the centre, divide by the spread, clip; unchanged if ``normalize`` is false.

    >>> statistics = ChannelStatistics(np.array([2.0]), np.array([0.5]))
    >>> standardized(np.array([[2.5, 90.0]], np.float32), statistics, PreprocessingConfig())
    array([[ 1., 10.]], dtype=float32)
    """
    if not config.normalize:
        return signal_uv
    values: Float32[np.ndarray, "channels samples"]
    values = signal_uv - statistics.center.astype(np.float32)[:, None]
    values /= statistics.spread.astype(np.float32)[:, None]
    if config.clip_at is not None:
        np.clip(values, -config.clip_at, config.clip_at, out=values)
    return values


class _Moments:
    """Mean and squared deviation, merged block by block without cancellation [1]_.

    References
    ----------
    .. [1] Chan, Golub, LeVeque, "Algorithms for computing the sample variance", The American
       Statistician 37, 1983, eq. 2.1.
    """

    def __init__(self, n_channels: int) -> None:
        self._n = 0
        self._mean, self._deviation = np.zeros(n_channels), np.zeros(n_channels)

    def push(self, block: np.ndarray) -> None:
        n = block.shape[1]
        mean = block.mean(axis=1, dtype=np.float64)
        deviation = block.var(axis=1, dtype=np.float64) * n
        shift, total = mean - self._mean, self._n + n
        self._mean = self._mean + shift * (n / total)
        self._deviation = self._deviation + deviation + shift**2 * (self._n * n / total)
        self._n = total

    def center_and_spread(self) -> tuple[np.ndarray, np.ndarray]:
        return self._mean, np.sqrt(self._deviation / max(self._n, 1))


class _Thinned:
    """Every k-th sample, k the power of two that keeps at most `_KEPT` of them."""

    def __init__(self, n_channels: int) -> None:
        self._kept = np.empty((n_channels, _KEPT), np.float32)
        self._n_kept = self._n_seen = 0
        self._stride = 1

    def push(self, block: np.ndarray) -> None:
        for first in range(0, block.shape[1], _KEPT):
            self._push(block[:, first : first + _KEPT])

    def _push(self, block: np.ndarray) -> None:
        while True:
            chosen = block[:, -self._n_seen % self._stride :: self._stride]
            if self._n_kept + chosen.shape[1] <= _KEPT:
                break
            thinned = self._kept[:, : self._n_kept : 2].copy()
            self._n_kept, self._stride = thinned.shape[1], self._stride * 2
            self._kept[:, : self._n_kept] = thinned
        self._kept[:, self._n_kept : self._n_kept + chosen.shape[1]] = chosen
        self._n_kept += chosen.shape[1]
        self._n_seen += block.shape[1]

    def center_and_spread(self) -> tuple[np.ndarray, np.ndarray]:
        kept = self._kept[:, : self._n_kept].astype(np.float64)
        low, median, high = np.quantile(kept, (0.25, 0.5, 0.75), axis=1)
        return np.asarray(median), np.asarray((high - low) / _QUARTILES_TO_DEVIATION)

"""A prepared signal on its way from float32 blocks to int16 rows.

The signal arrives in time, all channels at once; the file holds one channel after the other, each
on a scale of its own that is known only at the end. Between the two the blocks rest in memory, or,
where they are long, in an unnamed file. A day of 19 channels passes through 200 megabytes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int16

from neurorun.core import DataError
from neurorun.data.preprocessing import PreprocessingConfig
from neurorun.data.standardization import ChannelStatistics, StatisticsAccumulator

LIMIT_SPREADS = 20.0
"""Values further than this many deviations from the mean are stored as if they lay there: a rail
voltage of one instant shall not coarsen the EEG of the whole recording."""

FULL_SCALE = 32767
_BLOCK = 1 << 16
_MAX_IN_MEMORY = 1 << 27

StandardizationKind = Literal["zscore", "robust"]
Statistics = Mapping[StandardizationKind, ChannelStatistics | None]


class SignalMeasure:
    """Takes a prepared signal in blocks and keeps what quantizing and standardizing it need.

    Other blocks give the same bits. Memory does not grow with the signal.

    Parameters
    ----------
    channels : one name per row
    config : section ``preprocessing`` of the prepared signal
    """

    def __init__(self, channels: tuple[str, ...], config: PreprocessingConfig) -> None:
        self._n_channels = len(channels)
        self._statistics = {
            kind: StatisticsAccumulator(
                channels, config.model_copy(update={"standardize": kind, "normalize": True})
            )
            for kind in ("zscore", "robust")
        }
        self._pending: list[np.ndarray] = []
        self._n_pending = self._n_kept = 0
        self._low = np.full(self._n_channels, np.inf)
        self._high = np.full(self._n_channels, -np.inf)
        self.n_limited = 0

    @property
    def n_samples(self) -> int:
        """Samples taken in so far."""
        return self._n_kept + self._n_pending

    def push(self, block: Float32[np.ndarray, "channels samples"]) -> None:
        """Take in the next samples, microvolts."""
        first = 0
        while first < block.shape[1]:
            piece = block[:, first : first + _BLOCK - self._n_pending]
            self._pending.append(piece)
            self._n_pending += piece.shape[1]
            first += piece.shape[1]
            if self._n_pending == _BLOCK:
                self.finish()

    def finish(self) -> None:
        """Take in what is left of the signal."""
        if self._n_pending:
            self._keep(np.ascontiguousarray(np.hstack(self._pending)))
            self._n_kept += self._n_pending
        self._pending, self._n_pending = [], 0

    def _keep(self, block: np.ndarray) -> None:
        for statistics in self._statistics.values():
            statistics.push(block)
        np.minimum(self._low, block.min(axis=1), out=self._low)
        np.maximum(self._high, block.max(axis=1), out=self._high)

    def statistics(self) -> Statistics:
        """Centre and spread of every channel, for each way of standardizing.

        ``robust`` is None where more than half of every channel is constant.

        Raises
        ------
        DataError : every channel is flat
        """
        moments = self._statistics["zscore"].result()
        try:
            quartiles = self._statistics["robust"].result()
        except DataError:
            return {"zscore": moments, "robust": None}
        return {"zscore": moments, "robust": quartiles}

    def scale_and_offset(
        self,
    ) -> tuple[Float32[np.ndarray, " channels"], Float32[np.ndarray, " channels"]]:
        """Microvolts of one step of int16, and microvolts of its 0, per channel."""
        moments = self._statistics["zscore"].result()
        offset = moments.center.astype(np.float32)
        reach = np.maximum(self._high - offset, offset - self._low)
        reach = np.minimum(reach, LIMIT_SPREADS * moments.spread)
        return np.where(reach > 0, reach / FULL_SCALE, 1.0).astype(np.float32), offset

    def notes(self) -> tuple[str, ...]:
        """Say how many values were limited, if any; after all of them were quantized."""
        if not self.n_limited:
            return ()
        note = (
            f"{self.n_limited} values beyond {LIMIT_SPREADS:g} deviations of their channel limited."
        )
        return (note,)

    def quantized(
        self,
        values: Float32[np.ndarray, "*rows samples"],
        scale: Float32[np.ndarray, "*scales"] | np.float32,
        offset: Float32[np.ndarray, "*scales"] | np.float32,
    ) -> Int16[np.ndarray, "*rows samples"]:
        """Steps of int16 nearest to some values.

        How many values lay beyond the limit is counted in ``n_limited``.
        """
        steps = (values - offset) / scale
        np.rint(steps, out=steps)
        self.n_limited += int(np.count_nonzero(np.abs(steps) > FULL_SCALE))
        quantized: np.ndarray = np.clip(steps, -FULL_SCALE, FULL_SCALE).astype(np.int16)
        return quantized


class SignalSpool(SignalMeasure):
    """Takes a prepared signal in blocks, gives it back as int16, one channel after the other.

    Other blocks give the same bits.

    Parameters
    ----------
    channels : one name per row
    config : section ``preprocessing`` of the prepared signal
    folder : where an unnamed file is made if the signal is long; None for the system's
    """

    def __init__(
        self, channels: tuple[str, ...], config: PreprocessingConfig, *, folder: Path | None = None
    ) -> None:
        super().__init__(channels, config)
        self._file = SpooledTemporaryFile(  # noqa: SIM115 - closed together with the spool
            max_size=_MAX_IN_MEMORY, dir=str(folder) if folder else None
        )
        self._lengths: list[int] = []

    def close(self) -> None:
        """Free the blocks."""
        self._file.close()

    def _keep(self, block: np.ndarray) -> None:
        super()._keep(block)
        self._file.write(block.data.cast("B"))
        self._lengths.append(block.shape[1])

    def pieces(
        self,
        scale: Float32[np.ndarray, " channels"],
        offset: Float32[np.ndarray, " channels"],
    ) -> Iterator[np.ndarray]:
        """Int16 pieces: the first channel from start to end, then the second, and so on.

        How many values lay beyond the limit is counted in ``n_limited``.
        """
        self.n_limited = 0
        for channel in range(self._n_channels):
            for block in range(len(self._lengths)):
                yield self.quantized(self._row(channel, block), scale[channel], offset[channel])

    def _row(self, channel: int, block: int) -> np.ndarray:
        before = sum(self._lengths[:block]) * self._n_channels
        length = self._lengths[block]
        self._file.seek(4 * (before + channel * length))
        return np.frombuffer(self._file.read(4 * length), np.float32)

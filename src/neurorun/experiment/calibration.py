"""Centre and spread of every channel of a live signal, which does not know what will come.

Each channel is standardized by its first minutes of signal. Time in which it is flat is left out,
so an electrode that is put on late is measured from then on; time without any signal counts for
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32

from neurorun.core import DataError
from neurorun.data import (
    FLAT_BELOW_UV,
    ChannelStatistics,
    PreprocessingConfig,
    StatisticsAccumulator,
    standardized,
)

_PIECE_S = 1.0


@dataclass(eq=False)
class _Gathering:
    """What has been heard of one channel."""

    name: str
    config: PreprocessingConfig
    n_samples: int = 0
    is_new: bool = False
    accumulator: StatisticsAccumulator = field(init=False)

    def __post_init__(self) -> None:
        self.accumulator = StatisticsAccumulator((self.name,), self.config)

    def push(self, signal_uv: Float32[np.ndarray, "1 samples"]) -> None:
        self.accumulator.push(signal_uv)
        self.n_samples += signal_uv.shape[1]
        self.is_new = True

    def center_and_spread(self) -> tuple[float, float] | None:
        """Those of all samples so far; None while they have no spread."""
        self.is_new = False
        try:
            found = self.accumulator.result()
        except DataError:
            return None
        return float(found.center[0]), float(found.spread[0])


class Calibration:
    """Standardizes a prepared signal that arrives in blocks, by what was heard of it so far.

    The signal waits until one channel has been heard for ``needed_s``, or as long has passed since
    the first signal of the stretch. From then on nothing waits any more: a channel of which less is
    known is standardized by what has been heard of it, which grows with every second until it is
    ``needed_s``, and is 0 as long as nothing has been heard. Flat signal before any other waits for
    nothing. Any division into blocks gives the same bits.

    Parameters
    ----------
    channels : one name per row of the blocks
    config : section ``preprocessing``
    rate_hz : samples per second
    needed_s : how much signal tells centre and spread, > 0; made up to whole seconds
    known : centre and spread from elsewhere; channels that are flat there are heard here
    """

    def __init__(
        self,
        channels: Sequence[str],
        config: PreprocessingConfig,
        *,
        rate_hz: float,
        needed_s: float,
        known: ChannelStatistics | None = None,
    ) -> None:
        self._config, self._rate_hz = config, rate_hz
        self._n_piece = max(1, round(_PIECE_S * rate_hz))
        self._n_needed = -(-max(1, round(needed_s * rate_hz)) // self._n_piece) * self._n_piece
        self._is_waiting = known is None
        self._center = np.zeros(len(channels)) if known is None else known.center.copy()
        self._spread = np.ones(len(channels)) if known is None else known.spread.copy()
        flat = channels if known is None else known.flat
        self._is_known = np.array([name not in flat for name in channels])
        self._gathering = {
            row: _Gathering(name, config) for row, name in enumerate(channels) if name in flat
        }
        self._piece: list[np.ndarray] = []
        self._held: list[np.ndarray] = []

    @property
    def is_complete(self) -> bool:
        """Whether centre and spread of every channel are final."""
        return not self._gathering

    @property
    def latency_s(self) -> float:
        """Seconds that a sample waits here, at the most."""
        return self._n_needed / self._rate_hz if self._is_waiting else 0.0

    def push(
        self, block: Float32[np.ndarray, "channels samples"]
    ) -> Float32[np.ndarray, "channels ready"]:
        """Take the next samples; return those that need not wait any longer, standardized."""
        if self.is_complete:
            return self._standardized(block)
        ready = [block[:, :0]]
        while block.shape[1]:
            n_room = self._n_piece - _length(self._piece)
            ready.extend(self._take(block[:, :n_room]))
            block = block[:, n_room:]
        return np.hstack(ready)

    def finish(self) -> Float32[np.ndarray, "channels rest"]:
        """End the stretch: return what has waited, standardized by what was heard so far.

        The next stretch goes on gathering.
        """
        ready = [np.zeros((self._center.size, 0), np.float32)]
        if self._piece:
            ready.extend(self._end_piece())
        ready.extend(self._release())
        return np.hstack(ready)

    def _take(self, part: np.ndarray) -> list[np.ndarray]:
        ready = [] if self._is_waiting else [self._standardized(part)]
        self._piece.append(part)
        if _length(self._piece) == self._n_piece:
            ready.extend(self._end_piece())
        return ready

    def _end_piece(self) -> list[np.ndarray]:
        """Hear a second of signal; return what it releases."""
        piece, self._piece = np.hstack(self._piece), []
        is_flat = piece.std(axis=1, dtype=np.float64) < FLAT_BELOW_UV
        for row in [row for row in self._gathering if not is_flat[row]]:
            self._hear(row, piece[row : row + 1])
        if not self._is_waiting:
            return []
        if is_flat.all() and not self._held:
            return [np.zeros_like(piece)]
        self._held.append(piece)
        is_one_heard = len(self._gathering) < self._center.size
        if is_one_heard or _length(self._held) >= self._n_needed:
            self._is_waiting = False
            return self._release()
        return []

    def _hear(self, row: int, signal_uv: np.ndarray) -> None:
        gathering = self._gathering[row]
        gathering.push(signal_uv)
        if gathering.n_samples < self._n_needed:
            return
        self._learn(row)
        if self._is_known[row]:
            del self._gathering[row]
        else:
            self._gathering[row] = _Gathering(gathering.name, self._config)

    def _learn(self, row: int) -> None:
        found = self._gathering[row].center_and_spread()
        self._is_known[row] = found is not None
        if found is not None:
            self._center[row], self._spread[row] = found

    def _release(self) -> list[np.ndarray]:
        held, self._held = self._held, []
        return [self._standardized(piece) for piece in held]

    def _standardized(self, block: np.ndarray) -> np.ndarray:
        for row in [row for row, one in self._gathering.items() if one.is_new]:
            self._learn(row)
        statistics = ChannelStatistics(self._center, self._spread)
        values = standardized(block, statistics, self._config)
        return values if self._is_known.all() else np.where(self._is_known[:, None], values, 0)


def _length(blocks: Sequence[np.ndarray]) -> int:
    return sum(block.shape[1] for block in blocks)

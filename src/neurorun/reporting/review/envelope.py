"""The envelope of a signal: its lowest and highest value in every short stretch of time.

However far a reader zooms out, no peak is lost, since the extremes of a long bin are the extremes
of the short ones in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Int16

from neurorun.core import Stretch
from neurorun.reporting.review.material import Piece, Signal

SIGNAL_BINS_PER_S = 8
"""The finest envelope of EEG."""
PROBABILITY_BINS_PER_S = 16
PROBABILITY_STEP = 0.001
UNKNOWN = (32_767, -1)
"""Lowest and highest step of a bin in which nothing was predicted: extremes of longer bins pass
over them."""

_BLOCK_BINS = 512


@dataclass(frozen=True, eq=False)
class Envelope:
    """Extremes of one stretch, bin after bin from its onset; the last bin may be shorter.

    Parameters
    ----------
    onset_s : where the stretch begins, seconds from the start of the recording
    bin_s : length of a bin
    low, high : in the unit of the signal; NaN where there is none
    """

    onset_s: float
    bin_s: float
    low: Float32[np.ndarray, "rows bins"]
    high: Float32[np.ndarray, "rows bins"]

    @property
    def n_bins(self) -> int:
        """How many bins."""
        return int(self.low.shape[1])

    def halved(self) -> "Envelope":
        """Put two bins into one.

        >>> one = Envelope(0.0, 1.0, np.float32([[1, 2, 3]]), np.float32([[5, 4, 3]]))
        >>> [side.tolist() for side in (one.halved().low, one.halved().high)]
        [[[1.0, 3.0]], [[5.0, 3.0]]]
        """
        low, high = lowest_and_highest(self.low, 2)[0], lowest_and_highest(self.high, 2)[1]
        return replace(self, bin_s=2 * self.bin_s, low=low, high=high)

    def in_steps(self, step: float) -> Int16[np.ndarray, "rows bins"]:
        """All lowest rows, then all highest, in whole steps, rounded outwards: no peak is lost."""
        low, high = (side.astype(np.float64) / step for side in (self.low, self.high))
        return _as_int16(np.concatenate((np.floor(low), np.ceil(high))))


def lowest_and_highest(
    values: Float32[np.ndarray, "rows samples"], per_bin: int
) -> tuple[Float32[np.ndarray, "rows bins"], Float32[np.ndarray, "rows bins"]]:
    """Extremes of every ``per_bin`` samples, the last bin with what is left; NaN is passed over.

    >>> [side.tolist() for side in lowest_and_highest(np.float32([[3, 1, 2]]), 2)]
    [[[1.0, 2.0]], [[3.0, 2.0]]]
    """
    starts = np.arange(0, values.shape[1], per_bin)
    return np.fmin.reduceat(values, starts, axis=1), np.fmax.reduceat(values, starts, axis=1)


@dataclass(frozen=True, eq=False)
class Survey:
    """A signal, looked through once.

    Parameters
    ----------
    envelopes : one per stretch
    typical_uv : range of the middle channel within the middle second; artifacts do not change it
    largest_uv : largest absolute value
    """

    envelopes: tuple[Envelope, ...]
    typical_uv: float
    largest_uv: float

    @property
    def step_uv(self) -> float:
        """Microvolts of one step at full resolution.

        Half a microvolt, which no screen can show; less where the signal is very small; more where
        16 bits would not hold the largest value.
        """
        fine = min(0.5, self.typical_uv / 64) if self.typical_uv > 0 else 0.5
        return max(fine, self.largest_uv / 32_000)


def survey_signal(signal: Signal) -> Survey:
    """Read a signal once from start to end, in bounded memory."""
    per_bin = max(1, round(signal.rate_hz / SIGNAL_BINS_PER_S))
    envelopes = tuple(_of_stretch(signal, stretch, per_bin) for stretch in signal.stretches)
    largest_uv = max(float(max(-one.low.min(), one.high.max())) for one in envelopes)
    return Survey(envelopes, typical_range(envelopes), max(0.0, largest_uv))


def _of_stretch(signal: Signal, stretch: Stretch, per_bin: int) -> Envelope:
    sides = []
    for first in range(stretch.first, stretch.stop, per_bin * _BLOCK_BINS):
        n_samples = min(per_bin * _BLOCK_BINS, stretch.stop - first)
        sides.append(lowest_and_highest(signal.microvolts(first, n_samples), per_bin))
    low, high = (np.concatenate(side, axis=1) for side in zip(*sides, strict=True))
    return Envelope(stretch.onset_s, per_bin / signal.rate_hz, low, high)


def typical_range(envelopes: Sequence[Envelope]) -> float:
    """Median over channels of the median range within a second.

    >>> low, high = np.zeros((1, 16), np.float32), np.float32([[4] * 15 + [90]])
    >>> typical_range([Envelope(0.0, 0.125, low, high), Envelope(9.0, 0.125, low, low)])
    2.0
    """
    ranges = []
    for one in envelopes:
        per_second = max(1, round(1 / one.bin_s))
        low = lowest_and_highest(one.low, per_second)[0]
        ranges.append(lowest_and_highest(one.high, per_second)[1] - low)
    return float(np.median(np.median(np.concatenate(ranges, axis=1), axis=1)))


def probability_envelopes(pieces: Sequence[Piece], rate_hz: float) -> tuple[Envelope, ...]:
    """Extremes of the probabilities of every stretch that was predicted."""
    per_bin = max(1, round(rate_hz / PROBABILITY_BINS_PER_S))
    return tuple(
        Envelope(onset_s, per_bin / rate_hz, *lowest_and_highest(values[None], per_bin))
        for onset_s, values in pieces
        if values.size
    )


def probability_steps(envelope: Envelope) -> Int16[np.ndarray, "rows bins"]:
    """Probabilities in thousandths, lowest then highest, `UNKNOWN` where there is none."""
    sides = zip((envelope.low, envelope.high), UNKNOWN, strict=True)
    steps = [
        np.where(np.isnan(side), unknown, np.round(side / PROBABILITY_STEP))
        for side, unknown in sides
    ]
    return _as_int16(np.concatenate(steps))


def _as_int16(steps: np.ndarray) -> Int16[np.ndarray, "rows bins"]:
    cut: Int16[np.ndarray, "rows bins"] = np.clip(steps, -32_768, 32_767).astype(np.int16)
    return cut

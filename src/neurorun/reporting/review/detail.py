"""Which seconds of a recording a page holds at full resolution, when it cannot hold them all.

First the onsets, those of misses before those of false alarms before those that were found; then
the rest of the events; then more and more around them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from neurorun.core import Event, Stretch

BLOCK_S = 10.0
"""What is kept or left at a time: one page of EEG as it is usually read."""

_BEFORE_ONSET_S, _AFTER_ONSET_S = 20.0, 40.0
_MARGIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Block:
    """Some samples of one stretch.

    Parameters
    ----------
    stretch : number of the stretch, from 0
    first : stored sample
    onset_s : when it was recorded, seconds from the start of the recording
    """

    stretch: int
    first: int
    n_samples: int
    onset_s: float


def blocks_of(stretches: Sequence[Stretch], rate_hz: float) -> tuple[Block, ...]:
    """Cut every stretch into blocks, the last of each as long as what is left.

    >>> [block.n_samples for block in blocks_of([Stretch(0, 25, 0.0)], 1.0)]
    [10, 10, 5]
    """
    per_block = max(1, round(BLOCK_S * rate_hz))
    return tuple(
        Block(
            number,
            first,
            min(per_block, stretch.stop - first),
            stretch.onset_s + (first - stretch.first) / rate_hz,
        )
        for number, stretch in enumerate(stretches)
        for first in range(stretch.first, stretch.stop, per_block)
    )


def by_interest(
    blocks: Sequence[Block], rate_hz: float, events: Sequence[Event]
) -> tuple[Block, ...]:
    """Order blocks by how soon a reader wants to see them.

    Parameters
    ----------
    events : the most interesting first; without any, blocks stay in order of time

    Examples
    --------
    >>> blocks = blocks_of([Stretch(0, 200, 0.0)], 1.0)
    >>> [block.onset_s for block in by_interest(blocks, 1.0, [Event(95, 100)])][:3]
    [70.0, 80.0, 90.0]
    """
    begin = np.array([block.onset_s for block in blocks])
    end = begin + np.array([block.n_samples / rate_hz for block in blocks])
    best, nearest_s = np.full((2, len(blocks)), math.inf)
    for rank, event in enumerate(events):
        around = event.onset_s - _BEFORE_ONSET_S, event.onset_s + _AFTER_ONSET_S
        beyond_s = _distance_s(begin, end, event.onset_s - _MARGIN_S, event.offset_s + _MARGIN_S)
        level = np.where(
            _distance_s(begin, end, *around) == 0,
            0.0,
            1.0 + np.ceil(np.log2(1.0 + beyond_s / _MARGIN_S)),
        )
        best = np.minimum(best, level * len(events) + rank)
        nearest_s = np.minimum(nearest_s, beyond_s)
    order = np.lexsort((begin, nearest_s, best))
    return tuple(blocks[place] for place in order)


def _distance_s(
    begin: Float64[np.ndarray, " blocks"],
    end: Float64[np.ndarray, " blocks"],
    onset_s: float,
    offset_s: float,
) -> Float64[np.ndarray, " blocks"]:
    """Seconds between blocks and a stretch of time; 0 where they share some."""
    apart = np.maximum(onset_s - end, begin - offset_s)
    return np.where((begin < offset_s) & (onset_s < end), 0.0, np.maximum(apart, 1e-9))


def joined(blocks: Sequence[Block]) -> tuple[tuple[Block, ...], ...]:
    """Group blocks that follow each other without a gap, in order of time.

    >>> blocks = blocks_of([Stretch(0, 40, 0.0)], 1.0)
    >>> [len(run) for run in joined([blocks[3], blocks[0], blocks[1]])]
    [2, 1]
    """
    runs: list[list[Block]] = []
    for block in sorted(blocks, key=lambda one: one.first):
        if runs and _follows(block, runs[-1][-1]):
            runs[-1].append(block)
        else:
            runs.append([block])
    return tuple(map(tuple, runs))


def _follows(block: Block, last: Block) -> bool:
    return block.stretch == last.stretch and block.first == last.first + last.n_samples

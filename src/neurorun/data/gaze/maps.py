"""Gaze maps: where a reader looked, on the grid of the EEG.

Two recipes. ``original`` is that of the first gaze-guided EEG classifiers, number by number.
``foveal`` is in proper units: what the fovea sees is about one degree wide, which on a page of 10 s
is 0.2 to 0.4 s of EEG, however long it was looked at; the time of looking is the weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32
from pydantic import Field, PositiveFloat

from neurorun.core import Config, DataError
from neurorun.data.channel_names import canonical_name
from neurorun.data.gaze.channels import (
    HEART,
    REFERENTIAL,
    GazeMontage,
    MidlineRule,
    electrode_shares,
    montage_22,
)
from neurorun.data.gaze.fixations import Fixation

ORIGINAL_CHANNELS = REFERENTIAL
"""Rows of the original map."""

WITHOUT_GAZE = 0.01
"""What the original map holds everywhere where nobody looked."""

_SMEARED = 0.3
_CUT = 4.0


class GazeMapConfig(Config):
    """How fixations become a map."""

    recipe: Literal["foveal", "original"] = "foveal"
    """``foveal``: width from what the fovea sees, weight from dwell; ``original``: as first
    published, width from dwell, electrode rows whatever the EEG's rows are."""
    foveal_sigma: PositiveFloat = 0.3
    """Standard deviation in seconds of EEG of one fixation (``foveal``)."""
    midline: MidlineRule = "neighbours"
    """Where gaze on Fz and Pz goes in a TCP montage, which lacks them: half to the channels of
    F3, F4 and P3, P4 each, or nowhere."""
    unplaced: Literal["ignore", "smear"] = "ignore"
    """Fixations on no channel of the montage (between traces, ECG): left out, or given to all
    channels at 0.3 of their weight, as originally."""
    scale: Literal["max", "floor", "none"] = "max"
    """``max`` divides by the largest value; ``floor`` maps to 0.1 ... 1 after that; ``none`` leaves
    sums as they are, which may exceed 1. Three versions of the original differ in this."""
    smallest_weight: float = Field(default=0.0, ge=0.0, le=1.0)
    """Weight of the shortest fixation (``foveal``); the longest has 1, dwell decides between."""


@dataclass(frozen=True, eq=False)
class GazeMap:
    """Where a reader looked in one window.

    Parameters
    ----------
    values : >= 0; all zero (``original``: 0.01) without a placed fixation
    channels : names of the rows
    n_placed : fixations that are in it
    n_outside : fixations before or after the window
    n_unplaced : fixations in the window on no channel of the montage
    """

    values: Float32[np.ndarray, "channels samples"]
    channels: tuple[str, ...]
    n_placed: int
    n_outside: int
    n_unplaced: int

    @property
    def has_gaze(self) -> bool:
        """Whether the map says anything: an empty one must not be learned from."""
        return self.n_placed > 0


def gaze_map(
    fixations: Sequence[Fixation],
    config: GazeMapConfig | None = None,
    *,
    montage: GazeMontage = "tcp",
    onset_s: float = 0.0,
    rate_hz: float = 50.0,
    n_samples: int = 15000,
) -> GazeMap:
    """Draw fixations onto the grid of a window.

    Parameters
    ----------
    fixations : of the recording, times from its start
    config : recipe; None is the foveal one
    montage : of the EEG
    onset_s : where the window begins in the recording
    rate_hz, n_samples : of the window

    Raises
    ------
    DataError : the recipe ``original`` is asked for in a TCP montage, whose rows it does not have

    Examples
    --------
    >>> drawn = gaze_map([Fixation(2.0, 0.0, 0.3, ("CZ",))], n_samples=250)
    >>> [drawn.channels[row] for row in np.flatnonzero(drawn.values.max(axis=1))]
    ['C3-Cz', 'Cz-C4']
    """
    config = config or GazeMapConfig()
    channels = montage_22(montage)
    if config.recipe == "original" and montage != "referential":
        raise DataError(
            f"gaze.recipe is 'original', whose rows are electrodes; the montage is '{montage}', "
            "and only 'referential' has these rows. Use preprocessing.montage referential, or the "
            "recipe foveal."
        )
    duration_s = n_samples / rate_hz
    inside = [f for f in fixations if 0 <= f.x_s - onset_s <= duration_s]
    placed = [(f, _rows(f, channels, config)) for f in inside]
    n_unplaced = sum(not rows.any() for _, rows in placed)
    if config.unplaced == "smear":
        everywhere = np.full(len(channels), _SMEARED, np.float32)
        placed = [(f, rows if rows.any() else everywhere) for f, rows in placed]
    placed = [(f, rows) for f, rows in placed if rows.any()]
    draw = _original if config.recipe == "original" else _foveal
    values = draw(placed, config, onset_s=onset_s, rate_hz=rate_hz, n_samples=n_samples)
    return GazeMap(values, channels, len(placed), len(fixations) - len(inside), n_unplaced)


_Placed = Sequence[tuple[Fixation, Float32[np.ndarray, " channels"]]]


def _rows(
    fixation: Fixation, channels: Sequence[str], config: GazeMapConfig
) -> Float32[np.ndarray, " channels"]:
    """How much of a look falls on each channel, at most 1; the heart is no EEG.

    The original compares names as they are written, but for their case: ECG is no row of it.
    """
    shares = np.zeros(len(channels), np.float32)
    if config.recipe == "original":
        names = [name.upper() for name in channels]
        for name in fixation.channels:
            if name.upper() in names:
                shares[names.index(name.upper())] += 1
        return shares
    for name in fixation.channels:
        if canonical_name(name) != HEART:
            shares += electrode_shares(name, channels, midline=config.midline)
    return np.minimum(shares, 1)


def _foveal(
    placed: _Placed, config: GazeMapConfig, *, onset_s: float, rate_hz: float, n_samples: int
) -> Float32[np.ndarray, "channels samples"]:
    n_channels = len(placed[0][1]) if placed else 22
    values = np.zeros((n_channels, n_samples), np.float32)
    longest = max((f.duration_s for f, _ in placed), default=0.0)
    sigma = config.foveal_sigma * rate_hz
    reach = int(_CUT * sigma) + 1
    for fixation, rows in placed:
        dwell = fixation.duration_s / longest if longest > 0 else 1.0
        weight = config.smallest_weight + (1 - config.smallest_weight) * dwell
        centre = (fixation.x_s - onset_s) * rate_hz
        first, stop = max(0, int(centre) - reach), min(n_samples, int(centre) + reach + 1)
        distance = (np.arange(first, stop) - centre) / sigma
        bump = np.asarray(weight * np.exp(-0.5 * distance**2), np.float32)
        looked_at = np.flatnonzero(rows)
        values[looked_at, first:stop] += rows[looked_at, None] * bump
    return _scaled(values, config)


def _original(
    placed: _Placed, config: GazeMapConfig, *, onset_s: float, rate_hz: float, n_samples: int
) -> Float32[np.ndarray, "channels samples"]:
    """The recipe as first published, in its order of operations."""
    values = np.zeros((len(ORIGINAL_CHANNELS), n_samples), np.float32)
    if not placed:
        return values + np.float32(WITHOUT_GAZE)
    duration_s = n_samples / rate_hz
    for fixation, rows in placed:
        centre = int((fixation.x_s - onset_s) / duration_s * n_samples)
        centre = max(0, min(centre, n_samples - 1))
        half = max(1, int(fixation.duration_s * rate_hz) // 2)
        first, stop = max(0, centre - half), min(n_samples, centre + half)
        middle, sigma = (first + stop) / 2, max(1.0, (stop - first) / 4)
        distance = (np.arange(first, stop) - middle) / sigma
        weight = min(1.0, 2 * fixation.duration_s) * min(1.0, fixation.n_points / 50) * 0.8 + 0.2
        looked_at = np.flatnonzero(rows)
        values[looked_at, first:stop] += np.asarray(
            rows[looked_at, None] * (np.exp(-0.5 * distance**2) * weight), np.float32
        )
    return _scaled(values, config)


def _scaled(
    values: Float32[np.ndarray, "channels samples"], config: GazeMapConfig
) -> Float32[np.ndarray, "channels samples"]:
    largest = values.max(initial=0)
    if config.scale == "none" or not largest > 0:
        return values
    values /= largest
    return values * np.float32(0.9) + np.float32(0.1) if config.scale == "floor" else values

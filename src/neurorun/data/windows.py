"""Cut recordings into windows of equal length, and count the seizure in each.

A window is a view into its recording, never a copy: cut every 10 s, windows of 60 s would hold
the same signal six times. A window is known by its recording and its first sample; what kind it is
follows from where the seizures lie, by interval arithmetic.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Int8, Int32, Int64
from pydantic import PositiveFloat, model_validator

from neurorun.core import (
    Config,
    ConfigError,
    DataError,
    Event,
    Stretch,
    nearest_sample,
    whole_samples,
)

FULL_SHARE = 0.99
"""Share of a window that must lie in seizure events for the window to be `full`."""


class WindowConfig(Config):
    """How recordings are cut."""

    window_size: PositiveFloat = 60.0
    """Length of one window in seconds."""
    stride: PositiveFloat = 10.0
    """Distance between the starts of neighbouring windows in seconds; at most one window."""
    sampling_rate: PositiveFloat = 256.0
    """Samples per second of the windows, Hz; recordings are brought to it when prepared."""

    @model_validator(mode="after")
    def no_signal_is_skipped(self) -> "WindowConfig":
        """Refuse a stride that would leave signal between windows."""
        if self.stride > self.window_size:
            raise ConfigError(
                f"stride is {self.stride:g} s, windows are {self.window_size:g} s; it must be at "
                "most one window, or signal would be skipped. Lower stride."
            )
        return self

    @property
    def window_samples(self) -> int:
        """Samples of one window, a whole number."""
        return whole_samples(self.window_size, self.sampling_rate)


class WindowKind(IntEnum):
    """How much of a window lies in seizure events: nothing, some, or at least 99 %.

    Windows of a recording that nobody annotated are of none of these kinds.
    """

    UNLABELLED = -1
    BACKGROUND = 0
    PARTIAL = 1
    FULL = 2


def window_starts(
    n_samples: int, rate_hz: float, config: WindowConfig
) -> Int64[np.ndarray, " windows"]:
    """First sample of every window of a signal without gaps, strictly increasing.

    The last window ends with the signal, so every sample lies in some window; it may start less
    than one stride after its neighbour. Shorter signals are refused.

    Raises
    ------
    DataError : the signal is shorter than one window

    Examples
    --------
    >>> window_starts(25, 1.0, WindowConfig(window_size=10)).tolist()
    [0, 10, 15]
    """
    length = whole_samples(config.window_size, rate_hz)
    last = n_samples - length
    if last < 0:
        raise DataError(
            f"Recording of {n_samples / rate_hz:g} s is shorter than one window of "
            f"{config.window_size:g} s; leave it out of the split or shorten the window."
        )
    starts = np.arange(0, last + 1, whole_samples(config.stride, rate_hz), dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def seizure_samples(
    seizures: Iterable[Event], stretches: Sequence[Stretch], rate_hz: float
) -> tuple[tuple[int, int], ...]:
    """Where seizure events lie in the stored samples of a recording.

    Parameters
    ----------
    seizures : events in seconds from the start of the recording, in any order
    stretches : which samples were recorded when
    rate_hz : samples per second

    Returns
    -------
    ``(first, stop)`` of each piece, in order, apart from each other, none across two stretches.
    Both ends are rounded to the nearest sample; what lies in a gap or outside is cut off.

    Examples
    --------
    >>> seizure_samples([Event(3, 12)], [Stretch(0, 5, 0.0), Stretch(5, 5, 10.0)], 1.0)
    ((3, 5), (5, 7))
    """
    events = sorted(seizures)
    return tuple(piece for stretch in stretches for piece in _pieces(events, stretch, rate_hz))


def _pieces(events: Sequence[Event], stretch: Stretch, rate_hz: float) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for event in events:
        first, stop = (
            stretch.first + min(max(nearest_sample(time_s, rate_hz), 0), stretch.n_samples)
            for time_s in (event.onset_s - stretch.onset_s, event.offset_s - stretch.onset_s)
        )
        if first >= stop:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((first, stop))
    return merged


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the samples and the seizures of one stored recording lie: all that cutting needs.

    Parameters
    ----------
    recording_id : the recording
    stretches : its pieces without a gap, covering every stored sample
    seizures : ``(first, stop)`` in stored samples, in order, apart from each other; None where
        nobody annotated the recording
    """

    recording_id: str
    stretches: tuple[Stretch, ...]
    seizures: tuple[tuple[int, int], ...] | None

    @property
    def n_samples(self) -> int:
        """Stored samples per channel."""
        return self.stretches[-1].stop

    def starts(self, config: WindowConfig) -> Int64[np.ndarray, " windows"]:
        """First stored sample of every window; no window crosses a gap.

        Stretches shorter than one window are in no window (`short_s` counts them).

        Raises
        ------
        DataError : no stretch is as long as one window
        """
        length = config.window_samples
        cut = [
            stretch.first + window_starts(stretch.n_samples, config.sampling_rate, config)
            for stretch in self.stretches
            if stretch.n_samples >= length
        ]
        if not cut:
            longest_s = max(s.n_samples for s in self.stretches) / config.sampling_rate
            raise DataError(
                f"Recording '{self.recording_id}' has {longest_s:g} s without a gap, less than one "
                f"window of {config.window_size:g} s; leave it out of the split or shorten the "
                "window."
            )
        return np.concatenate(cut)

    def short_s(self, config: WindowConfig) -> float:
        """Seconds in stretches that are shorter than one window."""
        short = (s.n_samples for s in self.stretches if s.n_samples < config.window_samples)
        return sum(short) / config.sampling_rate


@dataclass(frozen=True, eq=False)
class WindowTable:
    """All windows of several recordings, one column per property.

    Parameters
    ----------
    recording : position of the window's recording in the sequence that was cut
    window_idx : position of the window among those of its recording
    first : its first stored sample
    n_seizure_samples : how many of its samples lie in seizure events; -1 where nobody knows
    n_samples : length of every window
    left_out : recordings too short for any window, by name
    short_s : seconds of all recordings that are in no window, since their stretch is too short
    """

    recording: Int32[np.ndarray, " windows"]
    window_idx: Int32[np.ndarray, " windows"]
    first: Int64[np.ndarray, " windows"]
    n_seizure_samples: Int64[np.ndarray, " windows"]
    n_samples: int
    left_out: tuple[str, ...] = ()
    short_s: float = 0.0

    def __len__(self) -> int:
        return len(self.first)

    @property
    def kind(self) -> Int8[np.ndarray, " windows"]:
        """`WindowKind` of every window."""
        return window_kinds(self.n_seizure_samples, self.n_samples)

    @property
    def seizure_share(self) -> float:
        """Share of the labelled windows that hold any seizure; NaN without such windows."""
        labelled = self.n_seizure_samples[self.n_seizure_samples >= 0]
        return float(np.mean(labelled > 0)) if len(labelled) else math.nan

    def of_kind(self, kind: WindowKind) -> Int64[np.ndarray, " chosen"]:
        """Rows of one kind, in order."""
        return np.flatnonzero(self.kind == kind)

    def take(self, rows: Int64[np.ndarray, " chosen"]) -> "WindowTable":
        """Make the table of the given rows, in the given order."""
        return WindowTable(
            self.recording[rows],
            self.window_idx[rows],
            self.first[rows],
            self.n_seizure_samples[rows],
            self.n_samples,
            self.left_out,
            self.short_s,
        )


def window_kinds(
    n_seizure_samples: Int64[np.ndarray, " windows"], n_samples: int
) -> Int8[np.ndarray, " windows"]:
    """`WindowKind` of windows of ``n_samples`` that hold so many seizure samples.

    >>> window_kinds(np.array([0, 1, 98, 99, -1]), 100).tolist()
    [0, 1, 1, 2, -1]
    """
    kinds: np.ndarray = np.sign(n_seizure_samples).astype(np.int8)
    kinds[n_seizure_samples / n_samples >= FULL_SHARE] = WindowKind.FULL
    return kinds


def tabulate_windows(extents: Sequence[Extent], config: WindowConfig) -> WindowTable:
    """Cut recordings and count the seizure samples of every window.

    Recordings shorter than one window are left out and named in the table.

    Raises
    ------
    DataError : no recording is as long as one window
    """
    length = config.window_samples
    usable = [i for i, e in enumerate(extents) if _longest(e) >= length]
    if not usable:
        raise DataError(
            f"None of {len(extents)} recordings has {config.window_size:g} s without a gap, one "
            "window; shorten data.window_size or take longer recordings."
        )
    starts = [extents[i].starts(config) for i in usable]
    counts = [len(s) for s in starts]
    base = np.cumsum([0, *(extents[i].n_samples for i in usable)])
    first = np.concatenate(starts)
    pieces = [
        (start + shift, stop + shift)
        for i, shift in zip(usable, base.tolist(), strict=False)
        for start, stop in extents[i].seizures or ()
    ]
    n_seizure_samples = _overlap(first + np.repeat(base[:-1], counts), length, pieces)
    n_seizure_samples[np.repeat([extents[i].seizures is None for i in usable], counts)] = -1
    return WindowTable(
        recording=np.repeat(np.array(usable, dtype=np.int32), counts),
        window_idx=np.concatenate([np.arange(n, dtype=np.int32) for n in counts]),
        first=first,
        n_seizure_samples=n_seizure_samples,
        n_samples=length,
        left_out=tuple(e.recording_id for e in extents if _longest(e) < length),
        short_s=sum(e.short_s(config) for e in extents),
    )


def _longest(extent: Extent) -> int:
    return max(stretch.n_samples for stretch in extent.stretches)


def _overlap(
    first: Int64[np.ndarray, " windows"], length: int, pieces: Sequence[tuple[int, int]]
) -> Int64[np.ndarray, " windows"]:
    """Samples that each window shares with the pieces, which are in order and disjoint."""
    if not pieces:
        return np.zeros(len(first), dtype=np.int64)
    onsets, stops = np.array(pieces, dtype=np.int64).T
    total = np.concatenate([[0], np.cumsum(stops - onsets)])

    def covered_before(sample: Int64[np.ndarray, " windows"]) -> Int64[np.ndarray, " windows"]:
        begun = np.searchsorted(onsets, sample, side="left")
        still_to_come = np.maximum(stops[begun - 1] - sample, 0)
        covered: np.ndarray = total[begun] - np.where(begun > 0, still_to_come, 0)
        return covered

    shared: np.ndarray = covered_before(first + length) - covered_before(first)
    return shared

"""Examples of gaze-guided classification: a standardized window, its class, its gaze if any.

Gaze maps are drawn when they are asked for, which takes milliseconds; nothing stands in the place
of gaze that was not recorded.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import numpy as np
from jaxtyping import Float32, Int64

from neurorun.data.abnormality.corpus import AbnormalityEntry, gaze_file_for
from neurorun.data.abnormality.window_files import StoredWindow, WindowRow
from neurorun.data.gaze import (
    Fixation,
    GazeMap,
    GazeMapConfig,
    GazeMontage,
    gaze_map,
    read_fixations,
)


class GazeTargets(TypedDict):
    """What a batch is trained towards.

    ``label``: 0 or 1; ``gaze``: maps, zero where there is none; ``has_gaze``: 1 or 0;
    ``n_valid``: samples that were recorded.
    """

    label: Int64[np.ndarray, " batch"]
    gaze: Float32[np.ndarray, "batch channels samples"]
    has_gaze: Float32[np.ndarray, " batch"]
    n_valid: Int64[np.ndarray, " batch"]


GazeBatch = tuple[Float32[np.ndarray, "batch channels samples"], GazeTargets]


@dataclass(frozen=True, eq=False)
class GazeExample:
    """One window with what is known about it.

    Parameters
    ----------
    window : its signal
    fixations : that lie in it, times from the start of the recording; empty without gaze
    gaze_file : where they were read, or None where nobody's gaze was recorded
    """

    window: StoredWindow
    fixations: tuple[Fixation, ...]
    gaze_file: Path | None

    @property
    def row(self) -> WindowRow:
        """Names, class and place of the window."""
        return self.window.row


class GazeExamples:
    """Windows with classes and gaze, in a fixed order.

    Parameters
    ----------
    windows : prepared
    entries : the recordings that they come from
    config : how gaze becomes a map
    montage, rate_hz : of the windows
    """

    def __init__(
        self,
        windows: Sequence[StoredWindow],
        entries: Sequence[AbnormalityEntry],
        config: GazeMapConfig,
        *,
        montage: GazeMontage,
        rate_hz: float,
    ) -> None:
        by_name = {entry.recording_id: entry for entry in entries}
        self.config, self.montage, self.rate_hz = config, montage, rate_hz
        self._items = tuple(
            self._item(window, by_name[window.row.recording_id]) for window in windows
        )
        self.labels = np.array([item.row.label for item in self._items], np.int64)
        drawn = [self.map_of(index) for index in range(len(self))]
        self.has_gaze = np.array([one.has_gaze for one in drawn], np.bool_)
        self.n_unplaced = np.array([one.n_unplaced for one in drawn], np.int64)

    def _item(self, window: StoredWindow, entry: AbnormalityEntry) -> GazeExample:
        path = gaze_file_for(entry, window.row.number)
        if path is None:
            return GazeExample(window, (), None)
        onset_s, n_samples = window.row.onset_s, window.row.n_valid
        offset_s = onset_s + n_samples / self.rate_hz
        inside = tuple(f for f in _fixations(path) if onset_s <= f.x_s <= offset_s)
        return GazeExample(window, inside, path)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> GazeExample:
        """One window with its fixations."""
        return self._items[index]

    def __iter__(self) -> Iterator[GazeExample]:
        return iter(self._items)

    def map_of(self, index: int) -> GazeMap:
        """Draw the gaze map of an example; padding holds no gaze."""
        return self.draw(index, self._items[index].fixations)

    def draw(self, index: int, fixations: Sequence[Fixation]) -> GazeMap:
        """Draw a map of some fixations onto the grid of an example."""
        item = self._items[index]
        drawn = gaze_map(
            fixations,
            self.config,
            montage=self.montage,
            onset_s=item.row.onset_s,
            rate_hz=self.rate_hz,
            n_samples=item.window.shape[1],
        )
        drawn.values[:, item.row.n_valid :] = 0
        return drawn

    def batch(self, indices: Sequence[int]) -> GazeBatch:
        """Put some examples together."""
        shape = self._items[0].window.shape
        inputs = np.empty((len(indices), *shape), np.float32)
        gaze = np.zeros((len(indices), *shape), np.float32)
        for place, index in enumerate(indices):
            self._items[index].window.standardized(out=inputs[place])
            if self.has_gaze[index]:
                gaze[place] = self.map_of(index).values
        chosen = list(indices)
        n_valid = np.array([self._items[i].row.n_valid for i in chosen], np.int64)
        return inputs, GazeTargets(
            label=self.labels[chosen],
            gaze=gaze,
            has_gaze=self.has_gaze[chosen].astype(np.float32),
            n_valid=n_valid,
        )

    def batches(self, groups: Sequence[Sequence[int]], *, n_ahead: int = 0) -> Iterator[GazeBatch]:
        """Put groups of examples together, some of them ahead of being asked for.

        Parameters
        ----------
        groups : indices of every batch
        n_ahead : batches that a thread makes ready meanwhile; 0 makes them when asked
        """
        if n_ahead < 1:
            yield from (self.batch(group) for group in groups)
            return
        waiting: deque[Future[GazeBatch]] = deque()
        with ThreadPoolExecutor(1, "neurorun-gaze") as thread:
            for group in groups:
                waiting.append(thread.submit(self.batch, group))
                if len(waiting) > n_ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def class_counts(self) -> Mapping[int, int]:
        """Windows of each class, counted without reading a signal."""
        return {label: int((self.labels == label).sum()) for label in (0, 1)}


@lru_cache(maxsize=256)
def _fixations(path: Path) -> tuple[Fixation, ...]:
    return read_fixations(path).fixations

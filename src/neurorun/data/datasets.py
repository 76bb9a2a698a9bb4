"""Windows and their masks as examples for training and prediction.

The datasets are sequences of ``(window, mask)``, so PyTorch's ``DataLoader``, its samplers, worker
processes and pinned memory take them as they are; a batch is gathered at once, into one array.
`ExampleLoader` reads them faster still, into buffers that are used again and again.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from neurorun.core import require
from neurorun.data.cache import Cache, open_cache
from neurorun.data.cached_recording import CachedRecording
from neurorun.data.manifest import load_manifest
from neurorun.data.object_storage import ObjectUrl, Place
from neurorun.data.sampling import balanced_selection
from neurorun.data.windows import WindowConfig, WindowTable, tabulate_windows

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger(__name__)

Example = tuple[Float32[np.ndarray, "channels samples"], Float32[np.ndarray, " samples"]]


class GatheredExamples(list[Example]):
    """Examples of a batch, each a view into the two arrays of all.

    Parameters
    ----------
    inputs, targets : windows and masks, one after the other
    """

    def __init__(
        self,
        inputs: Float32[np.ndarray, "batch channels samples"],
        targets: Float32[np.ndarray, "batch samples"],
    ) -> None:
        super().__init__(zip(inputs, targets, strict=True))
        self.inputs, self.targets = inputs, targets


def collate_gathered(examples: GatheredExamples) -> "tuple[Tensor, Tensor]":
    """Hand the two arrays of a gathered batch to PyTorch without copying them.

    For ``DataLoader(dataset, batch_size=16, collate_fn=collate_gathered)``; PyTorch's own function
    gives equal tensors, but copies every window once more.
    """
    torch = require("torch", extra="train")
    return torch.from_numpy(examples.inputs), torch.from_numpy(examples.targets)


class EEGWindowDataset:
    """Every window of several recordings, with its mask.

    Parameters
    ----------
    recordings : cache, folder of a cache, or prepared recordings
    windows : how to cut; if None, windows of 60 s every 10 s at the rate of the recordings
    table : windows to use instead of all, cut from the same recordings

    Raises
    ------
    DataError : the folder holds no usable cache, or no recording is as long as one window
    """

    def __init__(
        self,
        recordings: Cache | Place | str | Sequence[CachedRecording],
        windows: WindowConfig | None = None,
        *,
        table: WindowTable | None = None,
    ) -> None:
        if isinstance(recordings, Path | ObjectUrl | str):
            recordings = open_cache(recordings)
        self.recordings = recordings
        self.windows = windows or WindowConfig(sampling_rate=recordings[0].rate_hz)
        self.table = table if table is not None else _tabulated(recordings, self.windows)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> Example:
        """Window and mask (1 in a seizure, else 0; NaN where nobody annotated)."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        window = np.empty(self.input_shape, np.float32)
        mask = np.empty(self.target_shape, np.float32)
        self.fill(index, window, mask)
        return window, mask

    def __getitems__(self, indices: Sequence[int]) -> GatheredExamples:
        """Windows and masks of a whole batch, read into one array each; PyTorch asks for this."""
        inputs = np.empty((len(indices), *self.input_shape), np.float32)
        targets = np.empty((len(indices), *self.target_shape), np.float32)
        for place, index in enumerate(indices):
            if not 0 <= index < len(self):
                raise IndexError(index)
            self.fill(index, inputs[place], targets[place])
        return GatheredExamples(inputs, targets)

    @property
    def input_shape(self) -> tuple[int, int]:
        """Channels and samples of one window."""
        return len(self.recordings[0].channels), self.table.n_samples

    @property
    def target_shape(self) -> tuple[int]:
        """Samples of one mask."""
        return (self.table.n_samples,)

    def fill(
        self,
        index: int,
        inputs: Float32[np.ndarray, "channels samples"],
        targets: Float32[np.ndarray, " samples"],
    ) -> None:
        """Write one window and its mask into arrays that are there already."""
        recording = self.recordings[int(self.table.recording[index])]
        first = int(self.table.first[index])
        recording.window(first, self.table.n_samples, out=inputs)
        recording.fill_target(first, targets)


def _tabulated(recordings: Cache | Sequence[CachedRecording], windows: WindowConfig) -> WindowTable:
    if isinstance(recordings, Cache):
        table = recordings.windows(windows)
    else:
        table = tabulate_windows([recording.extent for recording in recordings], windows)
    if table.left_out or table.short_s:
        _log.warning(
            "%.1f s lie in stretches shorter than one window of %g s and are in no window; "
            "recordings without any window: %s",
            table.short_s,
            windows.window_size,
            ", ".join(table.left_out) or "none",
        )
    return table


class BalancedSeizureDataset(EEGWindowDataset):
    """All windows at seizure borders of a cache, and a share of the others, selected once.

    Parameters
    ----------
    cache_dir : folder of one split
    full_ratio, background_ratio : windows of these kinds for each partial window
    seed : of the selection
    ensure_manifest : whether a manifest that is missing or not true is written again
    windows : how to cut; if None, windows of 60 s every 10 s

    Raises
    ------
    DataError : the folder holds no usable cache, or there is no partial window; or the manifest
        is missing or not true, and ``ensure_manifest`` is false
    """

    def __init__(
        self,
        cache_dir: Cache | Place | str,
        *,
        full_ratio: float = 0.3,
        background_ratio: float = 2.5,
        seed: int = 42,
        ensure_manifest: bool = True,
        windows: WindowConfig | None = None,
    ) -> None:
        manifest = load_manifest(cache_dir, windows, rebuild=ensure_manifest)
        chosen = balanced_selection(
            manifest.table, full_ratio=full_ratio, background_ratio=background_ratio, seed=seed
        )
        super().__init__(manifest.cache, manifest.windows, table=manifest.table.take(chosen))

"""Windows as they are stored, made into values where the model computes.

A window in int16 is half as large as in float32, so copying it to a GPU takes half the time; there
the multiplication and the addition cost nothing that could be measured. The values are those of
`CachedRecording.window`, to the bit: the same float32 operations in the same order.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32

from neurorun.core import Config
from neurorun.data.datasets import EEGWindowDataset
from neurorun.data.loader import Examples, InputShape


class TransferConfig(Config):
    """How windows reach the device where the model computes."""

    dequantize_on_device: bool = False
    """Whether windows travel as stored, in int16, and become float32 where the model computes: half
    the transfer, the same values."""


class StoredWindows:
    """The windows of a dataset as stored steps; `decode_windows` makes values of a batch.

    An input has the parts ``steps`` int16 (channels, samples), ``gain`` and ``bias`` float32
    (channels,), and ``clip_at`` float32 (1,), infinite without limit.

    Parameters
    ----------
    dataset : whose windows these are
    """

    def __init__(self, dataset: EEGWindowDataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def input_shape(self) -> InputShape:
        """Shape and type of each part of one input."""
        n_channels, n_samples = self._dataset.input_shape
        single = np.dtype(np.float32)
        return {
            "steps": ((n_channels, n_samples), np.dtype(np.int16)),
            "gain": ((n_channels,), single),
            "bias": ((n_channels,), single),
            "clip_at": ((1,), single),
        }

    @property
    def target_shape(self) -> tuple[int]:
        """Samples of one mask."""
        return self._dataset.target_shape

    def fill(
        self, index: int, inputs: Mapping[str, np.ndarray], targets: Float32[np.ndarray, " samples"]
    ) -> None:
        """Write one window and its mask into arrays that are there already."""
        table = self._dataset.table
        recording = self._dataset.recordings[int(table.recording[index])]
        first = int(table.first[index])
        steps, reading = recording.stored_window(first, table.n_samples)
        np.copyto(inputs["steps"], steps)
        inputs["gain"][:] = reading.gain[:, 0]
        inputs["bias"][:] = 0.0 if reading.bias is None else reading.bias[:, 0]
        inputs["clip_at"][:] = np.inf if reading.clip_at is None else reading.clip_at
        recording.fill_target(first, targets)


def examples_of(dataset: EEGWindowDataset, config: TransferConfig) -> Examples:
    """Choose how the windows of a dataset travel: as values, or as they are stored."""
    return StoredWindows(dataset) if config.dequantize_on_device else dataset


def decode_windows(inputs: Any) -> Any:
    """Make a batch of stored windows into values, on whatever device it lies.

    Parameters
    ----------
    inputs : the parts of `StoredWindows`, NumPy arrays or PyTorch tensors; anything that has no
        parts is values already and is handed back

    Returns
    -------
    float32 (batch, channels, samples), equal to what `CachedRecording.window` gives

    Examples
    --------
    >>> constants = {"gain": [[0.5]], "bias": [[1.0]], "clip_at": [[10.0]]}
    >>> batch = {name: np.array(values, np.float32) for name, values in constants.items()}
    >>> decode_windows({"steps": np.array([[[2, -4, 99]]], np.int16), **batch}).tolist()
    [[[2.0, -1.0, 10.0]]]
    """
    if not isinstance(inputs, Mapping):
        return inputs
    values = inputs["steps"] * inputs["gain"][:, :, None]
    values += inputs["bias"][:, :, None]
    limit = inputs["clip_at"][:, :, None]
    return values.clip(-limit, limit)

"""Batches as tasks give them: one array, or several by name or in order."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from neurorun.training.task import Arrays


def to_tensors(arrays: Arrays, device: torch.device) -> Arrays:
    """Turn arrays into tensors on a device; what PyTorch can use as it is, is not copied."""
    return _map(arrays, lambda leaf: _to_tensor(leaf).to(device))


def _to_tensor(leaf: np.ndarray | Tensor) -> Tensor:
    if isinstance(leaf, Tensor):
        return leaf
    return torch.from_numpy(np.require(leaf, requirements=["C", "W"]))


def count_examples(arrays: Arrays) -> int:
    """Length of the first axis of the first array."""
    return len(next(iter(named_leaves("", arrays).values())))


def named_leaves(name: str, arrays: Arrays) -> dict[str, np.ndarray | Tensor]:
    """List all arrays of a batch under dotted names.

    >>> list(named_leaves("inputs", {"eeg": np.zeros(1), "gaze": np.zeros(1)}))
    ['inputs.eeg', 'inputs.gaze']
    """
    if isinstance(arrays, Mapping):
        return {f"{name}.{key}": leaf for key, leaf in arrays.items()}
    if isinstance(arrays, tuple):
        return {f"{name}.{index}": leaf for index, leaf in enumerate(arrays)}
    return {name: arrays}


def _map(arrays: Arrays, change: Callable[[np.ndarray | Tensor], Tensor]) -> Arrays:
    if isinstance(arrays, Mapping):
        return {key: change(leaf) for key, leaf in arrays.items()}
    if isinstance(arrays, tuple):
        return tuple(change(leaf) for leaf in arrays)
    return change(arrays)

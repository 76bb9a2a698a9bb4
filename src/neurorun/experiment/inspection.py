"""What an experiment would train on: its data are prepared and its first batches are made."""

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from neurorun.core import SILENT, Progress
from neurorun.experiment.config import Experiment
from neurorun.runs import flat
from neurorun.tasks import LooksAtData, PreparedTask

_N_TIMED = 20


def inspect_data(experiment: Experiment, *, progress: Progress = SILENT) -> dict[str, str]:
    """Prepare the data, make some batches, and tell what was found, in words.

    Parameters
    ----------
    progress : shows what is being done

    Returns
    -------
    By name: every split, the kinds of examples, the first batch, batches per second, and what
    identifies the data

    Raises
    ------
    DataError : there is nothing to learn from, or the data cannot be used
    """
    task, settings = experiment.task, experiment.settings
    looked = task.look_at_data(settings, progress=progress) if isinstance(task, LooksAtData) else {}
    prepared = task.prepare(settings, progress=progress)
    return {
        **looked,
        **_splits(prepared),
        **_kinds(prepared),
        **_batches(prepared),
        **{f"data: {name}": str(value) for name, value in flat(prepared.data_identity()).items()},
    }


def _splits(prepared: PreparedTask) -> dict[str, str]:
    return {
        f"split {name}": f"{len(items):,} items of {len(set(items.values())):,} groups"
        for name, items in prepared.members().items()
    }


def _kinds(prepared: PreparedTask) -> dict[str, str]:
    return {
        f"examples {dataset}": ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        for dataset, counts in prepared.class_distributions().items()
    }


def _batches(prepared: PreparedTask) -> dict[str, str]:
    """Shapes of the first batch, and how fast batches come when nobody computes with them."""
    start_s = time.perf_counter()
    batches = iter(prepared.batches(1))
    inputs, targets = next(batches)
    told = {"inputs": _in_words(inputs), "targets": _in_words(targets)}
    first_s = time.perf_counter() - start_s
    n_more = sum(1 for _ in itertools.islice(batches, _N_TIMED))
    rest_s = time.perf_counter() - start_s - first_s
    told["first batch"] = f"after {first_s:.2f} s"
    if n_more:
        told["batches"] = f"{n_more / rest_s:.1f} per second over {n_more} batches"
    return told


def _in_words(arrays: Any) -> str:
    """Shape, type and range of one array, or of several under their names.

    >>> _in_words(np.zeros((2, 3), dtype=np.float32))
    '(2, 3) float32, 0 to 0'
    """
    if isinstance(arrays, Mapping):
        return "; ".join(f"{name} {_in_words(one)}" for name, one in arrays.items())
    if isinstance(arrays, Sequence):
        return "; ".join(_in_words(one) for one in arrays)
    array = arrays.cpu().numpy() if isinstance(arrays, Tensor) else np.asarray(arrays)
    return f"{array.shape} {array.dtype}, {array.min():.3g} to {array.max():.3g}"

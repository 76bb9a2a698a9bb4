"""Batches of simulated examples, made ahead by threads into buffers that are used again."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, Int64

from neurorun.simulation.source.maker import ExampleMaker
from neurorun.simulation.source.plan import NOTHING

Allocate = Callable[[tuple[int, ...]], np.ndarray]


class SparseTargets(NamedTuple):
    """Targets of a batch without the regions that are silent.

    Parameters
    ----------
    regions : regions of the patches of each example, filled with -1
    values : their activity, 0 where there is none
    """

    regions: Int32[np.ndarray, "batch patch"]
    values: Float32[np.ndarray, "batch patch samples"]

    def dense(self, n_regions: int) -> Float32[np.ndarray, "batch regions samples"]:
        """The same targets with all regions."""
        batch, _, n_samples = self.values.shape
        whole = np.zeros((batch, n_regions, n_samples), np.float32)
        for example in range(batch):
            present = self.regions[example] >= 0
            whole[example, self.regions[example, present]] = self.values[example, present]
        return whole


Targets = Float32[np.ndarray, "batch regions samples"] | SparseTargets
SourceBatch = tuple[Float32[np.ndarray, "batch channels samples"], Targets]


def plain_buffer(shape: tuple[int, ...]) -> np.ndarray:
    """Ordinary memory, zeroed."""
    return np.zeros(shape, np.float32)


class BatchBuffer:
    """Memory of one batch; of dense targets only the rows of the last patches are cleared.

    Parameters
    ----------
    eeg_shape : examples, channels, samples
    height : regions of a dense target, or room for those of all patches of an example
    sparse : whether targets leave out silent regions
    allocate : makes float32 buffers
    """

    def __init__(
        self, eeg_shape: tuple[int, int, int], height: int, *, sparse: bool, allocate: Allocate
    ) -> None:
        batch_size, _, n_samples = eeg_shape
        self._sparse = sparse
        self._eeg = allocate(eeg_shape)
        self._targets = allocate((batch_size, height, n_samples))
        self._targets[:] = 0
        self._regions = np.full((batch_size, height if sparse else 0), NOTHING, np.int32)
        self._written = [np.empty(0, np.int64)] * batch_size

    def fill(
        self, maker: ExampleMaker, rows: Int64[np.ndarray, " batch"], epoch: int
    ) -> SourceBatch:
        """Make the examples of some rows; the arrays are views into this buffer."""
        n, height = len(rows), 1
        for place, made in enumerate(maker.make(rows, epoch, self._eeg)):
            target, width = self._targets[place], len(made.regions)
            if self._sparse:
                target[:width], target[width:] = made.values, 0
                self._regions[place, :width] = made.regions
                self._regions[place, width:] = NOTHING
                height = max(height, width)
            else:
                target[self._written[place]] = 0
                target[made.regions] = made.values
                self._written[place] = made.regions
        if not self._sparse:
            return self._eeg[:n], self._targets[:n]
        return self._eeg[:n], SparseTargets(self._regions[:n, :height], self._targets[:n, :height])


Fill = Callable[[BatchBuffer, Int64[np.ndarray, " batch"]], SourceBatch]


class BatchRing:
    """Makes batches in order, some ahead of the one that is asked for.

    Parameters
    ----------
    buffers : one more than batches that may be made ahead
    n_workers : threads; 0 makes a batch when it is asked for
    """

    def __init__(self, buffers: list[BatchBuffer], n_workers: int) -> None:
        self._buffers, self._n_workers = buffers, n_workers

    def run(
        self, batches: list[Int64[np.ndarray, " _"]], fill: Fill
    ) -> Iterator[tuple[SourceBatch, float]]:
        """Yield each batch, valid until the next is asked for, and the seconds waited for it."""
        if not self._n_workers:
            for rows in batches:
                begun = time.perf_counter()
                yield fill(self._buffers[0], rows), time.perf_counter() - begun
            return
        threads = ThreadPoolExecutor(self._n_workers, "neurorun-source")
        waiting: deque[Future[SourceBatch]] = deque()
        try:
            for number in range(len(batches) + len(self._buffers) - 1):
                if number < len(batches):
                    buffer = self._buffers[number % len(self._buffers)]
                    waiting.append(threads.submit(fill, buffer, batches[number]))
                if number >= len(self._buffers) - 1 and waiting:
                    begun = time.perf_counter()
                    batch = waiting.popleft().result()
                    yield batch, time.perf_counter() - begun
        finally:
            threads.shutdown(cancel_futures=True)

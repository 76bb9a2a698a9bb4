"""Batches of examples, read ahead by threads into buffers that are used again and again.

A window is read as fast as memory can be copied; worker processes would spend longer on handing
batches over than on making them. Threads write into a ring of buffers, and NumPy lets go of the
interpreter while it computes. Which thread does what changes nothing in the batches.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64
from pydantic import Field

from neurorun.core import Config

Inputs = np.ndarray | Mapping[str, np.ndarray]
"""One float32 array, or several arrays under names; the first axis counts examples."""

Batch = tuple[Any, Float32[np.ndarray, "batch ..."]]
"""`Inputs` as the examples have them, and their targets."""
Order = Callable[[int], Int64[np.ndarray, " examples"]]
Allocate = Callable[[tuple[int, ...]], np.ndarray]


class LoaderConfig(Config):
    """How batches are read."""

    batch_size: int = Field(default=16, ge=1, le=256)
    """Examples per batch; the last batch of an epoch may have fewer."""

    num_workers: int = Field(default=2, ge=0, le=32)
    """Threads that read ahead; 0 reads when a batch is asked for."""

    prefetch_factor: int = Field(default=2, ge=1, le=16)
    """Batches that are read ahead, all threads together; each takes one buffer."""

    persistent_workers: bool = False
    """Whether threads and buffers are kept from one epoch to the next."""

    pin_memory: bool = True
    """Whether buffers lie in page-locked memory, from which a GPU copies faster; without CUDA they
    never do."""


InputShape = tuple[int, ...] | Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]
"""Shape of one float32 input; or shape and type of each of its parts, by name."""


@runtime_checkable
class Examples(Protocol):
    """Examples that can be written into a given place."""

    @property
    def input_shape(self) -> InputShape:
        """Shape of one input, or shapes and types of its parts."""
        ...

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Shape of one target."""
        ...

    def __len__(self) -> int: ...

    def fill(self, index: int, inputs: Any, targets: np.ndarray) -> None:
        """Write one input and its target; called from several threads at once.

        ``inputs`` is an array, or a dictionary of arrays where the input has parts.
        """
        ...


class ExampleLoader:
    """Reads the batches of an epoch, from any batch on.

    Parameters
    ----------
    examples : what to read
    batch_size : examples per batch
    order : which examples an epoch sees, in which order; all of them as they come if None
    num_workers : threads that read ahead; 0 reads when a batch is asked for
    prefetch_factor : batches that are read ahead, if there are threads
    persistent_workers : whether threads and buffers are kept from one epoch to the next, until
        `close`
    allocate : makes a float32 buffer of a shape; for page-locked memory, for example

    Examples
    --------
    >>> class Squares:
    ...     input_shape, target_shape = (1,), (1,)
    ...
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def fill(self, index, inputs, targets):
    ...         inputs[:], targets[:] = index, index**2
    >>> loader = ExampleLoader(Squares(), batch_size=2)
    >>> [targets.tolist() for _, targets in loader.batches(epoch=0)]
    [[[0.0], [1.0]], [[4.0]]]
    """

    def __init__(
        self,
        examples: Examples,
        *,
        batch_size: int,
        order: Order | None = None,
        num_workers: int = 0,
        prefetch_factor: int = 2,
        persistent_workers: bool = False,
        allocate: Allocate | None = None,
    ) -> None:
        self.examples, self.batch_size = examples, batch_size
        self._order = order or _as_they_come(len(examples))
        self._n_workers, self._n_ahead = num_workers, prefetch_factor if num_workers else 0
        self._persistent = persistent_workers
        self._allocate = allocate or _plain_buffer
        self._idle: list[_Ring] = []
        self.waited_s = 0.0
        """Seconds that the callers of `batches` have waited for a batch so far."""

    def n_batches(self, epoch: int = 0) -> int:
        """Count the batches of an epoch."""
        return -(-len(self._order(epoch)) // self.batch_size)

    def batches(self, epoch: int, *, first_batch: int = 0, stride: int = 1) -> Iterator[Batch]:
        """Yield inputs and targets, batch by batch.

        Parameters
        ----------
        epoch : from 0
        first_batch : how many batches of the epoch to leave out, when training goes on
        stride : only every so many-th batch from there on, when several processes share an epoch

        Yields
        ------
        ``(inputs, targets)``: views into buffers, valid until the next batch is asked for. Copy
        what is kept, and let a copy to a GPU end before asking for more.
        """
        rows = self._order(epoch)
        starts = range(first_batch * self.batch_size, len(rows), stride * self.batch_size)
        ring = self._idle.pop() if self._idle else self._new_ring()
        try:
            for batch, waited_s in ring.run([rows[s : s + self.batch_size] for s in starts]):
                self.waited_s += waited_s
                yield batch
        finally:
            self._put_aside(ring)

    def close(self) -> None:
        """Let threads and buffers go."""
        while self._idle:
            self._idle.pop().close()

    def _new_ring(self) -> "_Ring":
        buffers = [
            (
                _input_buffer(self.examples.input_shape, self.batch_size, self._allocate),
                self._allocate((self.batch_size, *self.examples.target_shape)),
            )
            for _ in range(self._n_ahead + 1)
        ]
        return _Ring(self.examples, buffers, self._n_workers)

    def _put_aside(self, ring: "_Ring") -> None:
        if self._persistent:
            self._idle.append(ring)
        else:
            ring.close()


def _as_they_come(n_examples: int) -> Order:
    return lambda _: np.arange(n_examples)


def _plain_buffer(shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape, np.float32)


def _input_buffer(shape: InputShape, batch_size: int, allocate: Allocate) -> Inputs:
    if not isinstance(shape, Mapping):
        return allocate((batch_size, *shape))
    return {
        name: _buffer_of_type((batch_size, *part), dtype, allocate)
        for name, (part, dtype) in shape.items()
    }


def _buffer_of_type(shape: tuple[int, ...], dtype: np.dtype[Any], allocate: Allocate) -> np.ndarray:
    """Memory of the allocator, which knows float32 only, seen as another type."""
    n_bytes = math.prod(shape) * dtype.itemsize
    memory = allocate((-(-n_bytes // 4),))
    return memory.view(np.uint8)[:n_bytes].view(dtype).reshape(shape)


def _part(arrays: Inputs, place: int | slice) -> Any:
    """The same place of one array, or of all."""
    if isinstance(arrays, Mapping):
        return {name: array[place] for name, array in arrays.items()}
    return arrays[place]


class _Ring:
    """Buffers in a ring: one is with the caller, the others are being filled or wait.

    All threads work at one batch, then at the next: fewer buffers are touched, so more of them
    stay near the processor, and the first batch is there sooner.
    """

    def __init__(
        self,
        examples: Examples,
        buffers: list[tuple[Inputs, np.ndarray]],
        n_workers: int,
    ) -> None:
        self._examples, self._buffers = examples, buffers
        self._n_workers = n_workers
        self._threads = ThreadPoolExecutor(n_workers, "neurorun-loader") if n_workers else None

    def run(self, batches: list[np.ndarray]) -> Iterator[tuple[Batch, float]]:
        """Yield every batch, and the seconds that were waited for it."""
        filling: deque[list[Future[None]]] = deque()
        try:
            for number, rows in enumerate(batches):
                begun_s = time.perf_counter()
                if self._threads is None:
                    self._fill(number, rows, 0)
                else:
                    last = min(number + len(self._buffers), len(batches))
                    for ahead in range(number + len(filling), last):
                        filling.append(self._begin(self._threads, ahead, batches[ahead]))
                    for future in filling[0]:
                        future.result()
                    filling.popleft()
                inputs, targets = self._buffers[number % len(self._buffers)]
                batch = _part(inputs, slice(len(rows))), targets[: len(rows)]
                yield batch, time.perf_counter() - begun_s
        finally:
            wait([future for parts in filling for future in parts if not future.cancel()])

    def close(self) -> None:
        """Let the threads go."""
        if self._threads is not None:
            self._threads.shutdown()

    def _begin(
        self, threads: ThreadPoolExecutor, number: int, rows: np.ndarray
    ) -> list[Future[None]]:
        n_each = -(-len(rows) // self._n_workers)
        return [
            threads.submit(self._fill, number, rows[first : first + n_each], first)
            for first in range(0, len(rows), n_each)
        ]

    def _fill(self, number: int, rows: np.ndarray, first: int) -> None:
        inputs, targets = self._buffers[number % len(self._buffers)]
        for place, row in enumerate(rows.tolist(), start=first):
            self._examples.fill(row, _part(inputs, place), targets[place])

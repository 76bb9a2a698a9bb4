"""The examples of one split: one by one with their truth, or in batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from neurorun.simulation.source.batches import (
    Allocate,
    BatchBuffer,
    BatchRing,
    SourceBatch,
    plain_buffer,
)
from neurorun.simulation.source.clip_file import RATE_HZ
from neurorun.simulation.source.maker import ExampleMaker
from neurorun.simulation.source.plan import SourcePlan

FIXED_EPOCH = 0
"""Epoch from which examples are drawn that must be the same each time."""


@dataclass(frozen=True, eq=False)
class SourceExample:
    """One example with its truth.

    Parameters
    ----------
    eeg, target : as a model sees them
    centres : region at the centre of each active source
    patches : regions of each active source, centre first as in the plan
    snr_db : stated level of the noise
    true_snr_db : power of the signal over that of the noise that was added, both as a model sees
        them; infinite without noise
    noise_std : expected deviation of the noise in each channel, in units of ``eeg``, before the
        mean over channels is removed
    eeg_scale, target_scale : what EEG (leadfield times mV) and target (mV) were divided by
    """

    eeg: Float32[np.ndarray, "channels samples"]
    target: Float32[np.ndarray, "regions samples"]
    centres: tuple[int, ...]
    patches: tuple[Int64[np.ndarray, " _patch"], ...]
    snr_db: float
    true_snr_db: float
    noise_std: Float64[np.ndarray, " channels"]
    eeg_scale: float
    target_scale: float


class SourceExamples:
    """Examples of a split; each is a function of seed, epoch and row.

    Parameters
    ----------
    maker : makes them
    shuffled : whether an epoch has an order of its own and draws of its own; if not, rows come as
        they are, and always the same
    batch_size, n_workers, prefetch : as in the configuration
    sparse : whether targets leave out silent regions
    allocate : makes float32 buffers
    """

    rate_hz = RATE_HZ

    def __init__(
        self,
        maker: ExampleMaker,
        *,
        shuffled: bool,
        batch_size: int,
        n_workers: int = 0,
        prefetch: int = 2,
        sparse: bool = False,
        allocate: Allocate = plain_buffer,
    ) -> None:
        self.maker, self.shuffled, self.batch_size = maker, shuffled, batch_size
        self.sparse = sparse
        self._n_workers, self._n_ahead = n_workers, prefetch if n_workers else 0
        self._allocate = allocate
        self._ring: BatchRing | None = None
        self.waited_s = 0.0
        """Seconds that the callers of `batches` have waited for a batch so far."""

    @property
    def plan(self) -> SourcePlan:
        """The rows of this split."""
        return self.maker.plan

    @property
    def n_channels(self) -> int:
        """Channels of the EEG."""
        return int(self.maker.n_channels)

    @property
    def n_regions(self) -> int:
        """Regions of the target."""
        return int(self.maker.n_regions)

    @property
    def n_samples(self) -> int:
        """Samples of both."""
        return self.maker.n_samples

    @property
    def width(self) -> int:
        """Regions that the patches of an example have at most."""
        return self.maker.width

    def __len__(self) -> int:
        return len(self.plan)

    def maker_for(
        self, rows: Int64[np.ndarray, " rows"], epoch: int
    ) -> tuple[ExampleMaker, Int64[np.ndarray, " rows"]]:
        """What makes some rows of an epoch, and where they are in its plan."""
        del epoch
        return self.maker, rows

    def example(self, row: int, *, epoch: int = FIXED_EPOCH) -> SourceExample:
        """Make one example in memory of its own, with what is known of it.

        Parameters
        ----------
        row : position in this split
        epoch : decides amplitudes and noise
        """
        maker, rows = self.maker_for(np.array([row]), epoch)
        eeg = np.empty((1, maker.n_channels, maker.n_samples), np.float32)
        clean = np.empty_like(eeg)
        clean_scale = next(maker.make(rows, epoch, clean, noise="none")).eeg_scale
        made = next(maker.make(rows, epoch, eeg))
        target = np.zeros((maker.n_regions, maker.n_samples), np.float32)
        target[made.regions] = made.values
        plan, row = maker.plan, int(rows[0])
        sources = maker.active_sources(row)
        return SourceExample(
            eeg=eeg[0],
            target=target,
            centres=tuple(int(c) for c in plan.centres[row, sources]),
            patches=tuple(plan.patch(row, source) for source in sources),
            snr_db=float(plan.snr_db[row]),
            true_snr_db=_ratio_db(clean[0] * (clean_scale / made.eeg_scale), eeg[0]),
            noise_std=made.noise_std,
            eeg_scale=made.eeg_scale,
            target_scale=made.target_scale,
        )

    def order(self, epoch: int) -> Int64[np.ndarray, " rows"]:
        """Rows of an epoch, in the order in which they come."""
        if not self.shuffled:
            return np.arange(len(self))
        rng = np.random.default_rng([self.maker.recipe.seed, epoch])
        return rng.permutation(len(self))

    def draws_of(self, epoch: int) -> int:
        """Epoch from which amplitudes and noise of an epoch are drawn."""
        return epoch if self.shuffled else FIXED_EPOCH

    def rows_of_batches(
        self, epoch: int, start: int, stride: int
    ) -> list[Int64[np.ndarray, " batch"]]:
        """Rows of the batches ``start``, ``start + stride``, ... of an epoch."""
        rows, size = self.order(epoch), self.batch_size
        starts = range(start * size, len(rows), stride * size)
        return [rows[first : first + size] for first in starts]

    def n_batches(self, epoch: int = 0) -> int:  # noqa: ARG002 - epochs may differ elsewhere
        """Count the batches of an epoch."""
        return -(-len(self) // self.batch_size)

    def batches(self, epoch: int, *, start: int = 0, stride: int = 1) -> Iterator[SourceBatch]:
        """Yield EEG and targets of the batches ``start``, ``start + stride``, ... of an epoch.

        The arrays are views into buffers, valid until the next batch is asked for; targets must not
        be written to, as only what this class wrote is cleared.
        """
        draws = self.draws_of(epoch)

        def fill(buffer: BatchBuffer, rows: Int64[np.ndarray, " batch"]) -> SourceBatch:
            maker, places = self.maker_for(rows, draws)
            return buffer.fill(maker, places, draws)

        ring = self._ring or self._new_ring()
        self._ring = None
        try:
            for batch, waited_s in ring.run(self.rows_of_batches(epoch, start, stride), fill):
                self.waited_s += waited_s
                yield batch
        finally:
            self._ring = ring

    def close(self) -> None:
        """Let the buffers go."""
        self._ring = None

    def _new_ring(self) -> BatchRing:
        size = min(self.batch_size, max(1, len(self)))
        shape = (size, self.n_channels, self.n_samples)
        height = self.width if self.sparse else self.n_regions
        buffers = [
            BatchBuffer(shape, height, sparse=self.sparse, allocate=self._allocate)
            for _ in range(self._n_ahead + 1)
        ]
        return BatchRing(buffers, self._n_workers)


def _ratio_db(clean: np.ndarray, eeg: np.ndarray) -> float:
    signal = float(np.sum(clean.astype(np.float64) ** 2))
    noise = float(np.sum((eeg - clean).astype(np.float64) ** 2))
    if not signal:
        return float("nan")
    return 10 * float(np.log10(signal / noise)) if noise > 1e-12 * signal else float("inf")

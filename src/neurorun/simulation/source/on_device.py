"""Batches made where the model computes: the same examples, on a CPU or a GPU.

Clips and their projections are moved to the device once (2 MB a clip in float32); what remains per
batch is a gather, one batched product over the patches, and noise from the same counters as in
`draws`, so that examples agree between devices up to rounding.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from neurorun.core import DataError, require
from neurorun.simulation.source.draws import (
    GAMMA,
    MULTIPLIERS,
    SHIFTS,
    SMALLEST_UNIFORM,
    mix,
    row_keys,
)
from neurorun.simulation.source.examples import FIXED_EPOCH, SourceExamples

if TYPE_CHECKING:
    from torch import Tensor


def source_batches_on(
    examples: SourceExamples, device: str, *, n_bytes_limit: int | None = None
) -> "DeviceBatches":
    """Batches of a split as tensors on a device, with dense targets.

    Parameters
    ----------
    examples : rows, order and recipe; recorded noise stays on the CPU and is refused here
    device : ``cpu``, ``cuda``, ``cuda:1`` ...
    n_bytes_limit : refuse to move more than this to the device

    Raises
    ------
    MissingExtraError : PyTorch is not installed
    DataError : the recipe asks for recorded noise, sources are drawn anew for every
        epoch, or the store is larger than the limit
    """
    torch = require("torch", extra="train")
    forward = examples.maker.forward
    n_bytes = forward.clips.nbytes + forward.background.nbytes
    if examples.maker.recipe.noise == "realistic":
        raise DataError(
            "Recorded noise is added on the CPU only; set noise to global, deepsif or none, or "
            "make the batches with SourceExamples.batches."
        )
    if len(examples) != len(examples.maker.plan):
        raise DataError(
            "Sources that are drawn anew for every epoch are made on the CPU only; write them as a "
            "table with 'neurorun simulate plan', or make the batches with SourceExamples.batches."
        )
    if n_bytes_limit is not None and n_bytes > n_bytes_limit:
        raise DataError(
            f"The clips take {n_bytes / 2**30:.1f} GiB, {n_bytes_limit / 2**30:.1f} GiB are "
            f"allowed on '{device}'; make the batches with SourceExamples.batches."
        )
    return DeviceBatches(torch, examples, device)


class DeviceBatches:
    """Makes batches on one device; see `source_batches_on`."""

    def __init__(self, torch: Any, examples: SourceExamples, device: str) -> None:
        self._torch, self._examples, self._device = torch, examples, device
        maker = examples.maker
        self._clips = self._moved(maker.forward.clips)
        self._background = self._moved(maker.forward.background)
        self._gains = self._moved(maker.forward.leadfield.T.astype(np.float32))
        half = -(-maker.n_channels * maker.n_samples // 2)
        counters = np.arange(1, half + 1, dtype=np.uint64) * np.uint64(GAMMA)
        self._counters = self._moved(counters.view(np.int64))

    def _moved(self, array: np.ndarray) -> "Tensor":
        tensor: Tensor = self._torch.tensor(np.asarray(array)).to(self._device)
        return tensor

    def n_batches(self, epoch: int = 0) -> int:
        """Count the batches of an epoch."""
        return self._examples.n_batches(epoch)

    def batches(
        self, epoch: int, *, start: int = 0, stride: int = 1
    ) -> "Iterator[tuple[Tensor, Tensor]]":
        """Yield EEG (batch, channels, samples) and targets (batch, regions, samples)."""
        examples, size = self._examples, self._examples.batch_size
        rows = examples.order(epoch)
        draws = epoch if examples.shuffled else FIXED_EPOCH
        for first in range(start * size, len(rows), stride * size):
            yield self.make(rows[first : first + size], draws)

    def make(self, rows: Int64[np.ndarray, " batch"], epoch: int) -> "tuple[Tensor, Tensor]":
        """Make the examples of some rows."""
        torch, maker = self._torch, self._examples.maker
        keys = row_keys(maker.recipe.seed, epoch, maker.row_ids[rows])
        values, change, regions = self._patches(rows, maker.options(rows, epoch))
        eeg = torch.zeros((len(rows), maker.n_channels, maker.n_samples), device=self._device)
        for source in range(maker.plan.n_sources):
            places = self._moved(maker.places[rows, source])
            present = (places >= 0).to(eeg.dtype)[:, None, None]
            eeg += self._background[places.clamp(min=0)] * present
        eeg += self._gains[regions.clamp(min=0)].transpose(1, 2) @ change
        self._add_noise(eeg, keys, rows)
        eeg -= eeg.mean(dim=2, keepdim=True)
        eeg -= eeg.mean(dim=1, keepdim=True)
        targets = torch.zeros(
            (len(rows), maker.n_regions + 1, maker.n_samples), device=self._device
        )
        index = torch.where(regions < 0, maker.n_regions, regions)
        targets.scatter_(1, index[..., None].expand_as(values), values)
        targets = targets[:, :-1]
        if maker.recipe.normalize:
            eeg /= _positive(eeg.abs().amax(dim=(1, 2), keepdim=True))
            targets /= _positive(values.amax(dim=(1, 2), keepdim=True))
        return eeg, targets

    def _patches(self, rows: np.ndarray, options: np.ndarray) -> "tuple[Tensor, Tensor, Tensor]":
        """Activity of the patches, what of it the background lacks, and their regions."""
        torch, maker = self._torch, self._examples.maker
        unions = [maker.patches(int(row)) for row in rows]
        width = max(1, *map(len, unions))
        regions = np.full((len(rows), width), -1, np.int64)
        weights = np.zeros((len(rows), maker.plan.n_sources, width), np.float32)
        is_own = np.zeros(weights.shape, np.bool_)
        for place, (row, union) in enumerate(zip(rows.tolist(), unions, strict=True)):
            regions[place, : len(union)] = union
            for source in maker.active_sources(row):
                patch = maker.plan.regions[row, source]
                own = np.searchsorted(union, patch[patch >= 0])
                weights[place, source, own] = maker.plan.weights[row, source][patch >= 0]
                is_own[place, source, own] = True
        moved = self._moved(regions)
        values = torch.zeros((len(rows), width, maker.n_samples), device=self._device)
        change = torch.zeros_like(values)
        in_patch = (moved >= 0)[..., None]
        for source in range(maker.plan.n_sources):
            places = self._moved(maker.places[rows, source])
            safe, present = places.clamp(min=0), (places >= 0)[:, None, None]
            centres = self._moved(maker.plan.centres[rows, source].astype(np.int64)).clamp(min=0)
            waveform = self._clips[safe, centres]
            scales = maker.plan.scales[rows, source, options[:, source]].astype(np.float32)
            factor = self._moved(np.nan_to_num(scales)) / _positive(waveform.amax(dim=1))
            planted = (
                self._moved(weights[:, source])[..., None] * (waveform * factor[:, None])[:, None]
            )
            clip = self._clips[safe[:, None], moved.clamp(min=0)]
            own = self._moved(is_own[:, source])[..., None]
            values += torch.where(own, planted, clip) * (present & in_patch)
            change += torch.where(own, planted - clip, 0.0) * present
        return values, change, moved

    def _add_noise(self, eeg: "Tensor", keys: np.ndarray, rows: np.ndarray) -> None:
        maker = self._examples.maker
        model = maker.recipe.noise
        if model == "none":
            return
        power = (eeg * eeg).mean(dim=2)
        if model == "global":
            power = power.mean(dim=1, keepdim=True).expand_as(power)
        factor = 10 ** (-maker.plan.snr_db[rows] / 10) * (0.5 if model == "deepsif" else 1.0)
        std = (power * self._moved(factor.astype(np.float32))[:, None]).sqrt()
        eeg += self._normals(mix(keys), eeg.shape) * std[..., None]

    def _normals(self, keys: np.ndarray, shape: tuple[int, ...]) -> "Tensor":
        """The numbers of `NormalNumbers`, from the same counters."""
        torch = self._torch
        z = self._counters + self._moved(keys.view(np.int64))[:, None]
        for shift, multiplier in zip(SHIFTS[:2], MULTIPLIERS, strict=True):
            z = (z ^ _shifted(z, shift)) * (multiplier - (1 << 64))
        z = z ^ _shifted(z, SHIFTS[2])
        low, high = z & 0xFFFFFFFF, _shifted(z, 32)
        radius = (low.to(torch.float32) * 2.0**-32).clamp(min=SMALLEST_UNIFORM)
        radius = (radius.log() * -2).sqrt()
        angle = high.to(torch.float32) * (2 * math.pi * 2.0**-32)
        both: Tensor = torch.cat([angle.cos() * radius, angle.sin() * radius], dim=1)
        n = shape[1] * shape[2]
        return both[:, :n].reshape(shape)


def _shifted(values: "Tensor", by: int) -> "Tensor":
    """Shift right as if without sign."""
    return (values >> by) & ((1 << (64 - by)) - 1)


def _positive(values: "Tensor") -> "Tensor":
    """The same, but 1 where nothing is above 0, which leaves silence as it is."""
    return values.masked_fill(values <= 0, 1.0)

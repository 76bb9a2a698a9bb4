"""Batches made where the model computes: the same examples, on a CPU or a GPU.

Clips and their projections are moved to the device once (2 MB a clip in float32); what remains per
batch is a gather, one batched product over the patches, and noise. Everything that chance decides
is drawn on the CPU from seed, epoch and row (`Draws`) and moved; normal numbers are computed on the
device from their keys, with the integer arithmetic of `draws`, which is exact everywhere. Examples
therefore agree between devices up to the rounding of float32.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from neurorun.core import DataError, require
from neurorun.simulation.source.draws import GAMMA, MULTIPLIERS, SHIFTS, SMALLEST_UNIFORM
from neurorun.simulation.source.examples import SourceExamples
from neurorun.simulation.source.maker import Draws, ExampleMaker
from neurorun.simulation.source.plan import NOTHING

if TYPE_CHECKING:
    from torch import Tensor

    Targets = Tensor | tuple[Tensor, Tensor]


def source_batches_on(
    examples: SourceExamples, device: str, *, n_bytes_limit: int | None = None
) -> "DeviceBatches":
    """Batches of a split as tensors on a device.

    Every mode of `SourceExamples` is there: rows of a table or sources drawn anew, every noise,
    dense or sparse targets. They equal those of `SourceExamples.batches` to 1e-5.

    Parameters
    ----------
    examples : rows, order and recipe
    device : ``cpu``, ``cuda``, ``cuda:1`` ...
    n_bytes_limit : refuse to move more clips than this to the device

    Raises
    ------
    MissingExtraError : PyTorch is not installed
    DataError : there is no such device, or the clips are larger than the limit or its memory
    """
    torch = require("torch", extra="train")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DataError(
            f"PyTorch does not find the device '{device}' here ({str(error).splitlines()[0]}); "
            "choose 'cpu' or make the batches by threads (data.device: null)."
        ) from error
    forward = examples.maker.forward
    n_bytes = forward.clips.nbytes + forward.background.nbytes
    if n_bytes_limit is not None and n_bytes > n_bytes_limit:
        raise _too_large(n_bytes, f"{n_bytes_limit / 2**30:.1f} GiB are allowed", device)
    try:
        return DeviceBatches(torch, examples, device)
    except torch.OutOfMemoryError as error:
        raise _too_large(n_bytes, "there is less memory", device) from error


def _too_large(n_bytes: int, allowed: str, device: str) -> DataError:
    return DataError(
        f"The clips take {n_bytes / 2**30:.1f} GiB, {allowed} on '{device}'; make the batches by "
        "threads (data.device: null)."
    )


class DeviceBatches:
    """Makes batches on one device; see `source_batches_on`."""

    def __init__(self, torch: Any, examples: SourceExamples, device: str) -> None:
        self._torch, self._examples, self._device = torch, examples, device
        forward, recorded = examples.maker.forward, examples.maker.recipe.recorded
        self._clips = self._moved_one_by_one(forward.clips).flatten(0, 1)
        self._background = self._moved_one_by_one(forward.background)
        self._gains = self._moved(forward.leadfield.T.astype(np.float32))
        self._recorded = None if recorded is None else self._moved(recorded)
        half = -(-examples.n_channels * examples.n_samples // 2)
        counters = np.arange(1, half + 1, dtype=np.uint64) * np.uint64(GAMMA)
        self._counters = self._moved(counters.view(np.int64))

    def _moved(self, array: np.ndarray) -> "Tensor":
        tensor: Tensor = self._torch.tensor(np.asarray(array)).to(self._device)
        return tensor

    def _moved_one_by_one(self, stored: np.ndarray) -> "Tensor":
        """Move what is mapped from a file without ever holding all of it in memory."""
        moved: Tensor = self._torch.empty(stored.shape, device=self._device)
        for place, one in enumerate(stored):
            moved.index_copy_(0, self._moved(np.array([place])), self._moved(one).unsqueeze(0))
        return moved

    def n_batches(self, epoch: int = 0) -> int:
        """Count the batches of an epoch."""
        return self._examples.n_batches(epoch)

    def batches(
        self, epoch: int, *, start: int = 0, stride: int = 1
    ) -> "Iterator[tuple[Tensor, Targets]]":
        """Yield EEG (batch, channels, samples) and targets.

        Dense targets are (batch, regions, samples); sparse ones are the regions of the patches
        (batch, patch), filled with -1, and their activity (batch, patch, samples).
        """
        examples = self._examples
        draws = examples.draws_of(epoch)
        for rows in examples.rows_of_batches(epoch, start, stride):
            yield self._make(*examples.maker_for(rows, draws), draws)

    def _make(
        self, maker: ExampleMaker, rows: Int64[np.ndarray, " batch"], epoch: int
    ) -> "tuple[Tensor, Targets]":
        torch, draws = self._torch, maker.draws(rows, epoch)
        values, change, regions = self._patches(maker, rows, draws)
        eeg = torch.zeros((len(rows), maker.n_channels, maker.n_samples), device=self._device)
        for source in range(maker.plan.n_sources):
            places = self._moved(maker.places[rows, source])
            present = (places >= 0).view(-1, 1, 1)
            eeg += _rows(self._background, places.clamp(min=0)) * present
        eeg += _rows(self._gains, regions.clamp(min=0)).transpose(1, 2) @ change
        self._add_noise(eeg, maker, rows, draws)
        eeg -= eeg.mean(dim=2, keepdim=True)
        eeg -= eeg.mean(dim=1, keepdim=True)
        if maker.recipe.normalize:
            eeg /= _positive(eeg.abs().amax(dim=(1, 2), keepdim=True))
            values /= _positive(values.amax(dim=(1, 2), keepdim=True))
        return eeg, (regions, values) if self._examples.sparse else self._dense(regions, values)

    def _dense(self, regions: "Tensor", values: "Tensor") -> "Tensor":
        """The same targets with all regions; what fills the patches goes into one more, cut off."""
        torch, n_regions = self._torch, self._examples.n_regions
        shape = (len(regions), n_regions + 1, values.shape[2])
        whole: Tensor = torch.zeros(shape, device=self._device)
        index = torch.where(regions < 0, n_regions, regions)
        whole.scatter_(1, index.unsqueeze(2).expand_as(values), values)
        return whole.narrow(1, 0, n_regions)

    def _patches(
        self, maker: ExampleMaker, rows: np.ndarray, draws: Draws
    ) -> "tuple[Tensor, Tensor, Tensor]":
        """Activity of the patches, what of it the background lacks, and their regions."""
        torch, plan = self._torch, maker.plan
        regions, weights, is_own = _unions(maker, rows)
        moved = self._moved(regions)
        values = torch.zeros((*regions.shape, maker.n_samples), device=self._device)
        change = torch.zeros_like(values)
        in_patch = (moved >= 0).unsqueeze(2)
        for source in range(plan.n_sources):
            places = self._moved(maker.places[rows, source])
            first, present = places.clamp(min=0) * maker.n_regions, (places >= 0).view(-1, 1, 1)
            centres = self._moved(plan.centres[rows, source].astype(np.int64)).clamp(min=0)
            waveform = _rows(self._clips, first + centres)
            scales = plan.scales[rows, source, draws.options[:, source]].astype(np.float32)
            factor = self._moved(np.nan_to_num(scales)) / _positive(waveform.amax(dim=1))
            waveform = (waveform * factor.unsqueeze(1)).unsqueeze(1)
            planted = self._moved(weights[:, source]).unsqueeze(2) * waveform
            clip = _rows(self._clips, first.unsqueeze(1) + moved.clamp(min=0))
            own = self._moved(is_own[:, source]).unsqueeze(2)
            values += torch.where(own, planted, clip) * (present & in_patch)
            change += torch.where(own, planted - clip, 0.0) * present
        return values, change, moved

    def _add_noise(
        self, eeg: "Tensor", maker: ExampleMaker, rows: np.ndarray, draws: Draws
    ) -> None:
        recipe = maker.recipe
        if recipe.noise == "none":
            return
        power = (eeg * eeg).mean(dim=2)
        if recipe.noise == "global":
            power = power.mean(dim=1, keepdim=True).expand_as(power)
        factor = 10 ** (-maker.plan.snr_db[rows] / 10) * (0.5 if recipe.noise == "deepsif" else 1.0)
        std = (power * self._moved(factor.astype(np.float32)).unsqueeze(1)).sqrt()
        noise = self._normals(draws.noise_keys, eeg.shape)
        if recipe.noise == "realistic":
            assert self._recorded is not None, "recorded noise is asked for, there is none"
            noise *= math.sqrt(1 - recipe.recorded_share)
            pieces = _rows(self._recorded, self._moved(draws.pieces))
            noise += pieces * math.sqrt(recipe.recorded_share)
        eeg += noise * std.unsqueeze(2)

    def _normals(self, keys: np.ndarray, shape: tuple[int, ...]) -> "Tensor":
        """The numbers of `NormalNumbers`, from the same counters."""
        torch = self._torch
        z = self._counters + self._moved(keys.view(np.int64)).unsqueeze(1)
        for shift, multiplier in zip(SHIFTS[:2], MULTIPLIERS, strict=True):
            z = (z ^ _shifted(z, shift)) * (multiplier - (1 << 64))
        z = z ^ _shifted(z, SHIFTS[2])
        low, high = z & 0xFFFFFFFF, _shifted(z, 32)
        radius = (low.to(torch.float32) * 2.0**-32).clamp(min=SMALLEST_UNIFORM)
        radius = (radius.log() * -2).sqrt()
        angle = high.to(torch.float32) * (2 * math.pi * 2.0**-32)
        both: Tensor = torch.cat([angle.cos() * radius, angle.sin() * radius], dim=1)
        return both.narrow(1, 0, shape[1] * shape[2]).reshape(shape)


def _unions(maker: ExampleMaker, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regions of all patches of each row, their weights in each source, and whose they are."""
    unions = [maker.patches(int(row)) for row in rows]
    width = max(1, *map(len, unions))
    regions = np.full((len(rows), width), NOTHING, np.int64)
    weights = np.zeros((len(rows), maker.plan.n_sources, width), np.float32)
    is_own = np.zeros(weights.shape, np.bool_)
    for place, (row, union) in enumerate(zip(rows.tolist(), unions, strict=True)):
        regions[place, : len(union)] = union
        for source in maker.active_sources(row):
            patch = maker.plan.regions[row, source]
            own = np.searchsorted(union, patch[patch >= 0])
            weights[place, source, own] = maker.plan.weights[row, source][patch >= 0]
            is_own[place, source, own] = True
    return regions, weights, is_own


def _rows(table: "Tensor", numbers: "Tensor") -> "Tensor":
    """Rows of a table, in the shape of their numbers."""
    found = table.index_select(0, numbers.flatten())
    return found.view(*numbers.shape, *table.shape[1:])


def _shifted(values: "Tensor", by: int) -> "Tensor":
    """Shift right as if without sign."""
    return (values >> by) & ((1 << (64 - by)) - 1)


def _positive(values: "Tensor") -> "Tensor":
    """The same, but 1 where nothing is above 0, which leaves silence as it is."""
    return values.masked_fill(values <= 0, 1.0)

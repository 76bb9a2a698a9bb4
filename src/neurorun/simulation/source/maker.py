"""Examples made fast: only the patches are projected, and memory is used again and again.

A clip's projection is known in advance, so of a source only the difference that its patch makes has
to be projected: ``eeg = sum of backgrounds + F[:, patches] @ (activity - clips)[patches]``.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt64

from neurorun.simulation.source.draws import NormalNumbers, mix, row_keys, uniforms
from neurorun.simulation.source.noise import NoiseModel, noise_power
from neurorun.simulation.source.plan import SourcePlan

_NOISE_STREAM, _CHOICE_STREAM = 1, 2
_SINGLE_THREADED_PRODUCT = 1 << 18
_AT_ONCE = 4
"""Examples whose noise is made at once; its 2 MB of memory stay in the cache of a core."""


@dataclass(frozen=True, eq=False)
class Forward:
    """What lies between clips and channels.

    Parameters
    ----------
    leadfield : of the channels
    clips : all clips, mapped
    background : what each clip gives at the channels
    """

    leadfield: Float64[np.ndarray, "channels regions"]
    clips: Float32[np.ndarray, "clips regions samples"]
    background: Float32[np.ndarray, "clips channels samples"]


@dataclass(frozen=True, eq=False)
class Recipe:
    """What is chosen for all examples of a split.

    Parameters
    ----------
    seed : decides amplitudes and noise together with epoch and row
    noise : which noise is added
    normalize : whether EEG and target are divided by their maxima
    recorded : pieces of recorded noise, for ``realistic``
    recorded_share : share of its power in ``realistic`` noise
    """

    seed: int
    noise: NoiseModel = "global"
    normalize: bool = True
    recorded: Float32[np.ndarray, "pieces channels samples"] | None = None
    recorded_share: float = 0.5


@dataclass(frozen=True, eq=False)
class Draws:
    """Everything that chance decides of some examples; drawn on the CPU, whatever the device.

    Parameters
    ----------
    options : which of its amplitudes each source takes
    pieces : which piece of recorded noise is added; 0 where there is none
    noise_keys : from which the normal numbers of an example follow
    """

    options: Int64[np.ndarray, "rows sources"]
    pieces: Int64[np.ndarray, " rows"]
    noise_keys: UInt64[np.ndarray, " rows"]

    def __getitem__(self, some: slice) -> "Draws":
        return Draws(self.options[some], self.pieces[some], self.noise_keys[some])


@dataclass(frozen=True, eq=False)
class Made:
    """What is known of an example after it was made.

    Parameters
    ----------
    regions : regions of its patches, sorted
    values : their activity, as in the target; a view that later examples overwrite
    noise_std : of the noise in each channel, in units of the EEG
    eeg_scale, target_scale : what both were divided by
    """

    regions: Int64[np.ndarray, " patch"]
    values: Float32[np.ndarray, "patch samples"]
    noise_std: Float64[np.ndarray, " channels"]
    eeg_scale: float
    target_scale: float


class _Scratch:
    """Memory of one thread."""

    def __init__(self, n_channels: int, width: int, n_samples: int) -> None:
        self.clip = np.empty((width, n_samples), np.float32)
        self.change = np.empty((width, n_samples), np.float32)
        self.gains = np.empty((width, n_channels), np.float32)
        self.seen = np.empty((n_channels, n_samples), np.float32)
        self.totals = np.empty((_AT_ONCE, width, n_samples), np.float32)
        self.noise = np.empty((_AT_ONCE, n_channels, n_samples), np.float32)
        self.numbers = NormalNumbers(n_channels * n_samples, _AT_ONCE)


class ExampleMaker:
    """Makes the examples of a plan, from any number of threads at once.

    Parameters
    ----------
    plan : rows
    row_ids : number of each row in its table, which decides its draws, whatever else was chosen
    places : position of the clip of each source in the store, -1 for none
    forward, recipe : how they are made
    """

    def __init__(
        self,
        plan: SourcePlan,
        row_ids: Int64[np.ndarray, " rows"],
        places: Int64[np.ndarray, "rows sources"],
        *,
        forward: Forward,
        recipe: Recipe,
    ) -> None:
        self.plan, self.row_ids, self.places = plan, row_ids, places
        self.forward, self.recipe = forward, recipe
        self.n_channels, self.n_regions = forward.leadfield.shape
        self.n_samples = int(forward.clips.shape[2])
        self.width = int((plan.regions >= 0).sum(axis=(1, 2)).max(initial=1))
        self._gains = np.ascontiguousarray(forward.leadfield.T, np.float32)
        self._local = threading.local()

    def draws(self, rows: Int64[np.ndarray, " rows"], epoch: int) -> Draws:
        """What chance decides of some rows in an epoch."""
        keys = row_keys(self.recipe.seed, epoch, self.row_ids[rows])
        options = uniforms(keys, self.plan.n_sources, stream=_CHOICE_STREAM) * self.plan.n_options
        n_pieces = 0 if self.recipe.recorded is None else len(self.recipe.recorded)
        pieces = uniforms(keys, 1, stream=_NOISE_STREAM)[:, 0] * n_pieces
        return Draws(options.astype(np.int64), pieces.astype(np.int64), mix(keys))

    def make(
        self,
        rows: Int64[np.ndarray, " rows"],
        epoch: int,
        eeg: Float32[np.ndarray, "buffer channels samples"],
        *,
        options: Int64[np.ndarray, "rows sources"] | None = None,
        noise: NoiseModel | None = None,
    ) -> Iterator[Made]:
        """Write the EEG of rows one by one, and give the activity of their patches.

        Parameters
        ----------
        rows : positions in the plan
        epoch : decides amplitudes and noise
        eeg : where to write; room for at least these rows
        options : amplitudes to take instead of drawn ones
        noise : noise to add instead of that of the recipe
        """
        draws = self.draws(rows, epoch)
        if options is not None:
            draws = replace(draws, options=options)
        for first in range(0, len(rows), _AT_ONCE):
            some = slice(first, min(first + _AT_ONCE, len(rows)))
            yield from self._make(rows[some], draws[some], eeg[some], noise or self.recipe.noise)

    def _make(
        self, rows: np.ndarray, draws: Draws, eeg: np.ndarray, noise: NoiseModel
    ) -> list[Made]:
        """Make a few examples, with noise in few long operations: threads wait at every one."""
        activity = [
            self._activity(row, options, one, total)
            for row, options, one, total in zip(
                rows.tolist(), draws.options.tolist(), eeg, self._scratch().totals, strict=False
            )
        ]
        noise_std = np.sqrt(noise_power(eeg, self.plan.snr_db[rows], noise))
        if noise != "none":
            added = self._noise(draws, noise)
            added *= noise_std[:, :, None].astype(np.float32)
            eeg += added
        eeg_scales = self._finish(eeg)
        return [
            Made(regions, values, std / scale, scale, self._finish_target(values))
            for (regions, values), std, scale in zip(
                activity, noise_std, eeg_scales.tolist(), strict=True
            )
        ]

    def _finish_target(self, values: np.ndarray) -> float:
        """Divide by the maximum, and give it; 1 where nothing is divided."""
        highest = float(values.max(initial=0.0))
        if not self.recipe.normalize or highest <= 0:
            return 1.0
        np.divide(values, np.float32(highest), out=values)
        return highest

    def _scratch(self) -> _Scratch:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = _Scratch(self.n_channels, self.width, self.n_samples)
            self._local.scratch = scratch
        return scratch

    def active_sources(self, row: int) -> list[int]:
        """Sources of a row that have a clip."""
        return [s for s, place in enumerate(self.places[row].tolist()) if place >= 0]

    def patches(self, row: int) -> Int64[np.ndarray, " patch"]:
        """Regions of all patches of a row, sorted."""
        stacked = self.plan.regions[row, self.active_sources(row)]
        return np.unique(stacked[stacked >= 0]).astype(np.int64)

    def _activity(
        self, row: int, options: Sequence[int], eeg: np.ndarray, total: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum the sources: EEG and activity of the patches into their places."""
        scratch, regions = self._scratch(), self.patches(row)
        n = len(regions)
        clip, total, change = scratch.clip[:n], total[:n], scratch.change[:n]
        total[:], change[:], eeg[:] = 0, 0, 0
        for source in self.active_sources(row):
            place = int(self.places[row, source])
            eeg += self.forward.background[place]
            np.take(self.forward.clips[place], regions, axis=0, out=clip, mode="clip")
            weights, own, waveform = self._source(row, source, int(options[source]), regions)
            planted = np.multiply.outer(weights, waveform)
            change[own] += planted
            change[own] -= clip[own]
            clip[own] = planted
            total += clip
        if n:
            gains = scratch.gains[:n]
            np.take(self._gains, regions, axis=0, out=gains, mode="clip")
            _multiply(gains.T, change, scratch.seen)
            eeg += scratch.seen
        return regions, total

    def _source(
        self, row: int, source: int, option: int, regions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights of a patch, where its regions are among all, and its waveform in mV."""
        patch = self.plan.regions[row, source]
        is_region = patch >= 0
        own = np.searchsorted(regions, patch[is_region])
        weights = self.plan.weights[row, source][is_region].astype(np.float32)
        place, centre = int(self.places[row, source]), int(self.plan.centres[row, source])
        waveform = self.forward.clips[place, centre]
        factor = float(self.plan.scales[row, source, option]) / float(waveform.max())
        return weights, own, waveform * np.float32(factor)

    def _noise(self, draws: Draws, model: NoiseModel) -> np.ndarray:
        """Noise of mean square 1 in every channel, in memory that the next examples overwrite."""
        scratch, n = self._scratch(), len(draws.noise_keys)
        noise = scratch.noise[:n]
        scratch.numbers.fill(draws.noise_keys, noise.reshape(n, -1))
        if model == "realistic":
            assert self.recipe.recorded is not None, "recorded noise is asked for, there is none"
            share = self.recipe.recorded_share
            noise *= np.float32(math.sqrt(1 - share))
            noise += self.recipe.recorded[draws.pieces] * np.float32(math.sqrt(share))
        return noise

    def _finish(self, eeg: np.ndarray) -> np.ndarray:
        """Remove both means, divide by the largest magnitudes, and give these."""
        eeg -= eeg.mean(axis=2, keepdims=True)
        eeg -= eeg.mean(axis=1, keepdims=True)
        flat = eeg.reshape(len(eeg), -1)
        largest: np.ndarray = np.maximum(flat.max(axis=1), -flat.min(axis=1)).astype(np.float64)
        if not self.recipe.normalize:
            return np.ones_like(largest)
        largest[largest == 0] = 1.0
        eeg *= (1 / largest[:, None, None]).astype(np.float32)
        return largest


def _multiply(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Multiply matrices in pieces so small that OpenBLAS does not wake its own threads.

    Our threads make whole examples; threads within threads would wait for each other.
    """
    step = max(1, _SINGLE_THREADED_PRODUCT // max(1, left.size))
    for first in range(0, right.shape[1], step):
        piece = slice(first, first + step)
        np.matmul(left, right[:, piece], out=out[:, piece])

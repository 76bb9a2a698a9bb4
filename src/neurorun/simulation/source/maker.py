"""Examples made fast: only the patches are projected, and memory is used again and again.

A clip's projection is known in advance, so of a source only the difference that its patch makes has
to be projected: ``eeg = sum of backgrounds + F[:, patches] @ (activity - clips)[patches]``.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from neurorun.simulation.source.draws import Keys, NormalNumbers, mix, row_keys, uniforms
from neurorun.simulation.source.noise import NoiseModel, noise_power
from neurorun.simulation.source.plan import SourcePlan

_NOISE_STREAM, _CHOICE_STREAM = 1, 2
_SINGLE_THREADED_PRODUCT = 1 << 18


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
class Made:
    """What is known of an example after it was made.

    Parameters
    ----------
    regions : regions of its patches, sorted
    values : their activity, as in the target; a view that the next example overwrites
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
        self.total = np.empty((width, n_samples), np.float32)
        self.change = np.empty((width, n_samples), np.float32)
        self.seen = np.empty((n_channels, n_samples), np.float32)
        self.gains = np.empty((width, n_channels), np.float32)
        self.numbers = NormalNumbers(n_channels * n_samples)


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

    def options(
        self, rows: Int64[np.ndarray, " rows"], epoch: int
    ) -> Int64[np.ndarray, "rows sources"]:
        """Which of its amplitudes each source takes."""
        return self._options(row_keys(self.recipe.seed, epoch, self.row_ids[rows]))

    def _options(self, keys: Keys) -> Int64[np.ndarray, "rows sources"]:
        draws = uniforms(keys, self.plan.n_sources, stream=_CHOICE_STREAM)
        return (draws * self.plan.n_options).astype(np.int64)

    def make(
        self,
        row: int,
        epoch: int,
        eeg: Float32[np.ndarray, "channels samples"],
        *,
        options: Sequence[int] | None = None,
        noise: NoiseModel | None = None,
    ) -> Made:
        """Write the EEG of a row, and give the activity of its patches.

        Parameters
        ----------
        row : position in the plan
        epoch : decides amplitudes and noise
        eeg : where to write
        options : amplitudes to take instead of drawn ones
        noise : noise to add instead of that of the recipe
        """
        key = row_keys(self.recipe.seed, epoch, self.row_ids[row : row + 1])
        if options is None:
            options = self._options(key)[0].tolist()
        regions, values = self._activity(row, options, eeg)
        noise_std = self._add_noise(row, key, eeg, noise or self.recipe.noise)
        eeg_scale = self._finish(eeg)
        target_scale = 1.0
        highest = float(values.max(initial=0.0))
        if self.recipe.normalize and highest > 0:
            np.divide(values, np.float32(highest), out=values)
            target_scale = highest
        return Made(regions, values, noise_std / eeg_scale, eeg_scale, target_scale)

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
        self, row: int, options: Sequence[int], eeg: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum the sources: EEG into its place, activity of the patches as a view."""
        scratch, regions = self._scratch(), self.patches(row)
        n = len(regions)
        clip, total, change = scratch.clip[:n], scratch.total[:n], scratch.change[:n]
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

    def _add_noise(
        self, row: int, key: Keys, eeg: np.ndarray, model: NoiseModel
    ) -> Float64[np.ndarray, " channels"]:
        std: np.ndarray = np.sqrt(noise_power(eeg, float(self.plan.snr_db[row]), model))
        if model == "none":
            return std
        scratch = self._scratch()
        noise = scratch.seen
        scratch.numbers.fill(mix(key)[0], noise.reshape(-1))
        if model == "realistic":
            noise *= np.float32(math.sqrt(1 - self.recipe.recorded_share))
            noise += self._recorded(key) * np.float32(math.sqrt(self.recipe.recorded_share))
        noise *= std[:, None].astype(np.float32)
        eeg += noise
        return std

    def _recorded(self, key: np.ndarray) -> np.ndarray:
        pieces = self.recipe.recorded
        assert pieces is not None, "the recipe asks for recorded noise and has none"
        draw = uniforms(key, 1, stream=_NOISE_STREAM)[0, 0]
        return np.asarray(pieces[int(draw * len(pieces))])

    def _finish(self, eeg: np.ndarray) -> float:
        eeg -= eeg.mean(axis=1, keepdims=True)
        eeg -= eeg.mean(axis=0)
        largest = float(max(eeg.max(), -eeg.min()))
        if self.recipe.normalize and largest > 0:
            eeg *= np.float32(1 / largest)
            return largest
        return 1.0


def _multiply(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Multiply matrices in pieces so small that OpenBLAS does not wake its own threads.

    Our threads make whole examples; threads within threads would wait for each other.
    """
    step = max(1, _SINGLE_THREADED_PRODUCT // max(1, left.size))
    for first in range(0, right.shape[1], step):
        piece = slice(first, first + step)
        np.matmul(left, right[:, piece], out=out[:, piece])

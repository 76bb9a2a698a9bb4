"""Source localization data as earlier programs knew it: a dataset and loaders for PyTorch.

Here the axes are those of the published loader: EEG (samples, channels), sources (samples,
regions).
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from neurorun.core import SILENT, Progress, require
from neurorun.simulation.source.choice import SubsetRule, choose_rows, divide_rows
from neurorun.simulation.source.clip_file import CLIP_PATH, ClipPath, clip_file
from neurorun.simulation.source.config import MissingClips, MissingScale, default_store
from neurorun.simulation.source.leadfield import load_leadfield, oriented_leadfield
from neurorun.simulation.source.maker import ExampleMaker, Forward, Recipe
from neurorun.simulation.source.noise import NoiseModel, load_recorded_noise
from neurorun.simulation.source.plan_file import read_plan
from neurorun.simulation.source.resolve import clip_key, resolve_plan
from neurorun.simulation.source.store import build_store

Pair = tuple[Float32[np.ndarray, "samples channels"], Float32[np.ndarray, "samples regions"]]

logger = logging.getLogger(__name__)


class SpikeEEGMetadataDataset:
    """Simulated EEG and its sources, straight from a table of sources ("metadata").

    A map-style dataset for PyTorch that needs no PyTorch itself. Clips are read once into a store.

    Parameters
    ----------
    metadata_path : table of sources
    fwd : leadfield, channels and regions in either order
    nmm_spikes_dir : folder of the clips; ``nmm_spikes`` beside the table if None
    dataset_len : how many rows to use, None for all
    normalize : whether EEG and sources are divided by their maxima; means are removed in any case
    noise : which noise is added
    missing_clips, missing_scale : what becomes of rows that lack something; see the configuration
    seed, epoch : decide amplitudes and noise, together with the row
    subset : which rows are used if not all
    fields, clip_path, clips_per_region : for tables and folders that call things differently;
        ``clip_path`` is a template or a function from region and number to a file
    store_dir : where clips are kept ready, ``<nmm_spikes_dir>_store`` if None
    recorded_noise : file of recorded noise, for ``realistic``
    progress : reading clips

    Raises
    ------
    DataError : a file is missing, damaged, or contradicts another

    Examples
    --------
    ``eeg, source = dataset[0]``: float32 arrays (500, 75) and (500, 994).
    """

    def __init__(
        self,
        metadata_path: Path | str,
        fwd: np.ndarray,
        nmm_spikes_dir: Path | str | None = None,
        dataset_len: int | None = None,
        normalize: bool = True,
        *,
        noise: NoiseModel = "global",
        missing_clips: MissingClips = "zeros",
        missing_scale: MissingScale = "recompute",
        seed: int = 0,
        epoch: int = 0,
        subset: SubsetRule = "stratified",
        fields: Mapping[str, str] | None = None,
        clip_path: ClipPath = CLIP_PATH,
        clips_per_region: int | None = None,
        store_dir: Path | str | None = None,
        recorded_noise: Path | str | None = None,
        progress: Progress = SILENT,
    ) -> None:
        path = Path(metadata_path)
        folder = Path(nmm_spikes_dir) if nmm_spikes_dir else path.parent / "nmm_spikes"
        leadfield = oriented_leadfield(fwd, "fwd")
        n_channels, n_regions = leadfield.shape
        plan = read_plan(
            path, n_regions=n_regions, fields=fields, clips_per_region=clips_per_region
        )
        rows = choose_rows(plan, dataset_len, rule=subset, seed=seed)
        plan = plan.rows(rows)
        keys = [key for key in map(clip_key, np.unique(plan.clip_keys()).tolist()) if key]
        store = build_store(
            Path(store_dir) if store_dir else default_store(folder),
            {key: clip_file(folder, clip_path, key) for key in keys},
            n_regions=n_regions,
            progress=progress,
        )
        background = store.background(leadfield, progress=progress)
        found = resolve_plan(
            plan,
            rows,
            store,
            leadfield=leadfield,
            background=background,
            missing_clips=missing_clips,
            missing_scale=missing_scale,
            source=path,
        )
        recorded = None
        if noise == "realistic":
            place = recorded_noise or path.parent.parent / "anatomy" / "realistic_noise.mat"
            recorded = load_recorded_noise(place, n_channels=n_channels, n_samples=store.n_samples)
        self.epoch = epoch
        self.facts, self.missing = found.facts, found.missing
        self._maker_parts = (found.plan, found.row_ids, found.places)
        self._forward = Forward(leadfield, store.clips, background)
        self._recipe = Recipe(seed, noise, normalize, recorded)
        self._maker = self._make_maker()

    def _make_maker(self) -> ExampleMaker:
        return ExampleMaker(*self._maker_parts, forward=self._forward, recipe=self._recipe)

    def __getstate__(self) -> dict[str, Any]:
        """What a worker process gets; memory of threads stays here."""
        return {name: value for name, value in vars(self).items() if name != "_maker"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._maker = self._make_maker()

    @property
    def maker(self) -> ExampleMaker:
        """What makes the examples, axes in our order."""
        return self._maker

    def __len__(self) -> int:
        return len(self._maker.plan)

    def __getitem__(self, index: int) -> Pair:
        """EEG (samples, channels) and sources (samples, regions) of one row."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        eeg, sources = self.batch([index % len(self)])
        return eeg[0], sources[0]

    def batch(
        self, indices: Sequence[int], *, epoch: int | None = None
    ) -> tuple[
        Float32[np.ndarray, "batch samples channels"], Float32[np.ndarray, "batch samples regions"]
    ]:
        """Make several rows at once, in memory of their own."""
        maker = self._maker
        eeg = np.empty((len(indices), maker.n_channels, maker.n_samples), np.float32)
        sources = np.zeros((len(indices), maker.n_regions, maker.n_samples), np.float32)
        rows, epoch = np.array(indices, np.int64), self.epoch if epoch is None else epoch
        for place, made in enumerate(maker.make(rows, epoch, eeg)):
            sources[place, made.regions] = made.values
        return eeg.swapaxes(1, 2), sources.swapaxes(1, 2)


class _Batches:
    """Makes one batch for each item, which holds its epoch and rows; for loaders of PyTorch."""

    def __init__(self, dataset: SpikeEEGMetadataDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, item: tuple[int, Sequence[int]]) -> tuple[Any, Any]:
        torch = require("torch", extra="train")
        eeg, sources = self.dataset.batch(item[1], epoch=item[0])
        return torch.from_numpy(eeg), torch.from_numpy(sources)


class _Order:
    """Rows of each batch; each pass over the training rows is another epoch."""

    def __init__(
        self, rows: Int64[np.ndarray, " rows"], batch_size: int, *, seed: int, shuffled: bool
    ) -> None:
        self._rows, self._batch_size = rows, batch_size
        self._seed, self._shuffled, self._epoch = seed, shuffled, 0

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self._batch_size)

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        rows = self._rows
        if self._shuffled:
            self._epoch += 1
            rows = np.random.default_rng([self._seed, self._epoch]).permutation(rows)
        for first in range(0, len(rows), self._batch_size):
            yield self._epoch, rows[first : first + self._batch_size].tolist()


def create_dataloaders_from_metadata(
    train_metadata_path: Path | str,
    test_metadata_path: Path | str,
    fwd_matrix_path: Path | str,
    batch_size: int = 8,
    val_split: float = 0.1,
    num_workers: int = 4,
    nmm_spikes_dir: Path | str | None = None,
    train_dataset_len: int | None = None,
    test_dataset_len: int | None = None,
    *,
    pin_memory: bool = False,
    seed: int = 42,
    validation_by: str = "patch_and_clip",
    **options: Any,
) -> tuple[Any, Any, Any, None]:
    """Loaders of PyTorch for training, validation and test, and None as earlier programs gave.

    Batches are float32 tensors (batch, samples, channels) and (batch, samples, regions).
    Every pass over the training loader draws other amplitudes and noise; the others repeat theirs.

    Parameters
    ----------
    train_metadata_path, test_metadata_path, fwd_matrix_path, nmm_spikes_dir : files
    batch_size, num_workers, pin_memory : of the loaders; workers are processes
    val_split : share of the training rows for validation
    train_dataset_len, test_dataset_len : how many rows to use, None for all
    seed : decides the division, the order, amplitudes and noise
    validation_by : ``patch_and_clip``, ``patch`` or ``row``; see the configuration
    options : of `SpikeEEGMetadataDataset`

    Raises
    ------
    DataError : a file is missing, damaged, or contradicts another
    MissingExtraError : PyTorch is not installed
    """
    loader_of = require("torch.utils.data", extra="train").DataLoader
    fwd = load_leadfield(fwd_matrix_path)
    train, test = (
        SpikeEEGMetadataDataset(path, fwd, nmm_spikes_dir, length, seed=seed, **options)
        for path, length in (
            (train_metadata_path, train_dataset_len),
            (test_metadata_path, test_dataset_len),
        )
    )
    rule: Any = validation_by
    division = divide_rows(train.maker.plan, val_split, rule=rule, seed=seed)
    if division.n_left_out:
        logger.warning(
            "%d of %d rows lie on both sides of the division and are left out.",
            division.n_left_out,
            len(train),
        )

    def load(dataset: SpikeEEGMetadataDataset, rows: np.ndarray, *, shuffled: bool) -> Any:
        return loader_of(
            _Batches(dataset),
            sampler=_Order(rows, batch_size, seed=seed, shuffled=shuffled),
            batch_size=None,
            num_workers=num_workers,
            pin_memory=pin_memory,
        )

    return (
        load(train, division.train, shuffled=True),
        load(train, division.validation, shuffled=False),
        load(test, np.arange(len(test)), shuffled=False),
        None,
    )

"""Everything that source localization is trained on, opened from its settings."""

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.core import SILENT, DataError, Progress
from neurorun.simulation.source.anatomy import Anatomy, load_anatomy
from neurorun.simulation.source.batches import Allocate, plain_buffer
from neurorun.simulation.source.choice import choose_rows, divide_rows
from neurorun.simulation.source.clip_file import ClipKey, ClipPath, clip_file, find_clips
from neurorun.simulation.source.config import (
    SourceDataConfig,
    anatomy_folder,
    recorded_noise_file,
    store_folder,
)
from neurorun.simulation.source.drawing import PlanDrawer, divide_clips
from neurorun.simulation.source.examples import FIXED_EPOCH, SourceExamples
from neurorun.simulation.source.leadfield import load_leadfield
from neurorun.simulation.source.maker import ExampleMaker, Forward, Recipe
from neurorun.simulation.source.noise import load_recorded_noise
from neurorun.simulation.source.plan import SourcePlan, plan_facts
from neurorun.simulation.source.plan_file import read_plan
from neurorun.simulation.source.resolve import clip_key, resolve_plan
from neurorun.simulation.source.store import SpikeStore, build_store

_VARIANTS = 8
"""Patches that each region may grow; one more set is kept for validation."""

_LOOKED_AT = 64
"""Drawn rows of which tables and manifests tell."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What was found before training.

    Parameters
    ----------
    rows : name and value of each fact, in words
    missing : per split the files that cannot be used, and how many sources name each
    """

    rows: tuple[tuple[str, str], ...]
    missing: dict[str, dict[str, int]]


@dataclass(frozen=True, eq=False)
class SourceData:
    """Examples of all splits, and what they were made with.

    Parameters
    ----------
    leadfield : of the channels
    anatomy : of the regions; None where its files are absent
    store : the clips
    train, validation, test : examples; validation has none if its share is 0
    report : what was found
    """

    leadfield: Float64[np.ndarray, "channels regions"]
    anatomy: Anatomy | None
    store: SpikeStore
    train: SourceExamples
    validation: SourceExamples
    test: SourceExamples | None
    report: PlanReport

    @property
    def splits(self) -> dict[str, SourceExamples]:
        """All splits that have examples, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None and len(split)}

    def identity(self) -> dict[str, Any]:
        """Counts and fingerprints of the data."""
        return {
            "n_channels": int(self.leadfield.shape[0]),
            "n_regions": int(self.leadfield.shape[1]),
            "leadfield": _fingerprint(self.leadfield),
            "clips": self.store.fingerprint(),
            "n_clips": len(self.store.usable),
            "missing": self.report.missing,
            **{name: _identity_of(split) for name, split in self.splits.items()},
        }

    def members(self) -> dict[str, dict[str, str]]:
        """Per split its rows, and the group of patches that each belongs to."""
        return {
            name: {
                f"row {row}": f"{name} patch {group}"
                for row, group in zip(
                    split.maker.row_ids.tolist(), split.plan.patch_groups().tolist(), strict=True
                )
            }
            for name, split in self.splits.items()
        }


def _fingerprint(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def _identity_of(examples: SourceExamples) -> dict[str, Any]:
    plan = examples.plan
    digest = hashlib.sha256()
    for part in (plan.regions, plan.weights, plan.clip_keys(), plan.scales, plan.snr_db):
        digest.update(np.ascontiguousarray(part).tobytes())
    return {**plan_facts(plan), "fingerprint": digest.hexdigest()[:16]}


def open_source_data(
    config: SourceDataConfig,
    *,
    seed: int,
    clip_path: ClipPath | None = None,
    allocate: Allocate = plain_buffer,
    progress: Progress = SILENT,
) -> SourceData:
    """Open the data of an experiment: read tables, build the store, choose and divide rows.

    Parameters
    ----------
    config : which files, and how examples are made
    seed : decides the division, amplitudes and noise
    clip_path : a function from region and number to the file of a clip, instead of the template
    allocate : makes float32 buffers, for page-locked memory for example
    progress : reading clips, projecting them

    Raises
    ------
    DataError : files are missing, damaged or contradict each other, as the settings do not allow
    """
    opener = _Opener(config, seed, clip_path or config.clip_path, allocate, progress)
    return opener.grown() if not config.use_metadata_loader else opener.tabled()


def open_source_test(
    config: SourceDataConfig, metadata_path: Path, *, seed: int, progress: Progress = SILENT
) -> SourceExamples:
    """Open another table as examples to test on, with the same clips and leadfield.

    Raises
    ------
    DataError : as `open_source_data`
    """
    opener = _Opener(config, seed, config.clip_path, plain_buffer, progress)
    plan = opener.read(metadata_path)
    opener.open_store(opener.files_of(plan))
    rows = np.arange(len(plan))
    return opener.examples(plan, rows, metadata_path, split="test", shuffled=False)


class _Opener:
    """The steps from settings to examples, with what they share."""

    def __init__(
        self,
        config: SourceDataConfig,
        seed: int,
        clip_path: ClipPath,
        allocate: Allocate,
        progress: Progress,
    ) -> None:
        self._config, self._seed, self._clip_path = config, seed, clip_path
        self._allocate, self._progress = allocate, progress
        self._facts: list[tuple[str, str]] = []
        self._missing: dict[str, dict[str, int]] = {}
        self.leadfield = load_leadfield(config.fwd_matrix_path)
        n_channels, n_regions = self.leadfield.shape
        self._facts.append(("leadfield", f"{n_channels} channels, {n_regions} regions"))
        self.anatomy = load_anatomy(anatomy_folder(config), n_regions=n_regions)

    def tabled(self) -> SourceData:
        """Open tables that name every source."""
        config = self._config
        whole = self.read(config.train_metadata_path)
        rows = choose_rows(whole, config.train_dataset_len, rule=config.subset, seed=self._seed)
        plan, tested, test_rows = whole.rows(rows), None, np.arange(0)
        if config.test_metadata_path is not None:
            tested = self.read(config.test_metadata_path)
            length = config.test_dataset_len
            test_rows = choose_rows(tested, length, rule=config.subset, seed=self._seed)
            tested = tested.rows(test_rows)
        self.open_store({**self.files_of(plan), **(self.files_of(tested) if tested else {})})
        division = divide_rows(plan, config.val_split, rule=config.validation_by, seed=self._seed)
        if division.n_left_out:
            logger.warning(
                "%d of %d rows have patches or clips on both sides of the division and are left "
                "out; validation_by: patch keeps them, with clips on both sides.",
                division.n_left_out,
                len(plan),
            )
            self._facts.append(("rows on both sides, left out", str(division.n_left_out)))
        path = config.train_metadata_path
        train, validation = (
            self.examples(plan.rows(side), rows[side], path, split=name, shuffled=name == "train")
            for name, side in (("train", division.train), ("validation", division.validation))
        )
        test = None
        if tested is not None and config.test_metadata_path is not None:
            test = self.examples(
                tested, test_rows, config.test_metadata_path, split="test", shuffled=False
            )
        return self._data(train, validation, test)

    def grown(self) -> SourceData:
        """Draw sources, anew for every epoch of training and once for validation."""
        config = self._config
        if self.anatomy is None:
            raise DataError(
                f"Folder '{anatomy_folder(config)}' holds no neighbours and positions of regions, "
                "which growing patches needs; set anatomy_dir, or use_metadata_loader to true."
            )
        tested = None
        if config.test_metadata_path is not None and config.test_metadata_path.exists():
            tested = self.read(config.test_metadata_path)
        files = dict(find_clips(config.nmm_spikes_dir, config.clip_path))
        self.open_store({**files, **(self.files_of(tested) if tested else {})})
        spared = (
            set() if tested is None else {clip_key(int(k)) for k in np.unique(tested.clip_keys())}
        )
        usable = [key for key in self.store.usable if key not in spared]
        share = 0.0 if not config.growth.n_validation else max(config.val_split, 0.05)
        training, held_out = divide_clips(usable, share, seed=self._seed)
        drawer = self._drawer(training, variants=(0, _VARIANTS))
        n_rows = config.train_dataset_len or config.growth.n_examples
        train = GrownExamples(self, drawer, n_rows)
        validation_plan = train.plan.rows(np.arange(0))
        if held_out:
            own = self._drawer(held_out, variants=(_VARIANTS, 2 * _VARIANTS))
            validation_plan = own.draw(0, np.arange(config.growth.n_validation))
        rows = np.arange(len(validation_plan))
        validation = self.examples(
            validation_plan, rows, config.nmm_spikes_dir, split="validation", shuffled=False
        )
        test = None
        if tested is not None and config.test_metadata_path is not None:
            chosen = choose_rows(
                tested, config.test_dataset_len, rule=config.subset, seed=self._seed
            )
            test = self.examples(
                tested.rows(chosen),
                chosen,
                config.test_metadata_path,
                split="test",
                shuffled=False,
            )
        return self._data(train, validation, test)

    def _drawer(self, clips: tuple[ClipKey, ...], variants: tuple[int, int]) -> PlanDrawer:
        assert self.anatomy is not None
        return PlanDrawer(
            self.anatomy,
            self.store,
            self.forward,
            clips=clips,
            config=self._config.growth,
            seed=self._seed,
            variants=variants,
        )

    def _data(
        self, train: SourceExamples, validation: SourceExamples, test: SourceExamples | None
    ) -> SourceData:
        return SourceData(
            leadfield=self.leadfield,
            anatomy=self.anatomy,
            store=self.store,
            train=train,
            validation=validation,
            test=test,
            report=PlanReport(tuple(self._facts), self._missing),
        )

    def read(self, path: Path) -> SourcePlan:
        plan = read_plan(
            path,
            n_regions=self.leadfield.shape[1],
            fields=self._config.fields,
            clips_per_region=self._config.clips_per_region,
        )
        self._facts += [(path.name, note) for note in plan.notes]
        return plan

    def files_of(self, plan: SourcePlan) -> dict[ClipKey, Path]:
        """File of every clip that a plan names."""
        keys = (clip_key(int(number)) for number in np.unique(plan.clip_keys()))
        folder = self._config.nmm_spikes_dir
        return {key: clip_file(folder, self._clip_path, key) for key in keys if key is not None}

    def open_store(self, files: dict[ClipKey, Path]) -> None:
        folder = self._config.nmm_spikes_dir
        if not folder.is_dir() and isinstance(self._clip_path, str):
            raise DataError(
                f"Folder '{folder}' does not exist; set nmm_spikes_dir to the folder that holds "
                "a0/nmm_1.mat and so on, or make one with 'neurorun simulate spikes'."
            )
        self.store = build_store(
            store_folder(self._config),
            files,
            n_regions=self.leadfield.shape[1],
            n_workers=max(1, self._config.num_workers),
            progress=self._progress,
        )
        if not self.store.usable:
            raise DataError(
                f"None of the {len(files)} clips that are named can be used, the first because "
                f"{self.store.reason(next(iter(files)))}; check nmm_spikes_dir ('{folder}') and "
                "clip_path."
            )
        self._facts.append(("clips", f"{len(self.store.usable)} of {len(files)} usable"))
        background = self.store.background(self.leadfield, progress=self._progress)
        self.forward = Forward(self.leadfield, self.store.clips, background)

    def examples(
        self,
        plan: SourcePlan,
        row_ids: Int64[np.ndarray, " rows"],
        source: Path,
        *,
        split: str,
        shuffled: bool,
    ) -> SourceExamples:
        """Examples of some rows; what is missing is noted under the split."""
        if not len(plan):
            places = np.full(plan.centres.shape, -1, np.int64)
            return self._examples(
                ExampleMaker(plan, row_ids, places, forward=self.forward, recipe=self.recipe),
                shuffled,
            )
        found = resolve_plan(
            plan,
            row_ids,
            self.store,
            leadfield=self.leadfield,
            background=self.forward.background,
            missing_clips=self._config.missing_clips,
            missing_scale=self._config.missing_scale,
            source=source,
        )
        self._facts += [(f"{split}: {name}", value) for name, value in found.facts.items()]
        self._missing[split] = found.missing
        maker = ExampleMaker(
            found.plan, found.row_ids, found.places, forward=self.forward, recipe=self.recipe
        )
        return self._examples(maker, shuffled)

    def _examples(self, maker: ExampleMaker, shuffled: bool) -> SourceExamples:
        return SourceExamples(maker, shuffled=shuffled, **self.loading())

    def loading(self) -> dict[str, Any]:
        """How batches are made."""
        config = self._config
        return {
            "batch_size": config.batch_size,
            "n_workers": config.num_workers,
            "prefetch": config.prefetch_factor,
            "sparse": config.sparse_targets,
            "allocate": self._allocate,
        }

    def maker(self, plan: SourcePlan, row_ids: Int64[np.ndarray, " rows"]) -> ExampleMaker:
        """What makes examples of a plan that names only clips that are there."""
        keys = plan.clip_keys()
        places = [self.store.place(clip_key(int(key)) or (-1, -1)) for key in keys.reshape(-1)]
        return ExampleMaker(
            plan,
            row_ids,
            np.array(places, np.int64).reshape(keys.shape),
            forward=self.forward,
            recipe=self.recipe,
        )

    @cached_property
    def recipe(self) -> Recipe:
        """How examples are made."""
        config = self._config
        recorded = None
        if config.noise == "realistic":
            recorded = load_recorded_noise(
                recorded_noise_file(config),
                n_channels=self.leadfield.shape[0],
                n_samples=self.store.n_samples,
            )
        return Recipe(
            seed=self._seed,
            noise=config.noise,
            normalize=config.normalize,
            recorded=recorded,
            recorded_share=config.realistic_share,
        )


class GrownExamples(SourceExamples):
    """Examples whose sources are drawn anew for every epoch, batch by batch.

    Parameters
    ----------
    opener : what they are made with
    drawer : draws rows of a plan
    n_rows : examples of an epoch
    """

    def __init__(self, opener: _Opener, drawer: PlanDrawer, n_rows: int) -> None:
        self._opener, self._drawer, self._n_rows = opener, drawer, n_rows
        some, _ = self.maker_for(np.arange(min(n_rows, _LOOKED_AT)), FIXED_EPOCH)
        super().__init__(some, shuffled=True, **opener.loading())

    def __len__(self) -> int:
        return self._n_rows

    @property
    def width(self) -> int:
        """Regions that the patches of an example may have at most."""
        n_patch: int = self.plan.regions.shape[2]
        return min(self.n_regions, self.plan.n_sources * n_patch)

    def order(self, epoch: int) -> Int64[np.ndarray, " rows"]:
        """Rows as they are; they are drawn anew anyway."""
        del epoch
        return np.arange(len(self))

    def maker_for(
        self, rows: Int64[np.ndarray, " rows"], epoch: int
    ) -> tuple[ExampleMaker, Int64[np.ndarray, " rows"]]:
        """Draw the sources of some rows of an epoch."""
        plan = self._drawer.draw(epoch, rows)
        return self._opener.maker(plan, rows), np.arange(len(rows))

"""Tables of sources that are drawn: written as published ones, for anyone's loader."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurorun.core import SILENT, DataError, Progress
from neurorun.simulation.source.anatomy import Anatomy, load_anatomy
from neurorun.simulation.source.clip_file import ClipKey, find_clips
from neurorun.simulation.source.config import GrowthConfig, default_store
from neurorun.simulation.source.drawing import PlanDrawer, divide_clips
from neurorun.simulation.source.leadfield import load_leadfield
from neurorun.simulation.source.maker import Forward
from neurorun.simulation.source.mat_writer import MatFormat
from neurorun.simulation.source.plan import join_plans, write_plan
from neurorun.simulation.source.store import SpikeStore, build_store

_TEST_SHARE = 0.25


def draw_tables(
    folder: Path,
    *,
    spikes: Path,
    leadfield_path: Path,
    anatomy_dir: Path,
    n_train: int,
    n_test: int,
    seed: int,
    config: GrowthConfig | None = None,
    store_dir: Path | None = None,
    n_groups: int = 10,
    mat_format: MatFormat = "v7",
    progress: Progress = SILENT,
) -> dict[str, Path]:
    """Draw sources from the clips of a folder and write them as tables; see `write_tables`.

    Parameters
    ----------
    folder : where the tables are written
    spikes, leadfield_path, anatomy_dir : what sources are drawn from
    store_dir : where clips are kept ready, beside ``spikes`` if None

    Raises
    ------
    DataError : files are missing or contradict each other
    """
    leadfield = load_leadfield(leadfield_path)
    anatomy = load_anatomy(anatomy_dir, n_regions=leadfield.shape[1])
    if anatomy is None:
        raise DataError(
            f"Folder '{anatomy_dir}' holds no neighbours and positions of regions, which growing "
            "patches needs; give the folder with fs_cortex_20k_region_mapping.mat."
        )
    store = build_store(
        store_dir or default_store(spikes),
        find_clips(spikes),
        n_regions=leadfield.shape[1],
        progress=progress,
    )
    return write_tables(
        folder,
        anatomy,
        store,
        leadfield,
        n_train=n_train,
        n_test=n_test,
        seed=seed,
        config=config,
        mat_format=mat_format,
        n_groups=n_groups,
        progress=progress,
    )


def write_tables(
    folder: Path,
    anatomy: Anatomy,
    store: SpikeStore,
    leadfield: np.ndarray,
    *,
    n_train: int,
    n_test: int,
    seed: int,
    config: GrowthConfig | None = None,
    mat_format: MatFormat = "v7",
    n_groups: int = 10,
    progress: Progress = SILENT,
) -> dict[str, Path]:
    """Write a training and a test table that share no clip and no patch.

    Parameters
    ----------
    folder : where ``train_sample_source1.mat`` and ``test_sample_source1.mat`` are written
    anatomy, store, leadfield : what sources are drawn from
    n_train, n_test : rows; 0 writes no such table
    seed : decides the sources
    config : how many sources, levels and amplitudes
    mat_format : ``v7`` or ``hdf5``
    n_groups : groups of clips in the training table; rows of different groups share no clip
    progress : rows
    """
    config = config or GrowthConfig()
    forward = Forward(leadfield, store.clips, store.background(leadfield))
    training, held_out = divide_clips(store.usable, _TEST_SHARE if n_test else 0.0, seed=seed)
    if not n_test:
        training, held_out = store.usable, ()
    parts = {"train": (_groups(training, n_groups), n_train), "test": ([held_out], n_test)}
    paths = {}
    most = max((clip for _, clip in store.usable), default=1)
    for number, (split, (groups, n_rows)) in enumerate(parts.items()):
        if not n_rows or not groups[0]:
            continue
        drawers = [
            PlanDrawer(
                anatomy,
                store,
                forward,
                clips=group,
                config=config,
                seed=seed,
                variants=(100 * number + 8 * place, 100 * number + 8 * (place + 1)),
            )
            for place, group in enumerate(groups)
        ]
        per_group = [len(rows) for rows in np.array_split(np.arange(n_rows), len(drawers))]
        plans = [
            drawer.draw(number, np.arange(n), in_order=True, progress=progress)
            for drawer, n in zip(drawers, per_group, strict=True)
            if n
        ]
        path = folder / f"{split}_sample_source1.mat"
        write_plan(path, join_plans(plans), mat_format=mat_format, clips_per_region=max(100, most))
        paths[f"{split}_metadata_path"] = path
    return paths


def _groups(clips: Sequence[ClipKey], n_groups: int) -> list[tuple[ClipKey, ...]]:
    """Deal the clips of every region to groups in turn; no group is empty."""
    groups: list[list[ClipKey]] = [[] for _ in range(n_groups)]
    seen: dict[int, int] = {}
    for centre, clip in clips:
        turn = seen.get(centre, centre)
        groups[turn % n_groups].append((centre, clip))
        seen[centre] = turn + 1
    return [tuple(group) for group in groups if group]

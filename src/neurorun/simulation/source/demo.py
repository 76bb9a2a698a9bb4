"""A whole project folder for source localization, made from nothing."""

from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import SILENT, DataError, Progress, atomic_write
from neurorun.simulation.source.anatomy import (
    GEOMETRY_FILE,
    INFLATED_FILE,
    MAPPING_FILE,
    SURFACE_FILE,
    Anatomy,
)
from neurorun.simulation.source.clip_file import find_clips
from neurorun.simulation.source.clip_simulation import ClipSimulation, simulate_clips
from neurorun.simulation.source.connectivity import synthetic_connectivity
from neurorun.simulation.source.jansen_rit import NetworkSettings
from neurorun.simulation.source.mat_writer import save_mat
from neurorun.simulation.source.spherical_head import spherical_anatomy, spherical_leadfield
from neurorun.simulation.source.store import build_store
from neurorun.simulation.source.tables import write_tables

_STEP_MS = 1.0


def simulate_source_demo(
    folder: Path,
    *,
    n_regions: int = 100,
    n_channels: int = 32,
    n_clips: int = 8,
    n_train: int = 2000,
    n_test: int = 200,
    seed: int = 42,
    n_workers: int = 1,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Make a folder with leadfield, anatomy, clips and tables, laid out as published ones are.

    Head: a homogeneous sphere. Network: Jansen-Rit on a synthetic connectome. Clips of the test
    table occur in it alone; in the training table both sources of a row take clips of one of ten
    groups, so that a tenth can be held out with all its patches and clips.

    Parameters
    ----------
    folder : where to write; what was simulated there already with the same settings is kept
    n_regions, n_channels : of the head; at least 20 and 8
    n_clips : of each region; a quarter is for the test
    n_train, n_test : rows of the tables
    seed : decides everything else
    n_workers : processes
    progress : clips and rows

    Returns
    -------
    Settings of the section ``data`` for these files

    Raises
    ------
    DataError : sizes are too small, or the folder cannot be written
    """
    if n_regions < 20 or n_channels < 8 or n_clips < 4:
        raise DataError(
            f"A demonstration with {n_regions} regions, {n_channels} channels and {n_clips} clips "
            "of each region is asked for; at least 20, 8 and 4 are needed."
        )
    anatomy = spherical_anatomy(n_regions, n_channels, seed=seed)
    leadfield = spherical_leadfield(anatomy)
    write_anatomy(folder / "anatomy", anatomy, leadfield)
    clips = folder / "source" / "nmm_spikes"
    simulation = ClipSimulation(
        clips,
        synthetic_connectivity(anatomy.centre_mm, seed=seed),
        leadfield,
        n_clips=n_clips,
        seed=seed,
        settings=NetworkSettings(dt_ms=_STEP_MS),
        n_at_once=50,
    )
    simulate_clips(simulation, n_workers=n_workers, progress=progress)
    store = build_store(
        folder / "source" / "nmm_spikes_store", find_clips(clips), n_regions=n_regions
    )
    tables = write_tables(
        folder / "source",
        anatomy,
        store,
        leadfield,
        n_train=n_train,
        n_test=n_test,
        seed=seed,
        progress=progress,
    )
    return {
        **{key: str(path) for key, path in tables.items()},
        "nmm_spikes_dir": str(clips),
        "fwd_matrix_path": str(folder / "anatomy" / "leadfield.mat"),
    }


def write_anatomy(folder: Path, anatomy: Anatomy, leadfield: np.ndarray) -> None:
    """Write a leadfield and the anatomy files that belong to it, named as published ones."""
    neighbours = np.empty((1, anatomy.n_regions), object)
    for region, near in enumerate(anatomy.neighbours):
        neighbours[0, region] = (near + 1).astype(np.float64)[None]
    save_mat(folder / "leadfield.mat", {"fwd": leadfield})
    mapping: dict[str, Any] = {"nbs": neighbours}
    if anatomy.surface is not None:
        surface = anatomy.surface
        mapping["rm"] = surface.region_of_vertex.astype(np.float64)[None]
        shape = {"tri": (surface.triangles + 1).astype(np.float64)}
        save_mat(folder / SURFACE_FILE, {"pos": surface.vertices_mm, **shape})
        if surface.inflated_mm is not None:
            centres = {"centre": anatomy.growth_mm}
            save_mat(folder / INFLATED_FILE, {"pos": surface.inflated_mm, **shape, **centres})
    save_mat(folder / MAPPING_FILE, mapping)
    places = np.empty((1, len(anatomy.channels)), [(n, object) for n in ("labels", "X", "Y", "Z")])
    for number, (name, position) in enumerate(
        zip(anatomy.channels, anatomy.channel_mm.tolist(), strict=True)
    ):
        places[0, number] = (name, *position)
    save_mat(folder / f"electrode_{len(anatomy.channels)}.mat", {"eloc": places})
    with atomic_write(folder / GEOMETRY_FILE) as stream:
        np.savez(
            stream,
            centre_mm=anatomy.centre_mm,
            normal=anatomy.normal,
            area_mm2=anatomy.area_mm2,
            left=anatomy.centre_mm[:, 0] < 0,
        )

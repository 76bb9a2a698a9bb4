"""Simulate clips: run the network with one region made excitable until enough lone spikes arose.

Each region has random numbers of its own, so what is simulated beside it changes nothing; each
piece of ten seconds is a function of seed, region and number of the piece, so a run that was
stopped goes on where it was.
"""

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import numpy as np
from jaxtyping import Float32, Float64

from neurorun.core import SILENT, DataError, Progress, read_json, write_json
from neurorun.simulation.source.clip_file import CLIP_PATH, RATE_HZ, REPLACED_COLUMNS, clip_file
from neurorun.simulation.source.connectivity import Connectivity
from neurorun.simulation.source.jansen_rit import (
    SPIKING_A_MV,
    USUAL_A_MV,
    JansenRitNetwork,
    NetworkSettings,
)
from neurorun.simulation.source.mat_writer import save_mat
from neurorun.simulation.source.spike_search import cut_clips, raise_spike

PIECE_S = 10.0
TRANSIENT_S = 0.5
PROGRESS_FILE = "simulation.json"
PROGRESS_FORMAT = "neurorun-clip-simulation"
PROGRESS_FORMAT_VERSION = 1
_GRID = 1024.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ClipSimulation:
    """What is simulated.

    Parameters
    ----------
    folder : where ``a{region}/nmm_{number}.mat`` are written
    connectivity : of 994 + 4 nodes in the published layout, or of as many nodes as regions
    leadfield : with it spikes are scaled to 15 dB at the channels; None leaves them
    n_clips : clips of each region
    max_pieces : pieces of ten seconds after which a region is given up
    seed : decides the noise
    settings : drive and step
    n_at_once : regions in one run
    """

    folder: Path
    connectivity: Connectivity
    leadfield: Float64[np.ndarray, "channels regions"] | None
    n_clips: int = 10
    max_pieces: int = 60
    seed: int = 42
    settings: NetworkSettings = field(default_factory=NetworkSettings)
    n_at_once: int = 16

    @property
    def replaced(self) -> dict[int, int]:
        """Regions whose potential is that of another node."""
        return REPLACED_COLUMNS if self.connectivity.n_nodes == 998 else {}

    @property
    def n_regions(self) -> int:
        """Regions of a clip."""
        return self.connectivity.n_nodes - len(self.replaced)


def simulate_clips(
    simulation: ClipSimulation,
    regions: Sequence[int] | None = None,
    *,
    n_workers: int = 1,
    progress: Progress = SILENT,
) -> dict[int, int]:
    """Write clips until every region has enough; those that are there already are counted.

    Parameters
    ----------
    simulation : what is simulated
    regions : which; all if None
    n_workers : processes
    progress : one step per clip

    Returns
    -------
    Clips of each region; fewer than asked for where it was given up

    Raises
    ------
    DataError : the folder cannot be written, holds clips of another simulation, or a region or the
        leadfield does not fit the connectivity
    """
    chosen = list(range(simulation.n_regions)) if regions is None else list(regions)
    _check(simulation, chosen)
    counts = {region: _done(simulation, region)[1] for region in chosen}
    size = max(1, min(simulation.n_at_once, -(-len(chosen) // n_workers)))
    open_regions = [r for r in chosen if counts[r] < simulation.n_clips]
    groups = [open_regions[i : i + size] for i in range(0, len(open_regions), size)]
    total = simulation.n_clips * len(chosen)
    with progress.phase("simulating clips", total) as advance:
        advance(min(total, sum(min(n, simulation.n_clips) for n in counts.values())))
        for region, n_new in _all_groups(simulation, groups, n_workers):
            counts[region] += n_new
            advance(n_new)
    lacking = [r for r in chosen if counts[r] < simulation.n_clips]
    if lacking:
        logger.warning(
            "%d regions have fewer than %d clips after %d s each, first region %d with %d.",
            len(lacking),
            simulation.n_clips,
            simulation.max_pieces * PIECE_S,
            lacking[0],
            counts[lacking[0]],
        )
    return counts


def _check(simulation: ClipSimulation, regions: Iterable[int]) -> None:
    n_regions = simulation.n_regions
    wrong = [region for region in regions if not 0 <= region < n_regions]
    if wrong:
        raise DataError(
            f"Region {wrong[0]} is asked for; the connectivity has regions 0 to {n_regions - 1}."
        )
    if simulation.leadfield is not None and simulation.leadfield.shape[1] != n_regions:
        raise DataError(
            f"The leadfield has {simulation.leadfield.shape[1]} regions, the connectivity gives "
            f"{n_regions}; both must be of the same cortex."
        )


def _all_groups(
    simulation: ClipSimulation, groups: list[list[int]], n_workers: int
) -> Iterator[tuple[int, int]]:
    if n_workers == 1 or len(groups) < 2:
        for group in groups:
            yield from _simulate_group(simulation, group)
        return
    with ProcessPoolExecutor(n_workers, get_context("spawn")) as processes:
        with _script_hidden():
            jobs = [processes.submit(_group_done, simulation, group) for group in groups]
        try:
            for job in as_completed(jobs):
                yield from job.result()
        finally:
            processes.shutdown(cancel_futures=True)


@contextmanager
def _script_hidden() -> Iterator[None]:
    """Keep new processes from running the user's script again, as they would import it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _group_done(simulation: ClipSimulation, regions: list[int]) -> list[tuple[int, int]]:
    return list(_simulate_group(simulation, regions))


def _simulate_group(simulation: ClipSimulation, regions: list[int]) -> Iterator[tuple[int, int]]:
    """Simulate piece after piece; regions that are done make room."""
    state = {region: _done(simulation, region) for region in regions}
    while state:
        batch = sorted(state)
        pieces = [state[region][0] for region in batch]
        for region, piece, potential in _piece(simulation, batch, pieces):
            clips = cut_clips(potential, region)[: simulation.n_clips - state[region][1]]
            for number, clip in enumerate(clips, state[region][1] + 1):
                _write_clip(simulation, region, number, clip)
            state[region] = piece + 1, state[region][1] + len(clips)
            _note(simulation, region, *state[region])
            yield region, len(clips)
        state = {
            region: (piece, n)
            for region, (piece, n) in state.items()
            if n < simulation.n_clips and piece < simulation.max_pieces
        }


def _piece(
    simulation: ClipSimulation, regions: Sequence[int], pieces: Sequence[int]
) -> Iterator[tuple[int, int, Float32[np.ndarray, "regions samples"]]]:
    """Potentials of one piece of every region, at 500 Hz."""
    settings = simulation.settings
    n_nodes = simulation.connectivity.n_nodes
    columns = np.arange(simulation.n_regions)
    columns[list(simulation.replaced)] = list(simulation.replaced.values())
    excitability_mv = np.full((n_nodes, len(regions)), USUAL_A_MV)
    excitability_mv[columns[list(regions)], np.arange(len(regions))] = SPIKING_A_MV
    network = JansenRitNetwork(simulation.connectivity, excitability_mv, settings=settings)
    every = round(1000 / RATE_HZ / settings.dt_ms)
    n_skipped, n_kept = round(TRANSIENT_S * RATE_HZ), round(PIECE_S * RATE_HZ)
    potential = np.empty((len(regions), n_kept, len(columns)), np.float32)
    noise = _noise(simulation, regions, pieces, n_nodes)
    for step, now in enumerate(network.run((n_skipped + n_kept) * every, noise)):
        sample, rest = divmod(step, every)
        if not rest and sample >= n_skipped:
            potential[:, sample - n_skipped] = now[columns].T
    for run, (region, piece) in enumerate(zip(regions, pieces, strict=True)):
        yield region, piece, np.ascontiguousarray(potential[run].T)


def _noise(
    simulation: ClipSimulation, regions: Sequence[int], pieces: Sequence[int], n_nodes: int
) -> Iterator[Float32[np.ndarray, "nodes runs"]]:
    generators = [
        np.random.default_rng([simulation.seed, region, piece])
        for region, piece in zip(regions, pieces, strict=True)
    ]
    numbers = np.empty((len(regions), n_nodes), np.float32)
    while True:
        for run, generator in enumerate(generators):
            generator.standard_normal(out=numbers[run], dtype=np.float32)
        yield np.ascontiguousarray(numbers.T)


def _write_clip(
    simulation: ClipSimulation,
    region: int,
    number: int,
    clip: Float32[np.ndarray, "regions samples"],
) -> None:
    if simulation.leadfield is not None:
        clip = raise_spike(clip, region, simulation.leadfield)
    rounded = np.round(clip.T * _GRID) / np.float32(_GRID)
    path = clip_file(simulation.folder, CLIP_PATH, (region, number))
    save_mat(path, {"data": np.ascontiguousarray(rounded, np.float32)})


def _identity(simulation: ClipSimulation) -> dict[str, object]:
    settings = simulation.settings
    return {
        "format": PROGRESS_FORMAT,
        "format_version": PROGRESS_FORMAT_VERSION,
        "seed": simulation.seed,
        "n_regions": simulation.n_regions,
        "mu": settings.mu,
        "noise_factor": settings.noise_factor,
        "dt_ms": settings.dt_ms,
        "speed_mm_per_ms": settings.speed_mm_per_ms,
    }


def _done(simulation: ClipSimulation, region: int) -> tuple[int, int]:
    """Pieces simulated and clips written of a region so far."""
    path = simulation.folder / f"a{region}" / PROGRESS_FILE
    if not path.exists():
        return 0, 0
    stored = read_json(path)
    pieces, clips = int(stored.pop("pieces")), int(stored.pop("clips"))
    if stored != _identity(simulation):
        raise DataError(
            f"'{path}' belongs to a simulation with other settings ({stored}); go on with the same "
            "ones, or choose another folder."
        )
    return pieces, clips


def _note(simulation: ClipSimulation, region: int, pieces: int, clips: int) -> None:
    path = simulation.folder / f"a{region}" / PROGRESS_FILE
    write_json(path, {**_identity(simulation), "pieces": pieces, "clips": clips})

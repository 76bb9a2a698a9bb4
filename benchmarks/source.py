"""Speed of simulated source examples beside a loader that reads a .mat file per sample.

Every figure is one JSON line. Ratios within one run are what counts. The data are the shared ones
where they are present (`../shared/data/source_imaging`), else a folder in the same layout with
random clips.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from neurorun.simulation import (
    Connectivity,
    JansenRitNetwork,
    SourceDataConfig,
    load_connectivity,
    load_leadfield,
    load_mat,
    open_source_data,
    read_plan,
    spherical_anatomy,
    spherical_leadfield,
    synthetic_connectivity,
)

SHARED = Path(__file__).resolve().parents[1] / "../shared/data/source_imaging"
N_ROUNDS = 5
N_REGIONS = 994
TVB_MS_PER_STEP = 8.1
"""tvb-library 2.10.0, 998 nodes, one core of the machine on which it was measured."""


def report(figure: str, value: float, unit: str, **more: Any) -> None:
    more = {name: float(f"{number:.4g}") for name, number in more.items()}
    print(json.dumps({"figure": figure, "value": float(f"{value:.4g}"), "unit": unit, **more}))


def rate(make: Callable[[], Iterator[int]], seconds: float = 1.0) -> tuple[float, float]:
    """Samples per second on the clock, and per second of the processor."""
    n, begun, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < seconds:
        for made in make():
            n += made
            if time.perf_counter() - begun >= seconds:
                break
    return n / (time.perf_counter() - begun), n / (time.process_time() - cpu)


class EarlierLoader:
    """One sample as earlier programs make it: .mat per source, whole product, new arrays."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.plan = read_plan(settings["train_metadata_path"], n_regions=N_REGIONS)
        self.folder = settings["nmm_spikes_dir"]
        self.leadfield = load_leadfield(settings["fwd_matrix_path"])
        self.rng = np.random.default_rng(0)

    def __call__(self) -> Iterator[int]:
        for row in self.rng.permutation(len(self.plan)).tolist():
            self.sample(row)
            yield 1

    def sample(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        plan, activity = self.plan, np.zeros((500, N_REGIONS))
        masked = np.zeros(N_REGIONS, bool)
        for source in range(plan.n_sources):
            centre, clip = plan.centres[row, source], plan.clips[row, source]
            waves = load_mat(self.folder / f"a{centre}/nmm_{clip}.mat")["data"].astype(np.float64)
            patch = plan.patch(row, source)
            wave = waves[:, centre] / waves[:, centre].max() * plan.scales[row, source, 0]
            waves[:, patch] = wave[:, None] * plan.weights[row, source, : len(patch)]
            activity += waves
            masked[patch] = True
        eeg = self.leadfield @ activity.T
        power = np.mean(eeg**2) / 10 ** (plan.snr_db[row] / 10)
        eeg += np.sqrt(power) * self.rng.standard_normal(eeg.shape)
        eeg -= eeg.mean(axis=1, keepdims=True)
        eeg -= eeg.mean(axis=0)
        activity[:, ~masked] = 0
        eeg, activity = eeg.T / np.abs(eeg).max(), activity / activity.max()
        return eeg.astype(np.float32), activity.astype(np.float32)


def loading(settings: dict[str, Any]) -> None:
    ways: dict[str, Callable[[], Iterator[int]]] = {"a .mat per sample": EarlierLoader(settings)}
    for name, more in {
        "dense targets, one thread": {"num_workers": 0},
        "dense targets, two threads": {"num_workers": 2},
        "sparse targets, two threads": {"num_workers": 2, "sparse_targets": True},
    }.items():
        config = SourceDataConfig(**settings, batch_size=64, val_split=0, **more)
        ways[name] = epochs_of(open_source_data(config, seed=0).train)
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(N_ROUNDS):
        for name, way in ways.items():
            rates[name].append(rate(way))
    medians = {name: np.median(pairs, axis=0).tolist() for name, pairs in rates.items()}
    for name, (per_s, per_cpu_s) in medians.items():
        report(f"source examples, {name}", per_s, "samples/s", per_cpu_s=per_cpu_s)
    earlier = medians["a .mat per sample"][1]
    ours = medians["dense targets, one thread"][1]
    report("source examples, times a loader with a .mat per sample", ours / earlier, "1")


def epochs_of(examples: Any) -> Callable[[], Iterator[int]]:
    number = iter(range(1, 1 << 30))
    return lambda: (len(eeg) for eeg, _ in examples.batches(next(number)))


def floor(settings: dict[str, Any]) -> None:
    """Where the time of a sample goes."""
    config = SourceDataConfig(**settings, num_workers=0, val_split=0)
    data = open_source_data(config, seed=0)
    maker, eeg = data.train.maker, np.empty((64, 75, 500), np.float32)
    for name, noise in (("without noise", "none"), ("with noise", "global")):
        best = np.inf
        for _ in range(N_ROUNDS):
            begun = time.process_time()
            for first in range(0, 192, 64):
                for _ in maker.make(np.arange(first, first + 64), 1, eeg, noise=noise):
                    pass
            best = min(best, (time.process_time() - begun) / 192)
        report(f"one source example, {name}", 1000 * best, "ms of processor time")


def network(connectivity: Connectivity) -> None:
    for n_runs in (1, 16):
        excitability = np.full((connectivity.n_nodes, n_runs), 3.25)
        simulated = JansenRitNetwork(connectivity, excitability)
        noise = normal_numbers(excitability.shape)
        for _ in simulated.run(50, noise):
            pass
        best = np.inf
        for _ in range(N_ROUNDS):
            begun = time.process_time()
            for _ in simulated.run(100, noise):
                pass
            best = min(best, 1000 * (time.process_time() - begun) / 100 / n_runs)
        figure, unit = f"neural masses, {n_runs} runs at once", "ms of processor time per step"
        report(figure, best, f"{unit} and run", times_tvb=TVB_MS_PER_STEP / best)


def normal_numbers(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    while True:
        yield rng.standard_normal(shape, np.float32)


def simulated_folder(folder: Path) -> dict[str, Any]:
    """The layout of the shared data with clips of chance."""
    from neurorun.simulation import build_store, find_clips, save_mat, write_anatomy, write_tables

    anatomy = spherical_anatomy(N_REGIONS, 75, seed=1)
    leadfield = spherical_leadfield(anatomy)
    write_anatomy(folder / "anatomy", anatomy, leadfield)
    spikes = folder / "source/nmm_spikes"
    rng = np.random.default_rng(0)
    for region in range(0, N_REGIONS, 90):
        for number in (1, 2, 3):
            clip = 1.3 + 0.3 * rng.standard_normal((500, N_REGIONS), np.float32)
            clip[240:260, region] += 20 * np.hanning(20).astype(np.float32)
            save_mat(spikes / f"a{region}/nmm_{number}.mat", {"data": clip})
    store = build_store(folder / "store", find_clips(spikes), n_regions=N_REGIONS)
    tables = write_tables(
        folder / "source", anatomy, store, leadfield, n_train=264, n_test=0, seed=1
    )
    paths = {"nmm_spikes_dir": spikes, "fwd_matrix_path": folder / "anatomy/leadfield.mat"}
    return {**tables, **paths, "test_metadata_path": None}


def shared_folder() -> dict[str, Any]:
    project = SHARED / "project"
    return {
        "train_metadata_path": project / "source/train_sample_source1.mat",
        "test_metadata_path": None,
        "nmm_spikes_dir": project / "source/nmm_spikes",
        "fwd_matrix_path": project / "anatomy/leadfield_75_20k.mat",
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = shared_folder() if SHARED.exists() else simulated_folder(folder)
        settings["store_dir"] = folder / "store"
        loading(settings)
        floor(settings)
        zipped = SHARED / "neural_mass/connectivity_998.zip"
        if zipped.exists():
            network(load_connectivity(zipped))
        else:
            centre_mm = spherical_anatomy(998, 8, seed=1).centre_mm
            network(synthetic_connectivity(centre_mm, seed=1))
    sys.stdout.flush()


if __name__ == "__main__":
    main()

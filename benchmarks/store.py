"""The recording store at the size of a corpus, and beside braindecode; one JSON line per figure.

Run: python benchmarks/store.py [minutes per recording]
Indexing and scanning are of the size of TUSZ (7,377 recordings, 252,089 windows). Braindecode is
measured where it is installed, with ways that it documents: EDF files read when a window is asked
for, and read into memory before, each through PyTorch's DataLoader. Windows of 60 s every 10 s, 19
channels, 256 Hz, batches of 16. ``cpu_s`` counts seconds of the processor: on a busy machine it is
the one to compare.
"""

import importlib.util
import json
import logging
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import Event, Recording, Stretch, Timeline, whole_recording
from neurorun.data import (
    TEN_TWENTY,
    Cache,
    CorpusEntry,
    EEGWindowDataset,
    ExampleLoader,
    Extent,
    PreprocessingConfig,
    StoredWindows,
    build_cache,
    collate_gathered,
    find_recordings,
    open_cache,
    scan_cache,
    survey,
    write_recording,
)
from neurorun.data.cache_table import CacheRow, CacheTable, StoredFile
from neurorun.formats import write_events

RATE_HZ = 256
BATCH = 16
N_RECORDINGS = 8
N_INDEXED = 7377
N_SCANNED = 3734
N_ROUNDS = 3
BUILT_HOURS = 40.0


def measured(function: Callable[[], Any]) -> tuple[float, float]:
    """Seconds on the clock, and of the processor, that a call takes."""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - begun, time.process_time() - begun_cpu


def report(figure: str, value: float, unit: str, **more: float) -> None:
    more = {name: float(f"{number:.4g}") for name, number in more.items()}
    print(json.dumps({"figure": figure, "value": float(f"{value:.4g}"), "unit": unit, **more}))


def simulate(folder: Path, minutes: float) -> list[CorpusEntry]:
    entries = []
    for number in range(N_RECORDINGS):
        n_samples = int(minutes * 60) * RATE_HZ
        noise = np.random.default_rng(number).standard_normal((19, n_samples), np.float32)
        name, duration_s = f"p{number}_s1", n_samples / RATE_HZ
        path = folder / f"{name}.edf"
        stretches = whole_recording(n_samples)
        write_recording(
            path, Recording(name, f"p{number}", TEN_TWENTY, RATE_HZ, 30 * noise, stretches)
        )
        events = (Event(duration_s / 3, duration_s / 3 + 75),)
        write_events(path.with_suffix(".tsv"), Timeline(name, duration_s, events))
        entries.append(CorpusEntry(name, f"p{number}", path, None, path.with_suffix(".tsv")))
    return entries


# the size of a corpus


def indexing(root: Path) -> None:
    """Find as many recordings as TUSZ has, and read their headers and annotations."""
    n_samples = 20 * RATE_HZ
    signal_uv = np.random.default_rng(0).standard_normal((19, n_samples), np.float32)
    stretches = (Stretch(0, n_samples, 0.0),)
    first = root / "template.edf"
    write_recording(first, Recording("t", "t", TEN_TWENTY, RATE_HZ, signal_uv, stretches))
    data = first.read_bytes()
    write_events(root / "template.csv_bi", Timeline("t", 20.0, (Event(3, 9),)), format="csv_bi")
    events = (root / "template.csv_bi").read_bytes()
    for number in range(N_INDEXED):
        letters = "".join(chr(97 + number // 26**place % 26) for place in range(3))
        folder = root / "corpus" / "train" / f"aaaaa{letters}" / "s001" / "01_tcp_ar"
        folder.mkdir(parents=True)
        (folder / f"aaaaa{letters}_s001_t000.edf").write_bytes(data)
        (folder / f"aaaaa{letters}_s001_t000.csv_bi").write_bytes(events)
    found: list[CorpusEntry] = []
    took, cpu = measured(lambda: found.extend(find_recordings(root / "corpus")))
    report("finding recordings", took, "s", cpu_s=cpu, n_recordings=len(found))
    read, read_cpu = measured(lambda: survey(found))
    report("indexing", took + read, "s", cpu_s=cpu + read_cpu, n_recordings=len(found))


def scanning(root: Path) -> None:
    """Sort a quarter of a million windows into kinds and write manifest.json."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(N_SCANNED):
        n_samples = int(rng.integers(360, 1080)) * RATE_HZ
        first = int(rng.integers(0, n_samples - 60 * RATE_HZ))
        extent = Extent(
            f"{number:05}", whole_recording(n_samples), ((first, first + 50 * RATE_HZ),)
        )
        stored = StoredFile(f"{number:05}.npz", 0, "", extent, None)
        rows.append(CacheRow(extent.recording_id, "p", "ok", "", stored))
    settings = {"data.sampling_rate": float(RATE_HZ)}
    cache = Cache(root, CacheTable("train", settings, tuple(rows), True), PreprocessingConfig())
    scan_cache(cache)
    rounds = [measured(lambda: scan_cache(cache)) for _ in range(N_ROUNDS)]
    took, cpu = np.median(rounds, axis=0)
    n_windows = len(scan_cache(cache).table)
    report("scanning, manifest.json written", took, "s", cpu_s=cpu, n_windows=n_windows)


def scaling(entries: list[CorpusEntry], root: Path) -> None:
    """Build with one process and with two: each recording many times, under other names."""
    hours_once = sum(entry.duration_s for entry in survey(entries)) / 3600
    n_copies = round(BUILT_HOURS / hours_once)
    copies = [
        replace(entry, recording_id=f"{entry.recording_id}_{copy}")
        for copy in range(n_copies)
        for entry in entries
    ]
    hours = hours_once * n_copies
    times = {}
    for n_workers in (1, 2):
        took, cpu = measured(
            lambda n=n_workers: build_cache(
                copies,
                root / f"workers{n}",
                split="train",
                preprocessing=PreprocessingConfig(),
                rate_hz=float(RATE_HZ),
                n_workers=n,
            )
        )
        times[n_workers] = took
        shutil.rmtree(root / f"workers{n_workers}")
        more = {"cpu_s_per_hour": cpu / hours} if n_workers == 1 else {}
        report(f"build, {n_workers} processes", took, "s", hours=hours, **more)
    report("build, two processes", times[1] / times[2], "times as fast as one")


FIRST_BATCH = """
import sys, time
from neurorun.data import EEGWindowDataset, EpochSampler, ExampleLoader, SamplingConfig, open_cache
begun, begun_cpu = time.perf_counter(), time.process_time()
dataset = EEGWindowDataset(open_cache(sys.argv[1]))
sampler = EpochSampler(dataset.table, SamplingConfig(), seed=1)
loader = ExampleLoader(dataset, batch_size=16, order=sampler.order, num_workers=2)
next(iter(loader.batches(0)))
print(time.perf_counter() - begun, time.process_time() - begun_cpu)
"""


def first_batch(folder: Path) -> None:
    command = [sys.executable, "-c", FIRST_BATCH, str(folder)]
    runs = [subprocess.check_output(command, text=True).split() for _ in range(N_ROUNDS)]
    took, cpu = np.median(np.array(runs, float), axis=0)
    report("folder to first batch, beyond imports", took, "s", cpu_s=cpu)


# beside other loaders


Batches = Callable[[int], Iterable[Any]]


def ours(dataset: EEGWindowDataset) -> dict[str, Batches]:
    from torch.utils.data import BatchSampler, DataLoader

    def order(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).permutation(len(dataset))

    def through_pytorch(seed: int, collate: Any) -> Iterable[Any]:
        batches = BatchSampler(order(seed).tolist(), BATCH, drop_last=False)
        return DataLoader(dataset, batch_sampler=batches, collate_fn=collate)

    ways: dict[str, Batches] = {}
    for n_threads in (0, 2):
        for name, examples in (("float32", dataset), ("int16", StoredWindows(dataset))):
            loader = ExampleLoader(
                examples,
                batch_size=BATCH,
                order=order,
                num_workers=n_threads,
                persistent_workers=True,
            )
            ways[f"ours, ring, {n_threads} threads, {name}"] = loader.batches
    ways["ours, DataLoader"] = lambda seed: through_pytorch(seed, None)
    ways["ours, DataLoader, collate_gathered"] = lambda seed: through_pytorch(
        seed, collate_gathered
    )
    return ways


def theirs(entries: list[CorpusEntry]) -> dict[str, Batches]:
    """Braindecode's datasets of fixed-length windows, lazily read and in memory."""
    import mne
    import torch
    from braindecode.datasets import BaseConcatDataset, RawDataset
    from braindecode.preprocessing import create_fixed_length_windows
    from torch.utils.data import DataLoader

    ways: dict[str, Batches] = {}
    for preload in (False, True):
        raws = [mne.io.read_raw_edf(e.path, preload=preload, verbose="error") for e in entries]
        described = [{"patient": entry.patient} for entry in entries]
        datasets = [RawDataset(raw, description=d) for raw, d in zip(raws, described, strict=True)]
        windows = create_fixed_length_windows(
            BaseConcatDataset(datasets),
            start_offset_samples=0,
            stop_offset_samples=None,
            window_size_samples=60 * RATE_HZ,
            window_stride_samples=10 * RATE_HZ,
            drop_last_window=False,
        )
        for n_workers in (0, 2):
            name = f"braindecode, {'in memory' if preload else 'lazy'}, {n_workers} workers"
            ways[name] = lambda seed, windows=windows, n_workers=n_workers: DataLoader(
                windows,
                batch_size=BATCH,
                shuffle=True,
                num_workers=n_workers,
                generator=torch.Generator().manual_seed(seed),
            )
    return ways


def read_all(batches: Iterable[Any]) -> int:
    n_windows = 0
    for batch in batches:
        inputs = batch[0]["steps"] if isinstance(batch[0], dict) else batch[0]
        n_windows += len(inputs)
    return n_windows


def loading(dataset: EEGWindowDataset, entries: list[CorpusEntry]) -> None:
    import torch

    torch.set_num_threads(1)
    ways = ours(dataset)
    if importlib.util.find_spec("braindecode") is None:
        print(json.dumps({"figure": "braindecode", "skipped": "it is not installed"}))
    else:
        ways |= theirs(entries)
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for seed in range(N_ROUNDS):
        for name, batches in ways.items():
            counted: list[int] = []
            took, cpu = measured(lambda b=batches, s=seed, c=counted: c.append(read_all(b(s))))
            rates[name].append((counted[0] / took, counted[0] / cpu))
    medians = {name: np.median(pairs, axis=0) for name, pairs in rates.items()}
    for name, (rate, per_cpu_s) in medians.items():
        report(f"loading: {name}", rate, "windows/s", per_cpu_s=per_cpu_s)
    lazy = [name for name in medians if "lazy" in name]
    if lazy:
        mine = medians["ours, ring, 2 threads, float32"][0]
        best = max(rate for name, (rate, _) in medians.items() if name.startswith("brain"))
        report("loading, against the best of braindecode's", mine / best, "times as fast")


def single_windows(dataset: EEGWindowDataset, entries: list[CorpusEntry]) -> None:
    """Random windows one after the other, as datasets give them."""
    from torch.utils.data import DataLoader

    if importlib.util.find_spec("braindecode") is None:
        return
    lazy = theirs(entries)["braindecode, lazy, 0 workers"](0)
    assert isinstance(lazy, DataLoader)
    rng = np.random.default_rng(0)
    per_cpu_s: dict[str, list[float]] = {"ours": [], "braindecode, lazy": []}
    window, mask = (np.empty(s, np.float32) for s in (dataset.input_shape, dataset.target_shape))
    for _ in range(N_ROUNDS):
        chosen = rng.integers(0, min(len(dataset), len(lazy.dataset)), 200).tolist()
        _, cpu = measured(lambda c=chosen: [dataset.fill(index, window, mask) for index in c])
        per_cpu_s["ours"].append(200 / cpu)
        _, cpu = measured(lambda c=chosen: [lazy.dataset[index] for index in c])
        per_cpu_s["braindecode, lazy"].append(200 / cpu)
    medians = {name: float(np.median(rates)) for name, rates in per_cpu_s.items()}
    for name, rate in medians.items():
        report(f"random windows: {name}", rate, "windows per s of the processor")
    ratio = medians["ours"] / medians["braindecode, lazy"]
    report("random windows, against braindecode lazily", ratio, "times as fast")


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    logging.disable(logging.WARNING)
    for category in (UserWarning, FutureWarning, DeprecationWarning):
        warnings.filterwarnings("ignore", category=category)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for part in ("index", "scan", "edf"):
            (root / part).mkdir()
        indexing(root / "index")
        scanning(root / "scan")
        entries = simulate(root / "edf", minutes)
        scaling(entries, root)
        folder = root / "cache/train"
        settings = {"preprocessing": PreprocessingConfig(), "rate_hz": float(RATE_HZ)}
        build_cache(entries, folder.parent, split="train", **settings)
        first_batch(folder)
        dataset = EEGWindowDataset(open_cache(folder))
        single_windows(dataset, entries)
        loading(dataset, entries)


if __name__ == "__main__":
    main()

"""The recording store beside the layout of earlier programs; one JSON line per figure.

Run: python benchmarks/windows.py [minutes per recording [EDF files]]
Windows of 60 s every 10 s, 19 channels, 256 Hz. The earlier layout is made from the same EDF files
by the chain of that time (`preset: legacy`); of EDF files that are given, only the sizes are told.
The same random windows are read from every store, in turns; the figures are medians over the turns.
All files are in the system's memory, except where "cold" stands. ``value`` counts seconds on the
clock, ``per_cpu_s`` those of the processor: on a busy machine the second is the one to compare. The
ratios are of the processor's seconds.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import Event, Recording, Timeline, whole_recording
from neurorun.data import (
    TEN_TWENTY,
    CorpusEntry,
    EEGWindowDataset,
    ExampleLoader,
    Extent,
    PreprocessingConfig,
    WindowConfig,
    build_cache,
    channel_statistics,
    open_cache,
    prepare,
    standardized,
    tabulate_windows,
    write_recording,
)
from neurorun.data.aligned_npz import map_member
from neurorun.formats import read_recording, write_events

RATE_HZ = 256
N_RECORDINGS = 3
N_ROUNDS = 5
BATCH = 16
WINDOWS = WindowConfig()
LENGTH = WINDOWS.window_samples


def seconds(function: Callable[[], Any]) -> tuple[float, float]:
    """Time a call takes on the clock, and of the processor."""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - begun, time.process_time() - begun_cpu


def report(figure: str, value: float, unit: str, **more: Any) -> None:
    more = {name: float(f"{number:.4g}") for name, number in more.items()}
    print(json.dumps({"figure": figure, "value": float(f"{value:.4g}"), "unit": unit, **more}))


def simulate(folder: Path, minutes: float) -> list[CorpusEntry]:
    entries = []
    for number in range(N_RECORDINGS):
        rng = np.random.default_rng(number)
        n_samples = int(minutes * 60 * RATE_HZ)
        slow = np.cumsum(rng.standard_normal((19, n_samples), np.float32), axis=1)
        signal_uv = 20 * rng.standard_normal((19, n_samples), np.float32) + slow - slow.mean()
        name, duration_s = f"p{number}_s1", n_samples / RATE_HZ
        path = folder / f"{name}.edf"
        stretches = whole_recording(n_samples)
        recording = Recording(name, f"p{number}", TEN_TWENTY, RATE_HZ, signal_uv, stretches)
        write_recording(path, recording)
        events = (Event(duration_s / 3, duration_s / 3 + 75),)
        write_events(path.with_suffix(".tsv"), Timeline(name, duration_s, events))
        entries.append(CorpusEntry(name, f"p{number}", path, None, path.with_suffix(".tsv")))
    return entries


def earlier_layout(
    entries: list[CorpusEntry], cache: Any, folder: Path, save: Callable[..., None]
) -> None:
    """Every window on its own, prepared and standardized by the earlier chain, with its mask."""
    folder.mkdir()
    config = PreprocessingConfig(preset="legacy")
    for entry, recording in zip(entries, cache, strict=True):
        prepared = prepare(read_recording(entry.path), config, rate_hz=RATE_HZ)
        statistics = channel_statistics(prepared, config)
        signal = standardized(prepared.signal_uv, statistics, config)
        starts = range(0, prepared.n_samples - LENGTH + 1, 10 * RATE_HZ)
        windows = np.stack([signal[:, first : first + LENGTH] for first in starts])
        labels = np.stack([recording.mask(first, LENGTH) for first in starts])
        path = folder / f"{recording.recording_id}_windows.npz"
        save(path, windows=windows, labels=labels.astype(np.float32))


def earlier_reader(folder: Path) -> Callable[[int, int], tuple[np.ndarray, np.ndarray]]:
    """Read one window as the earlier dataset did: labels are looked at twice."""
    paths = sorted(folder.iterdir())

    def read(recording: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        with np.load(paths[recording]) as npz:
            window = npz["windows"][index]
            return window, npz["labels"][index] if npz["labels"] is not None else window[0]

    return read


def size_of(folder: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


def forget(folder: Path) -> None:
    """Have the system drop its copy of the files in memory."""
    map_member.cache_clear()
    for path in folder.glob("*.npz"):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class InMemory:
    """The same int16 in RAM, decoded into the same buffers: what memory allows."""

    def __init__(self, dataset: EEGWindowDataset) -> None:
        self.table = dataset.table
        recordings = list(dataset.recordings)
        self.signals = [recording.signal.copy() for recording in recordings]
        self.gains = [(r.scale / r.header.statistics["zscore"].spread)[:, None] for r in recordings]
        self.gains = [gain.astype(np.float32) for gain in self.gains]

    def fill(self, index: int, inputs: np.ndarray, targets: np.ndarray) -> None:
        recording, first = int(self.table.recording[index]), int(self.table.first[index])
        np.copyto(inputs, self.signals[recording][:, first : first + LENGTH])
        inputs *= self.gains[recording]
        targets[:] = 0


Way = tuple[int, Callable[[np.ndarray], None]]


def ways_of_earlier_programs(dataset: EEGWindowDataset, folders: dict[str, Path]) -> dict[str, Way]:
    table = dataset.table

    def load_from(folder: Path, chosen: np.ndarray) -> None:
        read = earlier_reader(folder)
        for row in chosen.tolist():
            read(int(table.recording[row]), int(table.window_idx[row]))

    return {
        f"earlier layout, {name}, np.load": (3, lambda x, folder=folder: load_from(folder, x))
        for name, folder in folders.items()
    }


def ways_of_ours(dataset: EEGWindowDataset) -> dict[str, Way]:
    in_memory = InMemory(dataset)
    inputs = np.zeros((BATCH, 19, LENGTH), np.float32)
    targets = np.zeros((BATCH, LENGTH), np.float32)

    def fill_with(source: Any, chosen: np.ndarray) -> None:
        for place, row in enumerate(chosen.tolist()):
            source.fill(row, inputs[place % BATCH], targets[place % BATCH])

    ways: dict[str, Way] = {
        "cache, one thread, cold": (64, lambda x: fill_with(dataset, x)),
        "cache, one thread": (640, lambda x: fill_with(dataset, x)),
        "limit: int16 in RAM, one thread": (640, lambda x: fill_with(in_memory, x)),
    }
    for n_threads in (0, 1, 2):
        ways[f"cache, loader, {n_threads} threads"] = 640, loading(dataset, n_threads)
    return ways


def loading(dataset: EEGWindowDataset, n_threads: int) -> Callable[[np.ndarray], None]:
    order: list[np.ndarray] = []
    loader = ExampleLoader(
        dataset,
        batch_size=BATCH,
        order=lambda _: order[-1],
        num_workers=n_threads,
        persistent_workers=True,
    )

    def read(chosen: np.ndarray) -> None:
        order.append(chosen)
        for _ in loader.batches(0):
            pass

    read(np.arange(3 * BATCH))
    return read


def reading(dataset: EEGWindowDataset, folders: dict[str, Path]) -> None:
    rows = np.flatnonzero(dataset.table.first % (10 * RATE_HZ) == 0)
    ways = ways_of_earlier_programs(dataset, folders) | ways_of_ours(dataset)
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    rng = np.random.default_rng(0)
    for _ in range(N_ROUNDS):
        for name, (number, read) in ways.items():
            chosen = rng.choice(rows, number)
            if "cold" in name:
                forget(dataset.recordings.folder)
            clock_s, cpu_s = seconds(lambda read=read, chosen=chosen: read(chosen))
            rates[name].append((number / clock_s, number / cpu_s))
    medians = {name: np.median(pairs, axis=0).tolist() for name, pairs in rates.items()}
    for name, (rate, per_cpu_s) in medians.items():
        report(name, rate, "windows/s", per_cpu_s=per_cpu_s)
    ours = medians["cache, one thread"][1]
    report("reading, times the earlier layout", ours / medians[next(iter(ways))][1], "1")
    limit = medians["limit: int16 in RAM, one thread"][1]
    report("reading, share of the limit in RAM", ours / limit, "1")


def categories() -> None:
    rng = np.random.default_rng(0)
    extents = []
    for number in range(4667):
        n_samples = int(rng.integers(60, 1200)) * RATE_HZ
        first = int(rng.integers(0, n_samples - 9000))
        extents.append(Extent(str(number), whole_recording(n_samples), ((first, first + 9000),)))
    took_s, _ = seconds(lambda: tabulate_windows(extents, WINDOWS).kind)
    n_windows = len(tabulate_windows(extents, WINDOWS))
    report("windows sorted into kinds", took_s, "s", n_windows=n_windows)


def building(root: Path, minutes: float) -> dict[str, Path]:
    (root / "corpus").mkdir()
    entries = simulate(root / "corpus", minutes)
    hours, unit = N_RECORDINGS * minutes / 60, "s per hour of EEG"

    def build(chosen: list[CorpusEntry]) -> None:
        config = PreprocessingConfig()
        build_cache(chosen, root, split="train", preprocessing=config, rate_hz=RATE_HZ)

    build(entries[:1])  # imports what building needs
    for figure in ("build, from EDF", "build, nothing has changed"):
        clock_s, cpu_s = seconds(lambda: build(entries))
        report(figure, clock_s / hours, unit, cpu_s=cpu_s / hours)
    cache = open_cache(root / "train")
    folders = {"compressed": root / "compressed", "stored": root / "stored"}
    for (name, folder), save in zip(folders.items(), (np.savez_compressed, np.savez), strict=True):
        clock_s, cpu_s = seconds(lambda f=folder, s=save: earlier_layout(entries, cache, f, s))
        report(f"build, earlier layout, {name}", clock_s / hours, unit, cpu_s=cpu_s / hours)
    ours, edf = size_of(root / "train", "*.npz"), size_of(root / "corpus", "*.edf")
    report("size", ours / edf, "times the EDF files")
    for name, folder in folders.items():
        report(f"size, earlier layout, {name}", size_of(folder) / ours, "times the cache")
    return folders


def sizes(path: Path, root: Path) -> None:
    """Tell what windows of a given recording take, also if it went on for hours as it is."""
    events = root / f"{path.stem}.tsv"
    write_events(events, Timeline(path.stem, read_recording(path).duration_s, ()))
    entries = [CorpusEntry(path.stem, "patient", path, None, events)]
    config = PreprocessingConfig()
    build_cache(entries, root / path.stem, split="train", preprocessing=config, rate_hz=RATE_HZ)
    cache = open_cache(root / path.stem / "train")
    folder = root / path.stem / "earlier"
    earlier_layout(entries, cache, folder, np.savez_compressed)
    earlier, ours = size_of(folder), size_of(root / path.stem / "train", "*.npz")
    n_windows = 1 + (cache[0].n_samples - LENGTH) // (10 * RATE_HZ)
    overlap = LENGTH / (10 * RATE_HZ)
    per_window = ours / cache[0].n_samples * LENGTH
    report(
        f"size, earlier layout, compressed, {path.name}",
        earlier / ours,
        "times the cache",
        duration_s=cache[0].n_samples / RATE_HZ,
        if_it_lasted_hours=earlier / n_windows / per_window * overlap,
    )


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path in sys.argv[2:]:
            sizes(Path(path), root)
        folders = building(root, minutes)
        categories()
        reading(EEGWindowDataset(open_cache(root / "train")), folders)


if __name__ == "__main__":
    main()

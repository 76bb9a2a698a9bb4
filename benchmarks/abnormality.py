"""What preparing a window, writing a map and exporting many cost, beside the usual ways.

Run: python benchmarks/abnormality.py [RECORDING]
Every figure is one JSON line. The recording has the 22 signals of NMT; without one a shared or a
simulated recording is taken. Times are seconds of the processor, the best of several. Memory is the
most that a process of its own held while it exported the maps of so many windows of 300 s.
"""

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurorun.core import Metric, Stretch
from neurorun.data import (
    TCP,
    AbnormalityDataConfig,
    AbnormalityEntry,
    AbnormalityPreprocessingConfig,
    GazeExamples,
    GazeMapConfig,
    place_windows,
    prepare_window,
)
from neurorun.data.abnormality import PreparedWindow, StoredWindow, WindowPlace, WindowRow
from neurorun.data.abnormality.window_files import write_window
from neurorun.formats import open_edf, write_recording
from neurorun.runs import create_run
from neurorun.runs.attention import AttentionMap, attention_arrays
from neurorun.runs.deflated_npz import compressor, deflated_npz
from neurorun.simulation import GazeCorpusPlan, simulate_read_recording

SHARED = Path(__file__).resolve().parents[1] / "../shared/data/gaze/edf/train/normal/0000003.edf"
EXPORTED = (20, 200)
N_SAMPLES, RATE_HZ = 15_000, 50.0


def report(figure: str, value: float, unit: str, **more: Any) -> None:
    more = {
        name: float(f"{one:.4g}") if isinstance(one, float) else one for name, one in more.items()
    }
    print(json.dumps({"figure": figure, "value": float(f"{value:.4g}"), "unit": unit, **more}))


def cpu_s(work: Callable[[], object], n: int = 3) -> float:
    times = []
    for _ in range(n):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def direct(path: Path) -> np.ndarray:
    config, preprocessing = AbnormalityDataConfig(), AbnormalityPreprocessingConfig()
    file = open_edf(path)
    return prepare_window(
        file, place_windows(file, config, preprocessing)[0], config, preprocessing
    ).signal_uv


def by_mne(path: Path) -> np.ndarray:
    import mne

    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    raw.rename_channels({name: name.capitalize() for name in raw.ch_names})
    electrodes = sorted({e for channel in TCP for e in channel.split("-")})
    raw.pick([name.capitalize() for name in electrodes])
    raw.set_channel_types(dict.fromkeys(raw.ch_names, "eeg"), verbose="error")
    for channel in TCP:
        first, second = channel.split("-")
        raw = mne.set_bipolar_reference(
            raw, first, second, ch_name=channel, drop_refs=False, verbose="error"
        )
    raw.pick(list(TCP))
    if raw.info["sfreq"] > 100:
        raw.notch_filter(50.0, verbose="error")
    raw.resample(50.0, verbose="error")
    return np.clip(raw.get_data()[:, :15000] * 1e6, -100, 100)


def preparing(path: Path) -> None:
    ours, theirs = direct(path), by_mne(path)
    worst = min(
        float(np.corrcoef(a, b)[0, 1]) for a, b in zip(ours, theirs, strict=True) if b.std() > 0
    )
    t_ours, t_theirs = cpu_s(lambda: direct(path)), cpu_s(lambda: by_mne(path))
    report(
        "window of 300 s prepared, beside MNE", t_theirs / t_ours, "times as fast",
        ours_ms=1e3 * t_ours, mne_ms=1e3 * t_theirs, lowest_correlation=worst,
    )  # fmt: skip


def writing() -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(N_SAMPLES).cumsum() / 30 + rng.standard_normal(N_SAMPLES)
    over_time = 1 / (1 + np.exp(-logits))
    values = np.outer(rng.uniform(0.2, 0.9, 22), over_time).astype(np.float32)
    arrays = attention_arrays(AttentionMap("a", values, RATE_HZ, TCP))

    def by_numpy() -> int:
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
        return stream.tell()

    ours, theirs = cpu_s(lambda: deflated_npz(arrays), 15), cpu_s(by_numpy, 5)
    report(
        f"map written by {compressor()}, beside numpy.savez_compressed", theirs / ours,
        "times as fast", ours_ms=1e3 * ours, numpy_ms=1e3 * theirs,
        ours_kb=len(deflated_npz(arrays)) / 1e3, numpy_kb=by_numpy() / 1e3,
    )  # fmt: skip


def stored_windows(folder: Path, n: int) -> tuple[list[StoredWindow], list[AbnormalityEntry]]:
    """Windows of 300 s of noise, one file and one recording each."""
    rng, ones = np.random.default_rng(0), np.ones(22)
    place = WindowPlace(0, 0.0, 0, N_SAMPLES, Stretch(0, N_SAMPLES, 0.0))
    windows, entries = [], []
    for number in range(n):
        signal = rng.standard_normal((22, N_SAMPLES), np.float32)
        path, name = folder / f"{number}.npz", f"recording-{number}"
        prepared = PreparedWindow(signal, TCP, N_SAMPLES, 0 * ones, ones, (), ())
        write_window(path, prepared, place, label=number % 2, rate_hz=RATE_HZ)
        row = WindowRow(
            name, name, name, number % 2, 0, 0.0, N_SAMPLES, path.name, flat=(), missing=()
        )
        windows.append(StoredWindow(path, row))
        entries.append(AbnormalityEntry(name, name, path, row.label, None, {}))
    return windows, entries


def export(n: int) -> None:
    """Export the maps of so many windows, and tell the most memory that was held."""
    import torch

    from neurorun.experiment import experiment_from
    from neurorun.tasks.abnormality import abnormality_sections, collect_maps
    from neurorun.tasks.abnormality.sections import new_network

    torch.set_num_threads(1)
    sections = abnormality_sections(
        experiment_from({"task": "abnormality"}, source="benchmark").settings
    )
    loss = Metric("val_loss", "lower", "1", "A loss.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        windows, entries = stored_windows(folder, n)
        examples = GazeExamples(windows, entries, GazeMapConfig(), montage="tcp", rate_hz=RATE_HZ)
        with create_run(
            folder, "x", config={}, metrics=(loss,), monitor="val_loss", source_dir=folder
        ) as record:
            began = time.process_time()
            model = new_network(sections).eval()
            made = collect_maps(model, examples, sections, record, split="validation")
            took = time.process_time() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"made": made, "peak_mb": peak_mb, "cpu_s": took}))


def exporting() -> None:
    for n in EXPORTED:
        child = subprocess.run(
            [sys.executable, __file__, "--export", str(n)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = json.loads(child.stdout.splitlines()[-1])
        report(
            f"attention maps of {n} recordings exported: peak memory", found["peak_mb"], "MB",
            cpu_ms_each=1e3 * found["cpu_s"] / n,
        )  # fmt: skip


def simulated(folder: Path) -> Path:
    read = simulate_read_recording(
        np.random.default_rng(0), GazeCorpusPlan(), recording_id="a", is_abnormal=False
    )
    write_recording(folder / "a.edf", read.recording)
    return folder / "a.edf"


def main() -> None:
    if sys.argv[1:2] == ["--export"]:
        export(int(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:]:
            path = Path(sys.argv[1])
        else:
            path = SHARED if SHARED.is_file() else simulated(Path(folder))
        preparing(path)
    writing()
    exporting()


if __name__ == "__main__":
    main()

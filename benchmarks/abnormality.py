"""What preparing a window and writing a map cost, beside the usual ways.

    python benchmarks/abnormality.py RECORDING.edf

The recording has the 22 signals of NMT. CPU time, best of three.
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neurorun.data import (
    TCP,
    AbnormalityDataConfig,
    AbnormalityPreprocessingConfig,
    place_windows,
    prepare_window,
)
from neurorun.formats import open_edf
from neurorun.runs.attention import AttentionMap, attention_arrays
from neurorun.runs.deflated_npz import compressor, deflated_npz


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
    times = f"{1e3 * t_ours:.1f} ms, by MNE {1e3 * t_theirs:.0f} ms"
    print(f"window: {times}: x {t_theirs / t_ours:.0f}")
    print(f"lowest correlation of a channel: {worst:.5f}")


def writing() -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(15000).cumsum() / 30 + rng.standard_normal(15000)
    over_time = 1 / (1 + np.exp(-logits))
    values = np.outer(rng.uniform(0.2, 0.9, 22), over_time).astype(np.float32)
    arrays = attention_arrays(AttentionMap("a", values, 50.0, TCP))

    def by_numpy() -> int:
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
        return stream.tell()

    ours, theirs = cpu_s(lambda: deflated_npz(arrays), 9), cpu_s(by_numpy, 5)
    print(f"map: {1e3 * ours:.1f} ms by {compressor()}, {1e3 * theirs:.1f} ms by NumPy: "
          f"x {theirs / ours:.0f}")  # fmt: skip
    print(f"size: {len(deflated_npz(arrays)) / 1e3:.0f} kB, by NumPy {by_numpy() / 1e3:.0f} kB")


if __name__ == "__main__":
    preparing(Path(sys.argv[1]))
    writing()

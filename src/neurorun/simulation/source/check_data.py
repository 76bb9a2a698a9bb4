"""Look at everything that training would read, and say what is right, wrong and slow."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurorun.core import SILENT, NeurorunError, Progress
from neurorun.simulation.source.batches import SparseTargets
from neurorun.simulation.source.config import SourceDataConfig, anatomy_folder, recorded_noise_file
from neurorun.simulation.source.data import SourceData, open_source_data
from neurorun.simulation.source.leadfield import load_leadfield

Status = Literal["ok", "warning", "failed", "skipped"]

_MEASURED_S = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One step.

    Parameters
    ----------
    step : what was looked at
    status : how it is
    found : what was found, in words
    """

    step: str
    status: Status
    found: str


@dataclass(frozen=True, slots=True)
class SourceReport:
    """All steps, in order."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether training could start."""
        return all(check.status != "failed" for check in self.checks)

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Step, status and finding of each, for a table."""
        return [(check.step, check.status, check.found) for check in self.checks]


def check_source_data(
    config: SourceDataConfig, *, seed: int = 0, progress: Progress = SILENT
) -> SourceReport:
    """Check files, leadfield, clips, one example, one batch, and how fast batches come.

    Nothing is raised for what a user can mend: a step that fails is reported, and what needs it is
    skipped.
    """
    checks = list(_files(config))
    leadfield = _try("leadfield", lambda: load_leadfield(config.fwd_matrix_path), checks, _size)
    data = None
    if leadfield is None:
        checks.append(Check("examples", "skipped", "the leadfield is needed"))
    else:
        data = _try(
            "examples",
            lambda: open_source_data(config, seed=seed, progress=progress),
            checks,
            lambda d: ", ".join(f"{len(split)} {name}" for name, split in d.splits.items()),
        )
    if data is not None:
        checks += [Check(name, _status(name, value), value) for name, value in data.report.rows]
        checks += _example_and_batch(data)
    return SourceReport(tuple(checks))


def _files(config: SourceDataConfig) -> list[Check]:
    wanted: list[tuple[str, Path, bool]] = [
        ("fwd_matrix_path", config.fwd_matrix_path, True),
        ("nmm_spikes_dir", config.nmm_spikes_dir, True),
        ("anatomy_dir", anatomy_folder(config), not config.use_metadata_loader),
    ]
    if config.use_metadata_loader:
        wanted.append(("train_metadata_path", config.train_metadata_path, True))
    if config.test_metadata_path is not None:
        wanted.append(("test_metadata_path", config.test_metadata_path, config.use_metadata_loader))
    if config.noise == "realistic":
        wanted.append(("realistic_noise_path", recorded_noise_file(config), True))
    return [
        Check(
            name,
            "ok" if path.exists() else "failed" if needed else "warning",
            str(path) if path.exists() else f"'{path}' does not exist; set data.{name}",
        )
        for name, path, needed in wanted
    ]


def _try(
    step: str, function: Callable[[], Any], checks: list[Check], describe: Callable[[Any], str]
) -> Any:
    try:
        value = function()
    except NeurorunError as error:
        checks.append(Check(step, "failed", str(error)))
        return None
    checks.append(Check(step, "ok", describe(value)))
    return value


def _size(leadfield: np.ndarray) -> str:
    n_channels, n_regions = leadfield.shape
    return f"{n_channels} channels, {n_regions} regions, rank {np.linalg.matrix_rank(leadfield)}"


def _status(name: str, value: str) -> Status:
    return "warning" if "cannot be used" in name and value != "0" else "ok"


def _example_and_batch(data: SourceData) -> list[Check]:
    example = data.train.example(0)
    silent = not np.any(example.eeg)
    ratio = "stated as" if np.isfinite(example.true_snr_db) else "without noise, stated as"
    checks = [
        Check(
            "example 0",
            "warning" if silent else "ok",
            "silent: its clips are missing"
            if silent
            else f"{len(example.centres)} sources at {', '.join(map(str, example.centres))}; "
            f"signal to noise {example.true_snr_db:.1f} dB, {ratio} {example.snr_db:g} dB",
        )
    ]
    eeg, targets = next(data.train.batches(1))
    values = targets.values if isinstance(targets, SparseTargets) else targets
    finite = bool(np.isfinite(eeg).all() and np.isfinite(values).all())
    shapes = f"EEG {eeg.shape}, targets {values.shape}, all finite: {finite}"
    checks.append(Check("batch", "ok" if finite else "failed", shapes))
    return [*checks, _timing(data)]


def _timing(data: SourceData) -> Check:
    begun, cpu, n, epoch = time.perf_counter(), time.process_time(), 0, 1
    while time.perf_counter() - begun < _MEASURED_S:
        epoch += 1
        for eeg, _ in data.train.batches(epoch):
            n += len(eeg)
            if time.perf_counter() - begun >= _MEASURED_S:
                break
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    found = f"{n / seconds:.0f} examples/s, {1000 * cpu_s / n:.2f} ms of processor time each"
    return Check("timing", "ok", found)

"""What guidance by gaze is worth: the same network with and without it, from several seeds.

Trainings differ in their seed and in the weight of the gaze loss alone. Their attention on the test
split, which none of them saw, is compared with the reader's gaze there; beside it stand maps that
need no network: gaze of other recordings, mean gaze of training, envelope of the signal.
"""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import torch

from neurorun.core import SILENT, Progress, RunError
from neurorun.evaluation import GAZE_BASELINES, mean_over_both
from neurorun.experiment.train import train
from neurorun.runs import Cell, amend_run, open_run

GUIDANCE_MEASURES = ("cc", "nss", "shuffled_auc", "information_gain")
"""Measures of agreement that are compared; more is better in all."""

TABLE = "gaze_guidance"
CAPTION = (
    "Attention against gaze on recordings that nobody trained or chose on: with the gaze loss, "
    "without it, and maps that need no network. Means over seeds and patients; 95 % intervals of "
    "the gain over draws of both."
)
_DRAW_SEED = 0


def train_pairs(
    config: Path | str,
    *,
    first: Path,
    seeds: Sequence[int],
    overrides: Sequence[str] = (),
    progress: Progress = SILENT,
) -> tuple[tuple[Path, Path], ...]:
    """Train with and without gaze from every seed, as many at a time as there are processors.

    Parameters
    ----------
    config : with gaze
    first : the finished run of this configuration from the first seed; its cache is used
    seeds : at least one
    overrides : for all further trainings, ``section.key=value``

    Returns
    -------
    Per seed the run with gaze and the one without
    """
    wanted = [(seed, guided) for seed in seeds for guided in (True, False)]
    runs = {wanted[0]: first}
    jobs = wanted[1:]
    n_at_once = min(len(jobs), os.cpu_count() or 1)
    spawned = multiprocessing.get_context("spawn")
    with (
        progress.phase("Training with and without gaze", len(jobs)) as advance,
        ProcessPoolExecutor(n_at_once, spawned, torch.set_num_threads, (1,)) as processes,
    ):
        futures: dict[Future[Path], tuple[int, bool]] = {
            processes.submit(
                train, config, overrides=(*overrides, *_variant(seed, guided=guided))
            ): (seed, guided)
            for seed, guided in jobs
        }
        for future in as_completed(futures):
            runs[futures[future]] = future.result()
            advance()
    return tuple((runs[seed, True], runs[seed, False]) for seed in seeds)


def _variant(seed: int, *, guided: bool) -> tuple[str, ...]:
    name = f"seed-{seed}-{'with' if guided else 'without'}-gaze"
    weight = () if guided else ("gaze.gaze_weight=0.0",)
    return (f"experiment.seed={seed}", f"experiment.name={name}", *weight)


def guidance_table(pairs: Sequence[tuple[Path, Path]]) -> list[dict[str, Cell]]:
    """Compare agreement with gaze on the test split.

    Parameters
    ----------
    pairs : runs with and without gaze, scored on the same test recordings

    Returns
    -------
    One row per measure and per what attention with gaze is compared with

    Raises
    ------
    RunError : a run kept no agreement of its test split
    """
    guided = [_Agreement.of(run) for run, _ in pairs]
    others = [_Agreement.of(run) for _, run in pairs]
    rows: list[dict[str, Cell]] = []
    for measure in GUIDANCE_MEASURES:
        ours = _grid(guided, "model", measure)
        rivals = {
            "without gaze": _grid(others, "model", measure),
            **{name: _grid(guided, name, measure) for name in GAZE_BASELINES},
        }
        ceiling = float(np.nanmean(_grid(guided, "ceiling", measure)))
        for name, theirs in rivals.items():
            gain = mean_over_both(ours - theirs, rng=np.random.default_rng(_DRAW_SEED))
            rows.append(
                {
                    "measure": measure,
                    "compared_with": name,
                    "with_gaze": float(np.nanmean(ours)),
                    "other": float(np.nanmean(theirs)),
                    "gain": gain.value,
                    "gain_low": gain.low,
                    "gain_high": gain.high,
                    "ceiling": ceiling,
                    "n_seeds": len(pairs),
                    "n_patients": gain.n,
                }
            )
    return rows


def keep_guidance(pairs: Sequence[tuple[Path, Path]]) -> list[dict[str, Cell]]:
    """Compare runs as `guidance_table` does, and keep the table in the first run with gaze."""
    rows = guidance_table(pairs)
    with amend_run(pairs[0][0]) as record:
        record.write_table(TABLE, rows, caption=CAPTION)
    return rows


class _Agreement(dict[tuple[str, str, str], float]):
    """Measures of one run by patient, source and name; means over the windows of each patient."""

    @classmethod
    def of(cls, run: Path) -> "_Agreement":
        tables = open_run(run).of("test").tables
        if "gaze_agreement_by_window" not in tables:
            raise RunError(
                f"Run '{run}' kept no agreement with gaze of its test split; test recordings with "
                "gaze are needed. Score it by `neurorun evaluate`."
            )
        patient = {row["window"]: str(row["patient"]) for row in tables["windows"].rows}
        values: dict[tuple[str, str, str], list[float]] = {}
        for row in tables["gaze_agreement_by_window"].rows:
            for measure in GUIDANCE_MEASURES:
                key = (patient[row["window"]], str(row["source"]), measure)
                values.setdefault(key, []).append(_number(row[measure]))
        return cls({key: float(np.mean(some)) for key, some in values.items()})


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def _grid(runs: Sequence[_Agreement], source: str, measure: str) -> np.ndarray:
    patients = sorted({patient for patient, _, _ in runs[0]})
    return np.array([[run[patient, source, measure] for patient in patients] for run in runs])

"""Simulated normal and abnormal EEG with a reader's gaze, and what guidance by gaze is worth.

The same network is trained with and without the gaze loss, from several seeds; attention on the
recordings of the folder eval, which nobody trained or chose on, is compared with the reader's gaze
there and with what does not need a network: other recordings' gaze, their mean, and the envelope.
"""

import math
import shutil
from pathlib import Path
from typing import Any

from neurorun.core import DataError, Progress, read_json
from neurorun.simulation import GazeCorpusPlan, simulate_gaze_corpus

SIMULATED = {"n_train": 24, "n_eval": 10, "minutes": 5.0, "seed": 42}
SEEDS = (42, 43, 44)
"""The first is the run of the demo; the others tell how far seeds matter."""

MEASURES = ("cc", "nss", "shuffled_auc")
SIMULATES = f"{SIMULATED['n_train'] + SIMULATED['n_eval']:g} recordings with a reader's gaze"
AFTERWARDS = {"Attention": "attention {run} --split test --pictures"}
_CAPTION = (
    "Attention against gaze on recordings that were not trained on: with the gaze loss, without "
    "it, and the best baseline; means over seeds, intervals of the differences (95 %, Student's t "
    "over seeds)."
)
_STUDENT_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Quantile 0.975 for so many seeds."""


def make(out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate the corpus, unless a whole one is there, and return settings that fit it.

    Raises
    ------
    DataError : another corpus lies there
    """
    _simulate(out / "corpus", progress)
    return settings(out)


def settings(folder: Path) -> dict[str, Any]:
    """Settings of the demo, all paths below its folder."""
    return {
        "task": "abnormality",
        "experiment": {
            "name": "demo",
            "description": "Does a network look where the reader of an EEG looked?",
            "output_dir": str(folder / "runs"),
        },
        "data": {
            "data_dir": str(folder / "corpus"),
            "cache_dir": str(folder / "cache"),
            "batch_size": 2,
            "validation_split": 0.2,
        },
        "model": {"attention_head": "per_channel", "gate": "normalized"},
        "gaze": {"gaze_weight": 1.0, "gaze_loss_type": "kl"},
        "training": {
            "epochs": 24,
            "learning_rate": 3e-3,
            "optimizer": "adam",
            "weight_decay": 0.0,
            "early_stopping": {"patience": None, "metric": "val_loss"},
        },
        "evaluation": {"n_explained": 2, "n_reviewed": 4},
    }


def conclude(run: Path, config: Path, progress: Progress) -> list[str]:
    """Train the other seeds, with and without gaze, and tell what guidance is worth.

    The comparison is kept in the run of the demo as the table ``gaze_guidance``.

    Parameters
    ----------
    run : of the demo, with gaze
    config : its settings

    Returns
    -------
    What was found, one sentence per measure
    """
    from neurorun import experiment
    from neurorun.runs import amend_run

    measured = {(SEEDS[0], True): _agreement(run, progress)}
    for seed in SEEDS:
        for guided in (True, False):
            if (seed, guided) not in measured:
                other = experiment.train(config, overrides=_variant(seed, guided=guided))
                measured[seed, guided] = _agreement(other, progress)
    rows = [_row(name, measured) for name in MEASURES]
    with amend_run(run) as record:
        record.write_table("gaze_guidance", rows, caption=_CAPTION)
    return [_sentence(row) for row in rows]


def _variant(seed: int, *, guided: bool) -> list[str]:
    word = "with" if guided else "without"
    return [
        f"experiment.seed={seed}",
        f"experiment.name=demo-{word}-gaze",
        "evaluation.n_explained=0",
        "evaluation.export_attention=false",
        *([] if guided else ["gaze.gaze_weight=0.0"]),
    ]


def _agreement(run: Path, progress: Progress) -> dict[tuple[str, str], float]:
    """Mean of every measure over the test windows, by whose map was compared."""
    from neurorun import experiment

    results: Any = experiment.evaluate(run, split="test", progress=progress)
    return {
        (row["source"], name): float(row[name])
        for row in results.agreement.rows()
        for name in MEASURES
    }


def _row(
    name: str, measured: dict[tuple[int, bool], dict[tuple[str, str], float]]
) -> dict[str, Any]:
    with_gaze = [measured[seed, True]["model", name] for seed in SEEDS]
    without = [measured[seed, False]["model", name] for seed in SEEDS]
    any_run = measured[SEEDS[0], True]
    baselines = {one: any_run[one, name] for one in ("other_gaze", "mean_gaze", "envelope")}
    best = max(baselines, key=lambda one: baselines[one])
    gain = [a - b for a, b in zip(with_gaze, without, strict=True)]
    over = [a - baselines[best] for a in with_gaze]
    return {
        "measure": name,
        "with_gaze": _mean(with_gaze),
        "without_gaze": _mean(without),
        "best_baseline": baselines[best],
        "baseline": best,
        "ceiling": any_run["ceiling", name],
        "gain_over_without": _mean(gain),
        "gain_low": _mean(gain) - _half_width(gain),
        "gain_high": _mean(gain) + _half_width(gain),
        "gain_over_baseline": _mean(over),
        "over_baseline_low": _mean(over) - _half_width(over),
        "over_baseline_high": _mean(over) + _half_width(over),
        "n_seeds": len(SEEDS),
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _half_width(values: list[float]) -> float:
    n, mean = len(values), _mean(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    return _STUDENT_T[n] * deviation / math.sqrt(n)


def _sentence(row: dict[str, Any]) -> str:
    return (
        f"{row['measure']}: {row['with_gaze']:.2f} with gaze, {row['without_gaze']:.2f} without, "
        f"{row['best_baseline']:.2f} the best baseline ({row['baseline']}), {row['ceiling']:.2f} "
        f"the ceiling; gain {row['gain_over_without']:.2f} "
        f"({row['gain_low']:.2f} to {row['gain_high']:.2f}) over without, "
        f"{row['gain_over_baseline']:.2f} "
        f"({row['over_baseline_low']:.2f} to {row['over_baseline_high']:.2f}) over the baseline"
    )


def _simulate(folder: Path, progress: Progress) -> None:
    """Simulate the corpus, unless a whole one is there; a half one is made again."""
    plan = GazeCorpusPlan.model_validate(SIMULATED)
    if folder.exists():
        if read_json(folder / "corpus.json")["plan"] != plan.model_dump(mode="json"):
            raise DataError(
                f"'{folder}' holds another corpus than the demo simulates; delete it, or give "
                "another folder with --out."
            )
        return
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    simulate_gaze_corpus(unfinished, plan, progress=progress)
    unfinished.rename(folder)

"""Simulated normal and abnormal EEG with a reader's gaze, and what guidance by gaze is worth.

The same network is trained with and without the gaze loss, from several seeds; attention on the
recordings of the folder eval, which nobody trained or chose on, is compared with the reader's gaze
there and with what does not need a network: other recordings' gaze, their mean, and the envelope.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurorun.cli.demos.corpus_folder import simulate_once
from neurorun.core import Progress
from neurorun.simulation import GazeCorpusPlan, simulate_gaze_corpus

SIMULATED = {"n_train": 120, "n_eval": 30, "minutes": 5.0, "seed": 42}
SEEDS = (42, 43, 44, 45, 46)
"""The first is the run of the demo; the others tell how far seeds matter."""

SIMULATES = f"{SIMULATED['n_train'] + SIMULATED['n_eval']:g} recordings with a reader's gaze"
AFTERWARDS = {"Attention": "attention {run} --split test --pictures"}
_PLAINLY = ("evaluation.n_explained=0", "evaluation.n_reviewed=0", "evaluation.export_attention=no")
"""What further trainings need not keep."""


def make(out: Path, progress: Progress) -> dict[str, Any]:
    """Simulate the corpus, unless a whole one is there, and return settings that fit it.

    Raises
    ------
    DataError : another corpus lies there
    """
    plan = GazeCorpusPlan.model_validate(SIMULATED)
    simulate_once(
        out / "corpus", plan, simulate_gaze_corpus, record="corpus.json", progress=progress
    )
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
        "preprocessing": {"highpass_freq": 0.5},
        "model": {"attention_head": "per_channel", "gate": "normalized"},
        "gaze": {"gaze_weight": 3.0, "gaze_loss_type": "kl"},
        "training": {
            "epochs": 4,
            "learning_rate": 3e-3,
            "optimizer": "adam",
            "weight_decay": 0.0,
            "early_stopping": {"patience": None, "metric": "val_loss"},
        },
        "evaluation": {"n_explained": 2, "n_reviewed": 4},
    }


def conclude(run: Path, config: Path, progress: Progress) -> list[str]:
    """Train from the other seeds, with and without gaze, and tell what guidance is worth.

    The comparison is kept in the run of the demo as the table ``gaze_guidance``.

    Parameters
    ----------
    run : of the demo, with gaze
    config : its settings

    Returns
    -------
    What was found, one sentence per measure
    """
    from neurorun.experiment import keep_guidance, train_pairs

    pairs = train_pairs(config, first=run, seeds=SEEDS, overrides=_PLAINLY, progress=progress)
    rows = keep_guidance(pairs)
    measures = dict.fromkeys(str(row["measure"]) for row in rows)
    return [_sentence(name, [row for row in rows if row["measure"] == name]) for name in measures]


def _sentence(measure: str, rows: Sequence[Mapping[str, Any]]) -> str:
    first = rows[0]
    against = "; ".join(
        f"{row['compared_with'].replace('_', ' ')} {row['other']:.2f}, gain {row['gain']:.2f} "
        f"({row['gain_low']:.2f} to {row['gain_high']:.2f})"
        for row in rows
    )
    return (
        f"{measure}: {first['with_gaze']:.2f} with gaze; {against}; ceiling {first['ceiling']:.2f}"
    )

"""`neurorun demo`: the whole path on simulated patients."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import yaml

from neurorun.cli.options import ANY_PATH

if TYPE_CHECKING:
    from neurorun.core import Progress

SIMULATED = {
    "n_patients": 40,
    "recordings_per_patient": 1,
    "minutes": 6.0,
    "seizures_per_recording": 1.0,
    "seed": 42,
}
"""Many patients with little EEG each: what a detector learns from is how patients differ."""


def demo_settings(folder: Path) -> dict[str, object]:
    """Settings of the demo, all paths below its folder."""
    return {
        "task": "seizure_detection",
        "experiment": {
            "name": "demo",
            "description": "Can a small detector find the seizures of simulated patients?",
            "output_dir": str(folder / "runs"),
        },
        "data": {
            "dataset": "tuh_eeg",
            "data_dir": str(folder / "corpus"),
            "cache_dir": str(folder / "cache"),
            "split_policy": "official_tusz",
            "batch_size": 16,
            "max_samples": 400,
            "prediction_stride": 30,
        },
        "model": {"preset": "small"},
        "training": {
            "epochs": 6,
            "learning_rate": 2e-3,
            "early_stopping": {"patience": None, "metric": "auroc"},
        },
    }


@click.command()
@click.option("--task", type=click.Choice(["seizure_detection"]), default="seizure_detection")
@click.option("--out", type=ANY_PATH, default="demo", show_default=True, help="Folder to fill.")
def demo(task: str, out: Path) -> None:
    """Simulate patients, train a seizure detector, score it and write a report.

    Takes a few minutes on two cores. Everything lies below the folder given by --out, which may
    be deleted afterwards. What was simulated or prepared before is used again.
    """
    del task
    from neurorun import experiment
    from neurorun.cli.outcome import echo_outcome
    from neurorun.cli.progress import TerminalProgress
    from neurorun.core import write_text

    progress = TerminalProgress()
    click.echo(f"1/3  Simulating {SIMULATED['n_patients']} patients in {out / 'corpus'}")
    _simulate(out / "corpus", progress)
    config = out / "demo.yaml"
    write_text(config, yaml.safe_dump(demo_settings(out), sort_keys=False))
    click.echo(f"2/3  Training with {config}")
    run = experiment.train(config, progress=progress)
    click.echo("3/3  Scores on the validation patients, who were not trained on")
    echo_outcome(run)
    click.echo(f"Again:       {_program()} train {config}")
    click.echo(f"Detect:      {_program()} detect {run} RECORDING.edf -o events")


def _program() -> str:
    """How this program was called, so that what is printed can be typed."""
    called = Path(sys.argv[0])
    return "python -m neurorun" if called.name == "__main__.py" else str(called)


def _simulate(folder: Path, progress: "Progress") -> None:
    """Simulate the corpus, unless a whole one is there; a half one is made again."""
    from neurorun.core import DataError, read_json
    from neurorun.simulation import CorpusPlan, simulate_corpus

    plan = CorpusPlan.model_validate(SIMULATED)
    if folder.exists():
        if read_json(folder / "corpus.json")["plan"] != plan.model_dump(mode="json"):
            raise DataError(
                f"'{folder}' holds another corpus than the demo simulates; delete it, or give "
                "another folder with --out."
            )
        return
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    simulate_corpus(unfinished, plan, progress=progress)
    unfinished.rename(folder)

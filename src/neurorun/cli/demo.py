"""`neurorun demo`: the whole path of a task on simulated data."""

import importlib
import sys
from pathlib import Path

import click
import yaml

from neurorun.cli.options import ANY_PATH

TASKS = ("seizure_detection", "crack_segmentation", "abnormality", "source_localization")
SHORT = {"source": "source_localization", "cracks": "crack_segmentation"}
"""Names that are quicker to type."""


@click.command()
@click.option(
    "--task",
    type=click.Choice([*TASKS, *(name for name, task in SHORT.items() if task in TASKS)]),
    default="seizure_detection",
    show_default=True,
    help="Which clinical question.",
)
@click.option("--out", type=ANY_PATH, help="Folder to fill.  [default: demo, or demo-TASK]")
def demo(task: str, out: Path | None) -> None:
    """Simulate data, train a small model on them, score it and write a report.

    Takes a few minutes on two cores. Everything lies below the folder given by --out, which may
    be deleted afterwards. What was simulated or prepared before is used again.
    """
    from neurorun import experiment
    from neurorun.cli.outcome import echo_outcome
    from neurorun.cli.progress import TerminalProgress
    from neurorun.core import write_text

    task = SHORT.get(task, task)
    folder = out or Path("demo" if task == "seizure_detection" else f"demo-{task}")
    made = importlib.import_module(f"neurorun.cli.demos.{task}")
    progress = TerminalProgress()
    click.echo(f"1/3  Simulating {made.SIMULATES} in {folder}")
    settings = {"task": task, **made.make(folder, progress)}
    config = folder / "demo.yaml"
    write_text(config, yaml.safe_dump(settings, sort_keys=False))
    click.echo(f"2/3  Training with {config}")
    run = experiment.train(config, progress=progress)
    click.echo("3/3  Scores on what was not trained on")
    if hasattr(made, "conclude"):
        click.echo("     and again from other seeds and settings, to compare")
        for sentence in made.conclude(run, config, progress):
            click.echo(f"     {sentence}")
    echo_outcome(run)
    click.echo(f"Again:       {_program()} train {config}")
    for word, command in made.AFTERWARDS.items():
        click.echo(f"{word + ':':<13}{_program()} {command.format(run=run)}")


def _program() -> str:
    """How this program was called, so that what is printed can be typed."""
    called = Path(sys.argv[0])
    return "python -m neurorun" if called.name == "__main__.py" else str(called)

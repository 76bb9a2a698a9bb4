"""`neurorun export`."""

from collections.abc import Callable
from pathlib import Path

import click

from neurorun.cli.options import ANY_PATH


def _network(run: Path, to: str, output: Path | None) -> None:
    """Write the network, or its weights, as one file."""
    from neurorun.experiment import export_model

    made = export_model(run, output, to=to)  # type: ignore[arg-type]  # click checked the name
    told = "not compared: onnxruntime is not installed"
    if made.largest_difference is not None:
        told = f"logits within {made.largest_difference:.2g} of the original"
    click.echo(f"{made.path}" if to == "safetensors" else f"{made.path}: {told}")


def _wandb(run: Path, to: str, output: Path | None) -> None:
    from neurorun.runs import export_to_wandb

    _refuse_output(to, output)
    click.echo(f"Weights & Biases run {export_to_wandb(run)}")


def _mlflow(run: Path, to: str, output: Path | None) -> None:
    from neurorun.runs import export_to_mlflow

    _refuse_output(to, output)
    click.echo(f"MLflow run {export_to_mlflow(run)}")


def _refuse_output(to: str, output: Path | None) -> None:
    if output is not None:
        raise click.UsageError(f"--to {to} writes no file of its own; leave --output out.")


def _crackseg(run: Path, folder: Path) -> None:
    from neurorun.runs import export_for_crackseg

    click.echo(export_for_crackseg(run, folder))


TO: dict[str, Callable[[Path, str, Path | None], None]] = {
    "onnx": _network,
    "torchscript": _network,
    "safetensors": _network,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
"""What `--to` may say, and what does it."""

FOR: dict[str, Callable[[Path, Path], None]] = {"crackseg": _crackseg}
"""Programs whose folders `--for` can write."""


@click.command()
@click.argument("run", type=ANY_PATH)
@click.option("--to", type=click.Choice(list(TO)), help="Format of the file, or where to send it.")
@click.option("-o", "--output", type=ANY_PATH, help="File; by default model.<suffix> here.")
@click.option(
    "--for", "program", nargs=2, metavar="PROGRAM DIR", help="Write a folder as PROGRAM reads it."
)
def export(run: Path, to: str | None, output: Path | None, program: tuple[str, str] | None) -> None:
    """Hand the best network of RUN, or its records, to other programs.

    onnx and torchscript hold the network, safetensors its weights; channels, rate, preparation and
    thresholds travel in the file. Exported networks are compared with the original first. wandb and
    mlflow get the figures of every epoch.
    """
    if (to is None) == (program is None):
        raise click.UsageError("Say either --to FORMAT or --for PROGRAM DIR.")
    if to is not None:
        TO[to](run, to, output)
        return
    assert program is not None
    name, folder = program
    if name not in FOR:
        raise click.UsageError(f"'{name}' is not a known program; known: {', '.join(FOR)}.")
    FOR[name](run, Path(folder))

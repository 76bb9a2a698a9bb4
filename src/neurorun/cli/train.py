"""`neurorun train`."""

from pathlib import Path

import click

from neurorun.cli.options import ANY_PATH, overrides_option


@click.command()
@click.argument("config", type=ANY_PATH, required=False)
@overrides_option
@click.option("--resume", type=ANY_PATH, metavar="RUN", help="Go on with an interrupted run.")
def train(config: Path | None, overrides: tuple[str, ...], resume: Path | None) -> None:
    """Train one run as CONFIG says; its folder holds everything that comes of it.

    With --resume RUN an interrupted run goes on where it stopped; CONFIG may then be left out,
    since the run remembers its settings.
    """
    from neurorun import experiment
    from neurorun.cli.outcome import echo_outcome
    from neurorun.cli.progress import TerminalProgress

    if config is None and resume is None:
        raise click.UsageError("CONFIG is missing; give one, for example configs/local.yaml.")
    progress = TerminalProgress()
    run = experiment.train(config, overrides=overrides, resume=resume, progress=progress)
    if experiment.is_first_process():
        echo_outcome(run)

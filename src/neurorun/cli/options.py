"""Arguments and options that several commands share."""

from pathlib import Path

import click

ANY_PATH = click.Path(path_type=Path)
"""A path whose existence the command checks itself, to say what it expected there."""

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    help="Where the network computes, wherever it was trained; auto takes CUDA where there is any.",
)

overrides_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override one setting, for example --set training.epochs=3. May be given repeatedly.",
)

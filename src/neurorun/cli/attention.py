"""`neurorun attention`."""

from pathlib import Path
from typing import Any

import click

from neurorun.cli.options import ANY_PATH


@click.command()
@click.argument("run", type=ANY_PATH)
@click.option(
    "--split",
    default="validation",
    show_default=True,
    type=click.Choice(["train", "validation", "test"]),
    help="Whose maps are made.",
)
@click.option("--pictures", is_flag=True, help="Also draw pages, strips and heads of the reviews.")
def attention(run: Path, split: Any, pictures: bool) -> None:
    """Write the attention maps of the best checkpoint of RUN, batch by batch.

    Maps go into attention_maps/ of the run, with a table of contents that is true at any moment.
    Maps that are there already, made by the same weights, are not made again, so an interrupted
    export goes on where it stopped.
    """
    from neurorun import experiment
    from neurorun.cli.progress import TerminalProgress

    made, kept = experiment.export_attention(run, split=split, progress=TerminalProgress())
    click.echo(f"{made} maps were made, {kept} were there already: {run / 'attention_maps'}")
    if pictures:
        for path in _draw(run):
            click.echo(str(path))


def _draw(folder: Path) -> list[Path]:
    """Draw every review of a run into its pictures."""
    import importlib.util

    from neurorun.reporting import review_pictures
    from neurorun.runs import amend_run, open_run

    run = open_run(folder)
    with_head = importlib.util.find_spec("mne") is not None
    written = []
    with amend_run(folder) as record:
        for review in run.gaze_reviews.values():
            for name, (png, caption) in review_pictures(review, topomap=with_head).items():
                record.write_picture(name, png, caption=caption)
                written.append(folder / "pictures" / f"{name}.png")
    return written

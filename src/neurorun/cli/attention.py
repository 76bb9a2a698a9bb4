"""`neurorun attention`."""

from pathlib import Path
from typing import Any

import click

from neurorun.cli.options import ANY_PATH, device_option


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
@device_option
def attention(run: Path, split: Any, pictures: bool, device: Any) -> None:
    """Write the attention maps of the best checkpoint of RUN, batch by batch.

    Maps of validation go into attention_maps/ of the run, those of another split into
    scored/SPLIT/attention_maps/, with a table of contents that is true at any moment. Maps that
    are there already, made by the same weights, are not made again, so an interrupted export goes
    on where it stopped.
    """
    from neurorun import experiment
    from neurorun.cli.progress import TerminalProgress
    from neurorun.runs import open_run

    made, there = experiment.export_attention(
        run, split=split, device=device, progress=TerminalProgress()
    )
    folder = open_run(run).of(split).path / "attention_maps"
    click.echo(f"{made} maps were made, {there} were there already: {folder}")
    if pictures:
        for path in _draw(run, split):
            click.echo(str(path))


def _draw(folder: Path, split: str) -> list[Path]:
    """Draw every review of a split into its pictures."""
    import importlib.util

    from neurorun.reporting import review_pictures
    from neurorun.runs import amend_run, open_run

    reviews = open_run(folder).of(split).gaze_reviews
    with_head = importlib.util.find_spec("mne") is not None
    written = []
    with amend_run(folder) as record:
        kept = record.of(split)
        for review in reviews.values():
            for name, (png, caption) in review_pictures(review, topomap=with_head).items():
                kept.write_picture(name, png, caption=caption)
                written.append(kept.folder / "pictures" / f"{name}.png")
    return written

"""`neurorun review`."""

from pathlib import Path
from typing import Any

import click

from neurorun.cli.options import ANY_PATH, device_option


@click.command()
@click.argument("run", type=ANY_PATH)
@click.argument("recording", required=False)
@click.option("-o", "--output", type=ANY_PATH, help="Folder of the pages.  [default: RUN/review]")
@click.option(
    "--split",
    default="validation",
    show_default=True,
    type=click.Choice(["train", "validation", "test"]),
    help="Whose recordings, if none is named.",
)
@click.option(
    "--recording", "file", type=ANY_PATH, metavar="FILE", help="EDF or BDF file to review instead."
)
@click.option("--reference", type=ANY_PATH, metavar="FILE", help="Reference events of that file.")
@click.option(
    "--largest-mb",
    default=24.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Limit of one page. What does not fit is kept as envelope.",
)
@device_option
def review(
    run: Path,
    recording: str | None,
    output: Path | None,
    split: Any,
    file: Path | None,
    reference: Path | None,
    largest_mb: float,
    device: Any,
) -> None:
    """Write pages in which a reader judges RUN: one HTML file per recording, and a list of them.

    A page holds the EEG, the probability of a seizure, and annotated and detected events. It needs
    a browser and nothing else. With RECORDING, one of the run's recordings; otherwise all of a
    split; or the recording in FILE. Pages hold EEG: treat them as you treat the recordings.
    """
    from neurorun.cli.progress import TerminalProgress
    from neurorun.experiment import Reviewer
    from neurorun.reporting import review_page_name, write_review, write_review_index
    from neurorun.runs import open_run

    if reference is not None and file is None:
        raise click.UsageError("--reference belongs to --recording FILE; give both, or neither.")
    opened, progress = open_run(run), TerminalProgress()
    folder, reviewer = output or run / "review", Reviewer(opened, device=device)
    if file is not None:
        materials = iter([reviewer.of_file(file, recording_id=recording, reference=reference)])
        n_pages = 1
    else:
        chosen = reviewer.recordings(split, recording)
        materials, n_pages = reviewer.materials(chosen, progress=progress), len(chosen)
    with progress.phase("Writing pages", n_pages) as advance:
        for material in materials:
            page = folder / review_page_name(material.recording_id)
            write_review(opened, material, page, largest_bytes=round(largest_mb * 1e6))
            advance()
    index = write_review_index(opened, folder)
    click.echo(page if n_pages == 1 else index)

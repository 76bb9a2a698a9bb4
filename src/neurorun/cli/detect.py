"""`neurorun detect`."""

from pathlib import Path
from typing import Any

import click

from neurorun.cli.options import ANY_PATH, device_option

FORMATS = ("tsv", "csv_bi", "edf")


def _formats(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(","))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise click.BadParameter(f"'{unknown[0]}' is not a format; known: {', '.join(FORMATS)}.")
    return names


@click.command()
@click.argument("run", type=ANY_PATH)
@click.argument("recordings", type=ANY_PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=ANY_PATH, required=True, help="Folder for the event files.")
@click.option(
    "--format",
    "formats",
    default="tsv",
    show_default=True,
    callback=_formats,
    help="tsv (HED-SCORE, SzCORE), csv_bi (TUSZ), edf (EDF+ annotations); several with commas.",
)
@click.option(
    "--fa-rate",
    type=float,
    help="Use the thresholds that the run chose for so many false alarms per 24 h.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Windows at a time; fewer take less memory. By default as in training.",
)
@device_option
@click.option(
    "--notes", is_flag=True, help="Say what channels were mapped from, and what was repaired."
)
def detect(
    run: Path,
    recordings: tuple[Path, ...],
    output: Path,
    formats: tuple[Any, ...],
    fa_rate: float | None,
    batch_size: int | None,
    device: Any,
    notes: bool,
) -> int:
    """Write the events that RUN finds in RECORDINGS (EDF, EDF+, BDF), one file per recording.

    Recordings may be of any length: they are read a minute at a time.

    Exit code 0; 2 if no recording could be used; 3 if some could not.
    """
    from neurorun import experiment
    from neurorun.cli.progress import TerminalProgress

    done = experiment.detect_files(
        run,
        recordings,
        output,
        formats=formats,
        fa_rate=fa_rate,
        batch_size=batch_size,
        device=device,
        progress=TerminalProgress(),
    )
    for one in done:
        if one.problem:
            click.echo(f"neurorun: {one.recording}: {one.problem}", err=True)
        else:
            files = ", ".join(str(path) for path in one.written)
            click.echo(f"{one.recording}: {one.n_events} events -> {files}")
            for note in one.notes if notes else ():
                click.echo(f"    {note}")
    n_failed = sum(bool(one.problem) for one in done)
    return 0 if not n_failed else 2 if n_failed == len(done) else 3

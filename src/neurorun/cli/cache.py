"""`neurorun build-cache` and `neurorun scan-cache`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurorun.cli.options import ANY_PATH, overrides_option

if TYPE_CHECKING:
    from neurorun.data import BuildReport, DataConfig, PreprocessingConfig, SplitName

NOTHING_USABLE = 2
_SHOWN = 40
SPLIT_OF_FOLDER: dict[str, "SplitName"] = {
    "train": "train",
    "val": "validation",
    "test": "test",
}


@click.command("build-cache")
@click.option("--data-dir", type=ANY_PATH, help="Folder of the recordings.")
@click.option("--cache-dir", metavar="PATH", help="Folder of the cache, or its URL: s3://...")
@click.option(
    "--split",
    type=click.Choice(list(SPLIT_OF_FOLDER)),
    help="Only the recordings that the settings put into this split, into a folder of its name. "
    "Without it all recordings go into one cache.",
)
@click.option("--config", type=ANY_PATH, help="Take the sections data and preprocessing from it.")
@overrides_option
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.")
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler to use instead: tcp://...")
@click.option(
    "--notes", is_flag=True, help="Say what channels were mapped from, and what was repaired."
)
def build_cache(
    data_dir: Path | None,
    cache_dir: str | None,
    split: str | None,
    config: Path | None,
    overrides: tuple[str, ...],
    workers: int | None,
    cluster: str | None,
    notes: bool,
) -> int:
    """Prepare recordings once: montage, resampling, filters.

    A bad recording stops nothing; the table at the end says what became of each. What is there
    already is kept. Exit code 0; 2 if nothing is usable; 3 if some recordings failed.
    """
    from neurorun.cli.progress import TerminalProgress
    from neurorun.data import Corpus

    given = {"data_dir": data_dir, "cache_dir": cache_dir, "cache_workers": workers}
    data, preprocessing = _sections(config, overrides, given)
    progress = TerminalProgress()
    corpus = Corpus.find(data, preprocessing, progress=progress)
    members = None if split is None else corpus.splits().of(SPLIT_OF_FOLDER[split])
    folder = data.cache_dir if split is None else data.cache_dir / split
    report = corpus.build(members, folder, cluster=cluster, progress=progress)
    if notes:
        _echo_notes(report)
    _echo_report(report)
    return report.exit_code


def _sections(
    config: Path | None, overrides: tuple[str, ...], given: dict[str, Any]
) -> "tuple[DataConfig, PreprocessingConfig]":
    """The two sections that decide a cache, from a file, overrides and options."""
    from neurorun.core import override_settings, read_settings, validate_settings
    from neurorun.data import DataConfig, PreprocessingConfig, check_data

    settings = read_settings(config) if config is not None else {}
    override_settings(settings, overrides)
    chosen = {name: str(value) for name, value in given.items() if value is not None}
    source = str(config or "build-cache")
    data = validate_settings({**settings.get("data", {}), **chosen}, DataConfig, source=source)
    preprocessing = validate_settings(
        settings.get("preprocessing", {}), PreprocessingConfig, source=source
    )
    check_data(data, preprocessing)
    return data, preprocessing


def _echo_notes(report: "BuildReport") -> None:
    """Print the notes of every stored recording, which its file holds for good."""
    from neurorun.data import CachedRecording

    for row in report.rows:
        if row.row.stored is not None:
            recording = CachedRecording.from_file(report.folder / row.row.stored.name)
            click.echo(recording.recording_id)
            for note in (*recording.header.repairs, *recording.header.notes):
                click.echo(f"    {note}")


def _echo_report(report: "BuildReport") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    told = [row for row in report.rows if row.row.status != "ok"]
    if told:
        table = Table(title="Not as they should be")
        table.add_column("recording", overflow="fold")
        table.add_column("status")
        table.add_column("why", overflow="fold", ratio=1)
        for row in told[:_SHOWN]:
            table.add_row(row.row.recording_id, row.row.status, row.row.reason)
        console.print(table)
    if len(told) > _SHOWN:
        console.print(f"{len(told) - _SHOWN} more are listed in cache.json.")
    counts = ", ".join(f"{n} {status}" for status, n in report.counts.items())
    console.print(f"{report.place}: {len(report.rows)} recordings: {counts}", soft_wrap=True)


@click.command("scan-cache")
@click.option(
    "--cache-dir", metavar="PATH", required=True, help="Folder of one split's cache, or its URL."
)
@click.option("--window", "window_size", default=60.0, show_default=True, help="Seconds.")
@click.option("--stride", default=10.0, show_default=True, help="Seconds between windows.")
def scan_cache(cache_dir: str, window_size: float, stride: float) -> int:
    """Sort the windows of a cache by kind and write manifest.json.

    Exit code 2 if no window holds a seizure.
    """
    from neurorun.cli.progress import TerminalProgress
    from neurorun.data import WindowConfig, open_cache
    from neurorun.data import scan_cache as scan

    cache = open_cache(cache_dir, progress=TerminalProgress())
    windows = WindowConfig(window_size=window_size, stride=stride, sampling_rate=cache.rate_hz)
    manifest = scan(cache, windows)
    counts = ", ".join(f"{n} {name}" for name, n in manifest.counts.items())
    click.echo(f"{cache.place}: {counts}")
    if manifest.n_seizure_windows:
        return 0
    click.echo(
        "neurorun: no window holds a seizure, so nothing can be learned from this cache; check "
        "that the annotations belong to these recordings.",
        err=True,
    )
    return NOTHING_USABLE

"""`neurorun simulate`."""

from pathlib import Path
from typing import Literal

import click

from neurorun.cli.options import ANY_PATH


@click.group()
def simulate() -> None:
    """Make data that nobody had to give."""


@simulate.command()
@click.argument("folder", type=ANY_PATH)
@click.option("--patients", "n_patients", default=8, show_default=True, help="How many.")
@click.option("--recordings", default=2, show_default=True, help="Recordings of each patient.")
@click.option("--minutes", default=6.0, show_default=True, help="Length of each recording.")
@click.option("--seizures", default=1.0, show_default=True, help="Mean number per recording.")
@click.option("--seed", default=42, show_default=True, help="Another seed, other patients.")
def corpus(
    folder: Path, n_patients: int, recordings: int, minutes: float, seizures: float, seed: int
) -> None:
    """Write simulated EEG with seizures into FOLDER, laid out as TUSZ.

    EDF recordings, each with a csv_bi and an _events.tsv beside it; the same seed gives the same
    bytes.
    """
    from neurorun.cli.progress import TerminalProgress
    from neurorun.core import validate_settings
    from neurorun.simulation import CorpusPlan, simulate_corpus

    asked = {
        "n_patients": n_patients,
        "recordings_per_patient": recordings,
        "minutes": minutes,
        "seizures_per_recording": seizures,
        "seed": seed,
    }
    plan = validate_settings(asked, CorpusPlan, source="simulate corpus")
    paths = simulate_corpus(folder, plan, progress=TerminalProgress())
    click.echo(f"{folder}: {len(paths)} recordings")


@simulate.command()
@click.argument("folder", type=ANY_PATH)
@click.option("--connectivity", type=ANY_PATH, help="Zip file of The Virtual Brain.")
@click.option("--leadfield", "leadfield_path", type=ANY_PATH, help="Scales spikes to 15 dB.")
@click.option("--regions", help="Which, as 0-9,45,480; all if not given.")
@click.option("--clips", "n_clips", default=10, show_default=True, help="Clips of each region.")
@click.option("--max-minutes", default=10.0, show_default=True, help="Then a region is given up.")
@click.option("--mu", default=0.087, show_default=True, help="Mean input, per ms.")
@click.option("--noise", default=1.0, show_default=True, help="Factor of the noise.")
@click.option("--step-ms", default=0.5, show_default=True, help="Step of the integration.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256))
@click.option("--seed", default=42, show_default=True, help="Another seed, other clips.")
def spikes(
    folder: Path,
    connectivity: Path | None,
    leadfield_path: Path | None,
    regions: str | None,
    n_clips: int,
    max_minutes: float,
    mu: float,
    noise: float,
    step_ms: float,
    workers: int,
    seed: int,
) -> int:
    """Write clips with lone spikes into FOLDER: a{region}/nmm_{number}.mat.

    A network of Jansen-Rit neural masses is run with one region made excitable until that region
    has enough clips. What is there already is kept, so a run that was stopped goes on. Exit code 3
    if some regions were given up.
    """
    from neurorun.cli.progress import TerminalProgress
    from neurorun.core import ConfigError
    from neurorun.simulation import (
        ClipSimulation,
        NetworkSettings,
        load_connectivity,
        load_leadfield,
        simulate_clips,
    )

    if connectivity is None:
        raise ConfigError(
            "--connectivity is missing; give a zip file of The Virtual Brain, such as "
            "connectivity_998.zip, or see 'neurorun demo --task source', which needs none."
        )
    simulation = ClipSimulation(
        folder,
        load_connectivity(connectivity),
        None if leadfield_path is None else load_leadfield(leadfield_path),
        n_clips=n_clips,
        max_pieces=max(1, round(6 * max_minutes)),
        seed=seed,
        settings=NetworkSettings(mu=mu, noise_factor=noise, dt_ms=step_ms),
    )
    chosen = None if regions is None else _numbers(regions)
    counts = simulate_clips(simulation, chosen, n_workers=workers, progress=TerminalProgress())
    lacking = [region for region, n in counts.items() if n < n_clips]
    click.echo(f"{folder}: {sum(counts.values())} clips of {len(counts)} regions")
    if lacking:
        named = ", ".join(map(str, lacking[:10])) + (" ..." if len(lacking) > 10 else "")
        click.echo(f"neurorun: {len(lacking)} regions have fewer than {n_clips}: {named}", err=True)
        return 3
    return 0


def _numbers(text: str) -> list[int]:
    """Whole numbers and ranges of them: 0-3,7."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise click.BadParameter(f"'{part}' is no number and no range; write 0-9,45,480.")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


@simulate.command()
@click.argument("folder", type=ANY_PATH)
@click.option("--spikes", "spikes_dir", type=ANY_PATH, help="Clips; FOLDER/nmm_spikes.")
@click.option("--leadfield", "leadfield_path", type=ANY_PATH, required=True)
@click.option("--anatomy", "anatomy_dir", type=ANY_PATH, help="Folder; that of the leadfield.")
@click.option("--store", "store_dir", type=ANY_PATH, help="Where clips are kept ready.")
@click.option("--train", "n_train", default=10_000, show_default=True, help="Rows to train on.")
@click.option("--test", "n_test", default=1000, show_default=True, help="Rows to test on; 0: none.")
@click.option("--sources", "n_sources", default=2, show_default=True, help="Active at once.")
@click.option("--snr", "snr_db", default="5,10,15,20", show_default=True, help="Levels, dB.")
@click.option(
    "--groups", "n_groups", default=10, show_default=True, help="See docs/source-data.md."
)
@click.option(
    "--format",
    "mat_format",
    type=click.Choice(["v7", "hdf5"]),
    default="v7",
    show_default=True,
    help="hdf5 is MATLAB's v7.3.",
)
@click.option("--seed", default=42, show_default=True, help="Another seed, other sources.")
def plan(
    folder: Path,
    spikes_dir: Path | None,
    leadfield_path: Path,
    anatomy_dir: Path | None,
    store_dir: Path | None,
    n_train: int,
    n_test: int,
    n_sources: int,
    snr_db: str,
    n_groups: int,
    mat_format: Literal["v7", "hdf5"],
    seed: int,
) -> None:
    """Write tables of sources into FOLDER: train_ and test_sample_source1.mat.

    Patches are grown over neighbouring regions. The clips of the test table occur in it alone.
    """
    from neurorun.cli.progress import TerminalProgress
    from neurorun.core import validate_settings
    from neurorun.simulation import GrowthConfig, draw_tables

    asked = {"n_sources": n_sources, "snr_db": [level.strip() for level in snr_db.split(",")]}
    paths = draw_tables(
        folder,
        spikes=spikes_dir or folder / "nmm_spikes",
        leadfield_path=leadfield_path,
        anatomy_dir=anatomy_dir or leadfield_path.parent,
        store_dir=store_dir,
        n_train=n_train,
        n_test=n_test,
        config=validate_settings(asked, GrowthConfig, source="simulate plan"),
        n_groups=n_groups,
        mat_format=mat_format,
        seed=seed,
        progress=TerminalProgress(),
    )
    for path in paths.values():
        click.echo(str(path))

"""`neurorun simulate`."""

from pathlib import Path

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

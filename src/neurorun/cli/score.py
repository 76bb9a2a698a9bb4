"""`neurorun score`: event files against reference event files; needs no PyTorch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurorun.evaluation import DEFAULT_METHODS, Pairing, methods_named

if TYPE_CHECKING:
    from neurorun.core import Timeline
    from neurorun.evaluation import Bootstrap, EventClasses, ScoreReport

EventPath = click.Path(exists=True, path_type=Path)
OutputFile = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("reference", type=EventPath)
@click.argument("detected", type=EventPath)
@click.option(
    "--method",
    "methods",
    default=",".join(DEFAULT_METHODS),
    show_default=True,
    help=f"Methods, with commas between them, or 'all'. Known: {', '.join(methods_named('all'))}.",
)
@click.option(
    "--json", "json_path", type=OutputFile, help="Write every count of every recording here, too."
)
@click.option(
    "--plot",
    "plot_path",
    type=OutputFile,
    help="Draw hits, misses and false alarms on a line of time: .png, .svg or .pdf.",
)
@click.option(
    "--ci", is_flag=True, help="95 % intervals of the totals, by a bootstrap over patients."
)
@click.option("--seed", default=0, show_default=True, help="Decides the draws of --ci.")
@click.option(
    "--draws", type=click.IntRange(1), default=1000, show_default=True, help="How often --ci draws."
)
@click.option(
    "--patients",
    "patients_path",
    type=EventPath,
    help="CSV with the columns recording_id and patient, where names do not tell the patient.",
)
@click.option(
    "--szcore",
    is_flag=True,
    help="Score a BIDS tree as szcore-evaluation 0.0.7, and write --json in its names.",
)
@click.option("--suffix", help="Look only at files that end so, such as .csv_bi.")
@click.option(
    "--missing",
    type=click.Choice(["refuse", "empty"]),
    default="refuse",
    show_default=True,
    help="A reference without detected events is an error, or means that nothing was detected.",
)
@click.option(
    "--overlaps",
    type=click.Choice(["refuse", "merge"]),
    default="refuse",
    show_default=True,
    help="Seizures of one file that share time are an error, or one event.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="THEIRS=OURS",
    help="What a label of the files means; THEIRS= leaves its rows out. May be repeated.",
)
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="NAME=LABEL,...",
    help="Labels of one class, as NEDC's map. By default seizures of every kind are one.",
)
@click.pass_context
def score(context: click.Context, /, reference: Path, detected: Path, **options: Any) -> None:
    """Score DETECTED against REFERENCE events: two files, or two folders paired by name.

    Files may be csv_bi (NEDC), csv (TUSZ), _events.tsv (BIDS/SzCORE) or EDF+; each is recognised by
    its content.
    """
    if options["plot_path"]:
        from neurorun.cli.score_plot import check_suffix

        check_suffix(options["plot_path"])
    if options["szcore"]:
        _refuse_with_szcore(context)
        _score_as_szcore(reference, detected, options["json_path"])
    else:
        _score(reference, detected, options)


def _score(reference: Path, detected: Path, options: Mapping[str, Any]) -> None:
    from neurorun.cli.progress import TerminalProgress
    from neurorun.cli.score_table import show_report
    from neurorun.evaluation import pair_by_name, read_pairs, score_recordings

    wanted = methods_named(options["methods"])
    pairing = pair_by_name(reference, detected, suffix=options["suffix"])
    pairs = list(
        read_pairs(
            pairing,
            missing=options["missing"],
            overlaps=options["overlaps"],
            labels=_labels(options["labels"]),
            progress=TerminalProgress(),
        )
    )
    report = score_recordings(
        pairs,
        methods=wanted,
        patients=_patients(pairing, options["patients_path"]),
        classes=_classes(options["classes"]),
    )
    bootstrap = _bootstrap(report, options) if options["ci"] else None
    show_report(report, bootstrap)
    _say_what_was_left(pairing)
    if options["json_path"]:
        _write(
            options["json_path"],
            report,
            bootstrap,
            sides=(reference, detected),
            seed=options["seed"],
        )
    if options["plot_path"]:
        _plot(options["plot_path"], pairs)


def _write(
    path: Path,
    report: "ScoreReport",
    bootstrap: "Bootstrap | None",
    *,
    sides: tuple[Path, Path],
    seed: int,
) -> None:
    from neurorun.core import write_json
    from neurorun.evaluation import score_document, set_name

    document = score_document(report, folder=set_name(*sides), bootstrap=bootstrap)
    if bootstrap is not None:
        document["parameters"]["bootstrap"]["seed"] = seed
    write_json(path, document)


def _bootstrap(report: "ScoreReport", options: Mapping[str, Any]) -> "Bootstrap":
    import numpy as np

    from neurorun.evaluation import bootstrap_intervals

    drawn = bootstrap_intervals(
        report, rng=np.random.default_rng(options["seed"]), n_resamples=options["draws"]
    )
    if drawn.n_patients < 2:
        click.echo("Intervals are undefined: they need at least two patients.", err=True)
    return drawn


def _plot(path: Path, pairs: "Sequence[tuple[Timeline, Timeline]]") -> None:
    from neurorun.cli.score_plot import draw_timelines

    n_drawn = draw_timelines(path, pairs)
    if n_drawn < len(pairs):
        click.echo(f"{path} shows the first {n_drawn} of {len(pairs)} recordings.", err=True)


def _score_as_szcore(reference: Path, detected: Path, json_path: Path | None) -> None:
    from neurorun.cli.progress import TerminalProgress
    from neurorun.cli.score_table import show_report
    from neurorun.core import write_json
    from neurorun.evaluation import pair_by_name, score_szcore

    pairing = pair_by_name(reference, detected, suffix="_events.tsv")
    result = score_szcore(pairing, progress=TerminalProgress())
    show_report(result.report)
    for name, reason in result.counted_as_silent.items():
        click.echo(f"Counted as nothing detected: {name}: {reason}.", err=True)
    if json_path:
        write_json(json_path, result.to_dict())


_FIXED_BY_SZCORE = (
    "methods",
    "plot_path",
    "ci",
    "patients_path",
    "suffix",
    "missing",
    "overlaps",
    "labels",
    "classes",
)


def _refuse_with_szcore(context: click.Context) -> None:
    """Refuse options that would not be heeded."""
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name in _FIXED_BY_SZCORE and source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{parameter.opts[0]} cannot be given with --szcore, which fixes it; give "
                "only --json."
            )


def _patients(pairing: Pairing, path: Path | None) -> Mapping[str, str] | None:
    if path is None:
        return pairing.patients
    from neurorun.evaluation import read_patients

    return read_patients(path)


def _labels(options: Sequence[str]) -> dict[str, str | None]:
    named = (option.partition("=") for option in options)
    return {theirs: ours or None for theirs, _, ours in named}


def _classes(options: Sequence[str]) -> "EventClasses":
    from neurorun.evaluation import TWO_CLASSES, EventClasses

    if not options:
        return TWO_CLASSES
    named = (option.partition("=") for option in options)
    return EventClasses.from_lists({name: labels.split(",") for name, _, labels in named})


def _say_what_was_left(pairing: Pairing) -> None:
    if pairing.missing:
        listed = ", ".join(pair.name for pair in pairing.missing)
        click.echo(f"Counted as nothing detected, for want of a file: {listed}", err=True)
    if pairing.unreferenced:
        listed = ", ".join(str(path) for path in pairing.unreferenced)
        click.echo(f"Not scored, for want of a reference: {listed}", err=True)

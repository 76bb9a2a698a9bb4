"""Is a run folder whole? Every file against its checksum, its format, and its neighbours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from neurorun.core import NeurorunError
from neurorun.runs.attention import ATTENTION_MANIFEST, verify_attention
from neurorun.runs.checkpoints import BEST, BEST_LINKS
from neurorun.runs.checksums import checksum_of, files_of
from neurorun.runs.confusion import CONFUSION, read_confusion_matrices
from neurorun.runs.distributions import DISTRIBUTIONS, read_class_distributions
from neurorun.runs.epoch_table import EPOCH_TABLE, read_epoch_table
from neurorun.runs.kept import kept_path
from neurorun.runs.kept_check import Reader, kept_readers
from neurorun.runs.metadata import METADATA, read_metadata
from neurorun.runs.metrics_log import METRICS_LOG, read_rows
from neurorun.runs.operating_points import (
    FA_CURVE,
    OPERATING_POINTS,
    read_fa_curves,
    read_operating_points,
)
from neurorun.runs.predictions import predictions_path
from neurorun.runs.record import RECORD, read_record
from neurorun.runs.run import Run
from neurorun.runs.scores import (
    FINAL_RESULTS,
    VALIDATION,
    read_final_results,
    read_validation_scores,
    scored_splits,
    split_scores_path,
)
from neurorun.runs.settings import CONFIG, read_config
from neurorun.runs.splits import SPLITS, read_splits
from neurorun.runs.summary import SUMMARY, read_summary


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one file of a run.

    Parameters
    ----------
    path : relative to the run folder
    damaged : whether the file cannot be trusted; otherwise it is worth knowing, no more
    message : one sentence
    """

    path: str
    damaged: bool
    message: str


_READERS: dict[str, Callable[[Path], object]] = {
    CONFIG: read_config,
    METADATA: read_metadata,
    METRICS_LOG: lambda folder: read_rows(folder / METRICS_LOG),
    EPOCH_TABLE: read_epoch_table,
    SUMMARY: read_summary,
    VALIDATION: read_validation_scores,
    FINAL_RESULTS: read_final_results,
    CONFUSION: read_confusion_matrices,
    DISTRIBUTIONS: read_class_distributions,
    OPERATING_POINTS: read_operating_points,
    FA_CURVE: read_fa_curves,
    SPLITS: read_splits,
}


def check_run(path: Path | str) -> tuple[Finding, ...]:
    """Check every file of a run; an empty answer is a sound and complete run.

    Each file is named once: what has the wrong checksum is not examined further.

    Raises
    ------
    RunError : not a run folder
    """
    folder = Path(path)
    if not (folder / RECORD).is_file():
        read_record(folder)
    try:
        run = Run(folder, read_record(folder))
    except NeurorunError as error:
        return (Finding(RECORD, True, str(error)),)
    wrong = tuple(_against_checksums(run))
    seen = {finding.path for finding in wrong if finding.damaged}
    unreadable = tuple(f for f in _against_formats(run) if f.path not in seen)
    seen |= {finding.path for finding in unreadable}
    agreeing = () if seen & {METRICS_LOG, *_DERIVED} else tuple(_against_rows(run))
    leftovers = (finding for finding in _leftovers(run) if finding.path not in seen)
    return (*wrong, *unreadable, *agreeing, *leftovers)


def _against_checksums(run: Run) -> Iterator[Finding]:
    if run.record.files is None:
        yield Finding(
            RECORD, False, f"The run is {run.status}; its files get checksums when it ends."
        )
        return
    for name, expected in run.record.files.items():
        path = run.path / name
        if not path.is_file():
            yield Finding(name, True, f"Missing; {expected.bytes} bytes were written.")
            continue
        found = checksum_of(path)
        if found != expected:
            yield Finding(
                name,
                True,
                f"Changed since the run ended: {found.bytes} bytes with checksum "
                f"{found.sha256[:12]}, written were {expected.bytes} with {expected.sha256[:12]}.",
            )
    for name in files_of(run.path):
        if name not in run.record.files:
            yield Finding(name, False, "Not of the run as it ended; it has no checksum.")


def _against_formats(run: Run) -> Iterator[Finding]:
    """Read every file that is there, and name those that cannot be read."""
    for name in (CONFIG, METADATA):
        if not (run.path / name).is_file():
            yield Finding(name, True, "Missing; every run has one.")
    for name, read in (*_readers_of_run(run), *_readers_of_kept(run)):
        try:
            read()
        except NeurorunError as error:
            yield Finding(name, True, str(error))


def _readers_of_run(run: Run) -> Iterator[Reader]:
    """Of files that are there, and of rows that ``run.json`` lists: these may not be missing."""
    for name, read in _READERS.items():
        if (run.path / name).is_file():
            yield name, partial(read, run.path)
    for split in scored_splits(run.path):
        yield split_scores_path(split), partial(run.scores, split)
    for split in ("validation", *scored_splits(run.path)):
        if predictions_path(split) in run.record.tables:
            yield predictions_path(split), partial(run.scored_items, split)


def _readers_of_kept(run: Run) -> Iterator[Reader]:
    for split in ("validation", *run.kept_splits):
        for name, read in kept_readers(run.of(split).path):
            yield (PurePosixPath(kept_path(split)) / name).as_posix(), read


_DERIVED = (METADATA, EPOCH_TABLE, SUMMARY, VALIDATION, FINAL_RESULTS)


def _against_rows(run: Run) -> Iterator[Finding]:
    """Compare the rows with each other, and what is derived from them with the rows."""
    rows = run.epoch_rows
    if not rows:
        return
    epochs = [row.epoch for row in rows]
    if epochs != list(range(epochs[0], epochs[0] + len(epochs))):
        yield Finding(METRICS_LOG, False, f"Epochs are missing or doubled: it holds {epochs}.")
    if any(list(row.values) != list(rows[0].values) for row in rows):
        yield Finding(METRICS_LOG, False, "Its rows do not all have the same keys.")
    for name in _DERIVED:
        if not (run.path / name).is_file():
            yield Finding(name, False, "Missing; it is written again when the run is resumed.")
        elif not _agrees(name, run):
            yield Finding(name, False, f"It disagrees with {METRICS_LOG}, which is what counts.")


def _agrees(name: str, run: Run) -> bool:
    folder, rows = run.path, run.epoch_rows
    match name:
        case "metadata.json":
            return read_metadata(folder).total_epochs == len(rows)
        case "epoch_statistics.csv":
            return repr(read_epoch_table(folder)) == repr(rows)  # NaN equals itself in writing
        case "metrics/complete_summary.json":
            return read_summary(folder).best_epoch == run.best_epoch
        case "metrics/validation_metrics.json":
            return read_validation_scores(folder).best_epoch == run.best_epoch
        case _:
            last = rows[-1].values
            told = read_final_results(folder).items()
            return all(repr(value) == repr(last[name]) for name, value in told if name in last)


def _leftovers(run: Run) -> Iterator[Finding]:
    """What a crash, or other hands, may leave: files by themselves sound, not of one writing."""
    for split in ("validation", *run.kept_splits):
        folder = run.of(split).path
        if (folder / ATTENTION_MANIFEST).is_file():
            try:
                verify_attention(folder)
            except NeurorunError as error:
                place = PurePosixPath(kept_path(split)) / ATTENTION_MANIFEST
                yield Finding(place.as_posix(), False, str(error))
    for path in sorted(run.path.rglob(".*.tmp")):
        name = path.relative_to(run.path).as_posix()
        yield Finding(name, False, "Left over from interrupted writing; it may be deleted.")
    best = run.path / BEST
    for name in BEST_LINKS:
        link = run.path / name
        if best.is_file() and (not link.is_file() or checksum_of(link) != checksum_of(best)):
            yield Finding(name, False, f"It is not the same as {BEST}, which is the best.")

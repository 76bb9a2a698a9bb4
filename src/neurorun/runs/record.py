"""``run.json``: which run this is, how it stands, and what its numbers mean.

It covers the whole folder: its ``format_version`` is that of every file inside, and once the run
has ended it lists their checksums.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter

from neurorun.core import FormatError, Metric, RunError, read_json
from neurorun.runs.document import parse, write_document
from neurorun.runs.table import Kind

RECORD = "run.json"
FORMAT: Final = "neurorun-run"
FORMAT_VERSION: Final = 1

Status = Literal["running", "completed", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Fault:
    """The exception that ended a run; its traceback is in the log."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """One time at which an ended or interrupted run was taken up again.

    Parameters
    ----------
    at : UTC
    after_epoch : last epoch that was kept; 0 if none
    epochs_cut : how many later epochs were removed from the metrics
    """

    at: str
    after_epoch: int
    epochs_cut: int


@dataclass(frozen=True, slots=True)
class Checksum:
    """Size and content of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The content of ``run.json``.

    Parameters
    ----------
    run_id : unique for all time; stays with the folder wherever it is moved
    name : of the folder, as it was made
    status : as last written; a ``running`` run whose lock is free was interrupted
    exit_reason : one sentence, None while running
    started_at, finished_at : UTC, ISO 8601
    command : what was typed
    seed : the one from which all randomness came, None if unknown
    metrics : declarations; their names are the keys in every other file
    monitor : the metric that chooses the best epoch: the earliest of the best values
    epochs_planned : None where no number was planned
    resumed_from : run_id of another run whose checkpoint this one started from
    tables : per CSV file the kind of each column
    files : checksums by path relative to the folder; None until the run has ended
    """

    format: Literal["neurorun-run"] = FORMAT
    format_version: Literal[1] = FORMAT_VERSION
    run_id: str
    name: str
    experiment: str
    status: Status
    started_at: str
    command: tuple[str, ...]
    metrics: tuple[Metric, ...]
    monitor: str
    seed: int | None
    epochs_planned: int | None
    neurorun_version: str
    finished_at: str | None = None
    exit_reason: str | None = None
    error: Fault | None = None
    resumed_from: str | None = None
    resumptions: tuple[Resumption, ...] = ()
    tables: dict[str, dict[str, Kind]] = field(default_factory=dict)
    files: dict[str, Checksum] | None = None

    def __post_init__(self) -> None:
        names = [metric.name for metric in self.metrics]
        if self.monitor not in names:
            raise RunError(
                f"The monitored metric is '{self.monitor}', but the run declares only "
                f"{', '.join(names) or 'none'}; choose one of these."
            )

    @property
    def monitored(self) -> Metric:
        """The declaration of the metric that chooses the best epoch."""
        return next(metric for metric in self.metrics if metric.name == self.monitor)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write ``run.json``, whole or not at all."""
    write_document(folder / RECORD, record)


def read_record(folder: Path) -> RunRecord:
    """Read ``run.json``.

    Raises
    ------
    RunError : the folder is not a run
    FormatError : it was written in a format that we do not know, or is damaged
    """
    path = folder / RECORD
    if not path.is_file():
        raise RunError(
            f"'{folder}' is not a run folder: it holds no {RECORD}. Give the folder of one run; "
            "`neurorun runs DIR` lists them."
        )
    value = read_json(path)
    found = (value.get("format"), value.get("format_version")) if isinstance(value, dict) else None
    if found != (FORMAT, FORMAT_VERSION):
        raise FormatError(
            f"'{path}' has the format and version {found}; this neurorun reads "
            f"{(FORMAT, FORMAT_VERSION)}. Update neurorun, or choose another folder."
        )
    return parse(value, TypeAdapter(RunRecord).validate_json, source=f"'{path}'")


def utc_now() -> str:
    """Now, in UTC, ISO 8601 with microseconds and offset."""
    return datetime.now(UTC).isoformat(timespec="microseconds")

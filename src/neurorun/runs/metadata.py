"""``metadata.json``: when, where, from which source and on which data a run was made.

The first five keys are those that earlier readers expect.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from neurorun.core import atomic_write
from neurorun.runs.document import read_document, write_document
from neurorun.runs.environment import Environment, environment_now
from neurorun.runs.record import utc_now
from neurorun.runs.source import PATCH, Source, source_of

METADATA = "metadata.json"
STORAGE_FORMAT = "CSV, JSON and YAML tables, compressed NPZ arrays, PyTorch checkpoints"
NOTE = "Every path is relative to this folder; docs/runs.md describes every file."


@dataclass(frozen=True, slots=True)
class Metadata:
    """The content of the file.

    Parameters
    ----------
    timestamp : UTC, when the run was started
    total_epochs : finished
    run_directory : name of the folder as it was made
    environment : of the process that started the run
    source : of the tree it was started in
    data : identity of the data: names, counts, fingerprints, as the caller gives them
    """

    timestamp: str
    total_epochs: int
    run_directory: str
    storage_format: str
    note: str
    environment: Environment
    source: Source
    data: dict[str, Any]


def collect_metadata(
    name: str, *, data: dict[str, Any], source_dir: Path, root: Path
) -> tuple[Metadata, bytes]:
    """Describe the run that starts now, and the patch of its source."""
    source, patch = source_of(source_dir, without=root)
    metadata = Metadata(
        timestamp=utc_now(),
        total_epochs=0,
        run_directory=name,
        storage_format=STORAGE_FORMAT,
        note=NOTE,
        environment=environment_now(),
        source=source,
        data=data,
    )
    return metadata, patch


def with_epochs(metadata: Metadata, total_epochs: int) -> Metadata:
    """Return the same with another number of finished epochs."""
    return replace(metadata, total_epochs=total_epochs)


def write_metadata(folder: Path, metadata: Metadata, *, patch: bytes = b"") -> None:
    """Write the file, and ``source.patch`` if there are changes to keep."""
    if patch:
        with atomic_write(folder / PATCH) as stream:
            stream.write(patch)
    write_document(folder / METADATA, metadata)


def read_metadata(folder: Path) -> Metadata:
    """Read the file.

    Raises
    ------
    DataError : absent or damaged
    """
    return read_document(folder / METADATA, TypeAdapter(Metadata).validate_json)

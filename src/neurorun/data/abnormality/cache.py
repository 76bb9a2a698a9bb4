"""The cache of prepared windows: made once, extended by new recordings, made anew for new settings.

``windows.json`` holds the fingerprint of the settings, and per source file its size and time of
change with its windows, or why it has none; what did not change is not prepared again. ``data.csv``
(File, Label) is the table of earlier pipelines.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from neurorun.core import (
    SILENT,
    DataError,
    FormatError,
    Progress,
    fingerprint_of,
    read_json,
    write_json,
    write_text,
)
from neurorun.data.abnormality.config import (
    AbnormalityDataConfig,
    AbnormalityPreprocessingConfig,
)
from neurorun.data.abnormality.corpus import AbnormalityEntry
from neurorun.data.abnormality.segments import POLYPHASE, place_windows, prepare_window
from neurorun.data.abnormality.window_files import (
    StoredWindow,
    WindowRow,
    window_id,
    write_window,
)
from neurorun.formats import open_edf

TABLE = "windows.json"
FORMAT, FORMAT_VERSION = "neurorun-abnormality-windows", 1

_SETTINGS = ("window_size", "sampling_rate", "max_windows", "short_recordings")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Source:
    """What became of one recording: its windows, or the reason why there are none."""

    state: dict[str, Any]
    rows: tuple[WindowRow, ...] = ()
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "rows": [asdict(row) for row in self.rows],
            "problem": self.problem,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "_Source":
        rows = tuple(WindowRow.from_dict(row) for row in values["rows"])
        return cls(values["state"], rows, values["problem"])


@dataclass(frozen=True)
class WindowCache:
    """Prepared windows of some recordings.

    Parameters
    ----------
    folder : where they lie
    fingerprint : of the settings that they were prepared with
    windows : in order of their names
    left_out : recordings without a window, and why
    """

    folder: Path
    fingerprint: str
    windows: tuple[StoredWindow, ...]
    left_out: Mapping[str, str]

    def of(self, recordings: Sequence[str]) -> tuple[StoredWindow, ...]:
        """Windows of these recordings."""
        wanted = set(recordings)
        return tuple(window for window in self.windows if window.row.recording_id in wanted)


def prepare_windows(
    entries: Sequence[AbnormalityEntry],
    config: AbnormalityDataConfig,
    preprocessing: AbnormalityPreprocessingConfig,
    *,
    progress: Progress = SILENT,
) -> WindowCache:
    """Bring the cache up to date and open it.

    A recording that cannot be used is named with the reason and left out.

    Raises
    ------
    DataError : no recording can be used
    """
    fingerprint = _fingerprint(config, preprocessing)
    folder = config.cache_dir
    known = _read(folder, fingerprint)
    stale = [entry for entry in entries if not _is_current(entry, known, folder)]
    if stale:
        known = {**known, **_build(stale, config, preprocessing, progress)}
        _write(folder, fingerprint, known)
    sources = {entry.recording_id: known[entry.recording_id] for entry in entries}
    left_out = {name: source.problem for name, source in sources.items() if not source.rows}
    for name, reason in left_out.items():
        _log.warning("Recording '%s' is left out: %s", name, reason)
    rows = [row for source in sources.values() for row in source.rows]
    if not rows:
        reason = next(iter(left_out.values()), "there are none")
        raise DataError(
            f"None of {len(entries)} recordings can be used; the first: {reason} Correct "
            "data.data_dir or the section preprocessing."
        )
    windows = tuple(StoredWindow(folder / row.file, row) for row in rows)
    return WindowCache(folder, fingerprint, windows, left_out)


def _fingerprint(
    config: AbnormalityDataConfig, preprocessing: AbnormalityPreprocessingConfig
) -> str:
    cut = {key: getattr(config, key) for key in _SETTINGS}
    return fingerprint_of(
        {"version": FORMAT_VERSION, "resampler": POLYPHASE, **cut, **preprocessing.model_dump()}
    )


def _read(folder: Path, fingerprint: str) -> dict[str, _Source]:
    """What is known of the sources; nothing where the settings differ."""
    path = folder / TABLE
    if not path.is_file():
        return {}
    content = read_json(path)
    found = (content.get("format"), content.get("format_version"))
    if found != (FORMAT, FORMAT_VERSION):
        raise FormatError(
            f"'{path}' has the format and version {found}; {(FORMAT, FORMAT_VERSION)} is known. "
            "Delete the cache, or give another data.cache_dir."
        )
    if content["fingerprint"] != fingerprint:
        _log.info("'%s' was made with other settings; its windows are prepared again.", folder)
        return {}
    return {name: _Source.from_dict(values) for name, values in content["sources"].items()}


def _write(folder: Path, fingerprint: str, sources: Mapping[str, _Source]) -> None:
    ordered = dict(sorted(sources.items()))
    content = {name: source.to_dict() for name, source in ordered.items()}
    rows = [row for source in ordered.values() for row in source.rows]
    write_text(folder / "data.csv", "File,Label\n" + "".join(f"{r.file},{r.label}\n" for r in rows))
    write_json(
        folder / TABLE,
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "fingerprint": fingerprint,
            "sources": content,
        },
    )


def _is_current(entry: AbnormalityEntry, known: Mapping[str, _Source], folder: Path) -> bool:
    source = known.get(entry.recording_id)
    if source is None or source.state != _state(entry):
        return False
    return all((folder / row.file).is_file() for row in source.rows)


def _state(entry: AbnormalityEntry) -> dict[str, Any]:
    status = entry.path.stat()
    return {
        "path": str(entry.path),
        "n_bytes": status.st_size,
        "changed_ns": status.st_mtime_ns,
        "label": entry.label,
        "patient": entry.patient,
    }


def _build(
    entries: Sequence[AbnormalityEntry],
    config: AbnormalityDataConfig,
    preprocessing: AbnormalityPreprocessingConfig,
    progress: Progress,
) -> dict[str, _Source]:
    work: Callable[[AbnormalityEntry], _Source] = partial(
        _build_one, config=config, preprocessing=preprocessing
    )
    built: dict[str, _Source] = {}
    with (
        progress.phase("Preparing windows", len(entries)) as advance,
        ThreadPoolExecutor(config.cache_workers, "neurorun-windows") as threads,
    ):
        for entry, source in zip(entries, threads.map(work, entries), strict=True):
            built[entry.recording_id] = source
            advance()
    return built


def _build_one(
    entry: AbnormalityEntry,
    config: AbnormalityDataConfig,
    preprocessing: AbnormalityPreprocessingConfig,
) -> _Source:
    state = _state(entry)
    try:
        file = open_edf(entry.path)
        places = place_windows(file, config, preprocessing)
        if not places:
            return _Source(state, problem=f"shorter than one window of {config.window_size:g} s.")
        prepared = [prepare_window(file, place, config, preprocessing) for place in places]
    except DataError as error:
        return _Source(state, problem=str(error))
    rows = []
    for place, window in zip(places, prepared, strict=True):
        name = window_id(entry.recording_id, place.number)
        row = WindowRow(
            window_id=name,
            recording_id=entry.recording_id,
            patient=entry.patient,
            label=entry.label,
            number=place.number,
            onset_s=place.onset_s,
            n_valid=window.n_valid,
            file=f"{name}.npz",
            flat=window.flat,
            missing=window.missing,
        )
        path = config.cache_dir / row.file
        write_window(path, window, place, label=entry.label, rate_hz=config.sampling_rate)
        rows.append(row)
    return _Source(state, tuple(rows))

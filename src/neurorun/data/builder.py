"""Build the cache of one split: every recording once, in parallel, resumable, never half.

A build may be interrupted at any moment and started again; it goes on where it stopped, and gives
the same bytes as one that was not. A recording that cannot be prepared stops nothing: it has its
row in the table, with the reason. Two builds in one folder do not harm each other if their settings
are the same; with others the second is refused.
"""

import logging
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from neurorun.core import SILENT, DataError, NeurorunError, Progress
from neurorun.data.cache import cache_settings, check_settings
from neurorun.data.cache_mirror import CacheMirror
from neurorun.data.cache_table import (
    CACHE_FILE,
    STATUSES,
    CacheRow,
    CacheTable,
    Status,
    StoredFile,
    locked,
    read_cache_table,
    write_cache_table,
)
from neurorun.data.entries import CorpusEntry
from neurorun.data.object_storage import Place, place_of
from neurorun.data.parallel import run_jobs
from neurorun.data.preprocessing import PreprocessingConfig
from neurorun.data.recording_builder import BuildJob, BuildRow, build_recording

_SAVE_EVERY_S = 30.0
_ABANDONED_AFTER_S = 3600.0
_NAMED = 5
_log = logging.getLogger(__name__)

JobT = TypeVar("JobT")


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of every recording.

    Parameters
    ----------
    folder : of the cache; the local copy if it lies in object storage
    rows : one per recording, in order of ``recording_id``
    place : where it was asked for
    """

    folder: Path
    rows: tuple[BuildRow, ...]
    place: Place

    @property
    def counts(self) -> dict[Status, int]:
        """Number of recordings by status; all four are named."""
        found = Counter(row.row.status for row in self.rows)
        return {status: found[status] for status in STATUSES}

    @property
    def n_seizure_recordings(self) -> int:
        """Number of stored recordings with any seizure."""
        stored = (row.row.stored for row in self.rows)
        return sum(bool(s is not None and s.extent.seizures) for s in stored)

    @property
    def exit_code(self) -> int:
        """0 if all went well, 2 if no recording can be used, 3 if some failed."""
        if all(row.row.stored is None for row in self.rows):
            return 2
        return 3 if self.counts["failed"] else 0


def build_cache(
    entries: Sequence[CorpusEntry],
    cache_dir: Place | str,
    *,
    split: str,
    preprocessing: PreprocessingConfig,
    rate_hz: float,
    n_workers: int = 1,
    cluster: str | None = None,
    label_map: Mapping[str, str | None] | None = None,
    shortest_s: float = 0.0,
    progress: Progress = SILENT,
) -> BuildReport:
    """Prepare the recordings of one split into ``<cache_dir>/<split>``.

    Parameters
    ----------
    entries : the recordings; the cache will hold these and no others
    cache_dir : folder of all splits, or its URL in object storage; then the cache is built in a
        local copy, and uploaded while it is built
    split : name of the split
    preprocessing : how to prepare
    rate_hz : samples per second of the prepared signals
    n_workers : processes
    cluster : address of a Dask scheduler whose workers are used instead; they must see the same
        files
    label_map : what labels mean that are in no table
    shortest_s : length in seconds of one window: recordings without a stretch of this length are
        skipped. It is not part of the settings of the cache
    progress : one step per recording

    Raises
    ------
    DataError : two recordings have the same name, a name is not fit for a file, there are none, or
        the folder holds a cache of other settings
    """
    _check_names(entries)
    patients = {entry.recording_id: entry.patient for entry in entries}
    settings = cache_settings(preprocessing, rate_hz=rate_hz)
    place = place_of(cache_dir) / split
    build = CacheBuild(place, split, settings, patients=patients, progress=progress)
    jobs = {
        entry.recording_id: BuildJob(
            entry=entry,
            folder=build.folder,
            preprocessing=preprocessing,
            rate_hz=rate_hz,
            fingerprint=build.fingerprint,
            label_map=label_map,
            shortest_s=shortest_s,
            earlier=build.earlier(entry.recording_id),
        )
        for entry in entries
    }
    return build.run(build_recording, jobs, n_workers=n_workers, cluster=cluster, progress=progress)


def _check_names(entries: Sequence[CorpusEntry]) -> None:
    if not entries:
        raise DataError("There are no recordings to build a cache of; check the split.")
    counts = Counter(_as_file_systems_see(entry.recording_id) for entry in entries)
    for entry in entries:
        name = entry.recording_id
        seen = _as_file_systems_see(name)
        if counts[seen] > 1:
            paths = [str(e.path) for e in entries if _as_file_systems_see(e.recording_id) == seen]
            raise DataError(
                f"{len(paths)} recordings are called '{name}': {', '.join(paths)}; every recording "
                "of a cache needs a name of its own. Rename or remove the copies."
            )
        if not name or name.startswith(".") or set(name) & set("/\\:\0"):
            raise DataError(
                f"Recording '{name}' ({entry.path}) has a name that is not fit for a file; "
                "letters, digits, '-', '_' and '.' are. Rename it."
            )


def _as_file_systems_see(name: str) -> str:
    """Names that are one file on some system are the same here: case, composed letters."""
    return unicodedata.normalize("NFC", name).casefold()


class CacheBuild:
    """The table of a cache while it is being built.

    Parameters
    ----------
    place : of the cache
    split : its name
    settings : that decide what it stores
    patients : of every recording that the cache shall hold
    progress : one step per recording that is fetched from object storage

    Raises
    ------
    DataError : the folder holds a cache of other settings, or one of an earlier program
    """

    def __init__(
        self,
        place: Place,
        split: str,
        settings: Mapping[str, Any],
        *,
        patients: Mapping[str, str],
        progress: Progress = SILENT,
    ) -> None:
        self._place, self._patients = place, patients
        self.folder, self._publish = _workshop(place, settings, progress)
        self._rows: dict[str, CacheRow] = {}
        self._table = CacheTable(split, settings, rows=(), complete=False)
        with locked(self.folder):
            found = self._found()
            if found is not None:
                self._rows = {r.recording_id: r for r in found.rows if r.recording_id in patients}
            _sweep(self.folder)
            self._write()
        self._publish()

    @property
    def fingerprint(self) -> str:
        """Hash of the settings."""
        return self._table.fingerprint

    def earlier(self, recording_id: str) -> StoredFile | None:
        """File of a recording in the table of an earlier build."""
        row = self._rows.get(recording_id)
        return row.stored if row is not None else None

    def run(
        self,
        function: Callable[[JobT], BuildRow],
        jobs: Mapping[str, JobT],
        *,
        n_workers: int,
        cluster: str | None,
        progress: Progress,
    ) -> BuildReport:
        """Do all jobs, saving the table now and then, and whatever happens at the end."""
        done: dict[str, BuildRow] = {}
        names = sorted(jobs)
        saved_s = time.monotonic()
        results = run_jobs(
            function, [jobs[name] for name in names], n_workers=n_workers, cluster=cluster
        )
        with progress.phase(f"preparing {self._table.split}", len(names)) as advance:
            try:
                for position, result in results:
                    name = names[position]
                    done[name] = self._row_of(name, result)
                    self._rows[name] = done[name].row
                    advance(1, failed=sum(r.row.status == "failed" for r in done.values()))
                    if time.monotonic() - saved_s > _SAVE_EVERY_S:
                        self._save()
                        saved_s = time.monotonic()
            finally:
                self._save()
        self._tell_of_orphans()
        return BuildReport(self.folder, tuple(done[name] for name in names), self._place)

    def _row_of(self, name: str, result: BuildRow | BaseException) -> BuildRow:
        if isinstance(result, BuildRow):
            return result
        if isinstance(result, KeyboardInterrupt):
            raise result
        reason = (
            str(result)
            if isinstance(result, NeurorunError)
            else f"{type(result).__name__}: {result}"
        )
        if isinstance(result, BrokenProcessPool):
            reason = "its process was killed, most likely for want of memory"
        _log.debug("preparing '%s' failed", name, exc_info=result)
        return BuildRow(CacheRow(name, self._patients[name], "failed", reason), "none")

    def _found(self) -> CacheTable | None:
        """Table that is in the folder, if it is of the same settings."""
        if not (self.folder / CACHE_FILE).exists():
            return None
        found = read_cache_table(self.folder)
        check_settings(self._place, found, self._table.settings)
        if found.fingerprint != self.fingerprint:
            raise DataError(
                f"'{self._place}' holds a cache that was converted from an earlier program and is "
                "not mixed with recordings that are prepared now; build in another folder."
            )
        return found

    def _save(self) -> None:
        with locked(self.folder):
            self._found()
            self._write()
        self._publish()

    def _write(self) -> None:
        rows = tuple(self._rows[name] for name in sorted(self._rows))
        complete = len(rows) == len(self._patients)
        write_cache_table(self.folder, replace(self._table, rows=rows, complete=complete))

    def _tell_of_orphans(self) -> None:
        names = {row.stored.name for row in self._rows.values() if row.stored is not None}
        orphans = sorted({path.name for path in self.folder.glob("*.npz")} - names)
        if orphans:
            more = f" and {len(orphans) - _NAMED} more" if len(orphans) > _NAMED else ""
            _log.warning(
                "'%s' holds files that are not of this build and are not used: %s%s",
                self.folder,
                ", ".join(orphans[:_NAMED]),
                more,
            )


def _workshop(
    place: Place, settings: Mapping[str, Any], progress: Progress
) -> tuple[Path, Callable[[], None]]:
    """Folder in which a cache is built, and what brings its content where the cache belongs."""
    if isinstance(place, Path):
        return place, lambda: None
    mirror = CacheMirror(place)
    found = mirror.table()
    if found is None:
        mirror.forget()
    else:
        check_settings(place, found, settings)
        mirror.fetch(found, progress=progress)
    return mirror.folder, mirror.publish


def _sweep(folder: Path) -> None:
    """Remove temporary files of builds that were killed, by the clock of the file system."""
    clock = folder / ".cache.lock"
    clock.touch()
    now_s = clock.stat().st_mtime
    for path in folder.glob(".*.npz.*.tmp"):
        with suppress(FileNotFoundError):
            if now_s - path.stat().st_mtime > _ABANDONED_AFTER_S:
                path.unlink()

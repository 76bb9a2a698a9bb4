"""A cache: one split of a corpus, prepared once and read at the speed of memory.

A folder with one file per recording (`recording_file`) and a table of contents (`cache_table`). A
cache can be built again at any time; it is never a mixture of two settings, and a file that is
missing or damaged is noticed before it is used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorun.core import (
    SILENT,
    ConfigError,
    DataError,
    FormatError,
    Progress,
    fingerprint_of,
    sha256_of,
    to_json,
)
from neurorun.data.cache_mirror import CacheMirror
from neurorun.data.cache_table import CACHE_FILE, CacheTable, StoredFile, read_cache_table
from neurorun.data.cached_recording import CachedRecording, extent_of
from neurorun.data.object_storage import ObjectUrl, Place, place_of
from neurorun.data.preprocessing import PreprocessingConfig, preparation_recipe
from neurorun.data.recording_file import read_recording_file, stretch_to_json
from neurorun.data.signal_spool import LIMIT_SPREADS
from neurorun.data.windows import Extent, WindowConfig, WindowTable, tabulate_windows

CONVERTED = "converted"
"""Setting that only converted caches have; it does not keep them from being used."""

_NAMED = 5


def cache_settings(preprocessing: PreprocessingConfig, *, rate_hz: float) -> dict[str, Any]:
    """Every setting that decides what a cache stores, by the key that a configuration has for it.

    >>> cache_settings(PreprocessingConfig(), rate_hz=256.0)["preprocessing.notch_freq"]
    60
    """
    recipe = preparation_recipe(preprocessing, rate_hz=rate_hz)
    settings = {f"preprocessing.{name}": value for name, value in recipe.items()}
    settings["data.sampling_rate"] = settings.pop("preprocessing.rate_hz")
    settings["limit_spreads"] = LIMIT_SPREADS
    return settings


class Cache:
    """The recordings of one split, opened when they are first read.

    It is a sequence of `CachedRecording` in order of ``recording_id``; recordings that were skipped
    or failed are in ``table`` only. It may be shared by threads and sent to other processes.

    Parameters
    ----------
    folder : that holds ``cache.json``
    table : its content
    config : how windows are standardized
    place : where it was asked for; differs from the folder where that is a local copy
    """

    def __init__(
        self,
        folder: Path,
        table: CacheTable,
        config: PreprocessingConfig,
        *,
        place: Place | None = None,
    ) -> None:
        self.folder, self.table, self.config = folder, table, config
        self.place: Place = place or folder
        self._stored = table.stored
        self._opened: dict[int, CachedRecording] = {}

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, position: int) -> CachedRecording:
        opened = self._opened.get(position)
        if opened is None:
            path = self.folder / self._stored[position].name
            opened = self._opened[position] = CachedRecording.from_file(path, self.config)
        return opened

    def __iter__(self) -> Iterator[CachedRecording]:
        return (self[position] for position in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": {}}

    @property
    def fingerprint(self) -> str:
        """Hash of the settings that decided the stored signals."""
        return self.table.fingerprint

    @property
    def rate_hz(self) -> float:
        """Samples per second of every recording."""
        return float(self.table.settings["data.sampling_rate"])

    @property
    def recording_ids(self) -> tuple[str, ...]:
        """Names of the recordings, in order."""
        return tuple(stored.extent.recording_id for stored in self._stored)

    @property
    def file_names(self) -> tuple[str, ...]:
        """Files of the recordings, in the same order."""
        return tuple(stored.name for stored in self._stored)

    @property
    def extents(self) -> tuple[Extent, ...]:
        """Where the samples and seizures of every recording lie, in the same order."""
        return tuple(stored.extent for stored in self._stored)

    @property
    def content_fingerprint(self) -> str:
        """Hash of the settings, the files and their extents: what kinds of windows depend on."""
        contents = [
            (s.name, [stretch_to_json(x) for x in s.extent.stretches], s.extent.seizures)
            for s in self._stored
        ]
        return fingerprint_of([self.fingerprint, contents])

    def windows(self, config: WindowConfig) -> WindowTable:
        """Cut every recording; from the table of contents, no file is opened.

        Raises
        ------
        ConfigError : the cache was prepared at another rate
        DataError : no recording is as long as one window
        """
        if config.sampling_rate != self.rate_hz:
            raise ConfigError(
                f"Cache '{self.folder}' was prepared at {self.rate_hz:g} Hz, but "
                f"data.sampling_rate is {config.sampling_rate:g} Hz. Build a cache at that rate, "
                f"or set it to {self.rate_hz:g}."
            )
        return tabulate_windows(self.extents, config)


def open_cache(
    folder: Place | str,
    *,
    preprocessing: PreprocessingConfig | None = None,
    rate_hz: float | None = None,
    progress: Progress = SILENT,
) -> Cache:
    """Open the cache of one split.

    Parameters
    ----------
    folder : holds ``cache.json``; or its URL in object storage, such as ``s3://bucket/cache/train``,
        of which a local copy is made on first use
    preprocessing : settings that the cache must have been prepared with, and by which windows are
        standardized. If None, any cache is accepted and windows are standardized by mean and
        deviation
    rate_hz : rate that the cache must have; any if None
    progress : one step per recording that is fetched from object storage

    Raises
    ------
    DataError : there is no cache, its build was interrupted, it was prepared with other settings,
        a file is missing or has another size, or there is no recording in it
    FormatError : ``cache.json`` is damaged or of a version that we do not know
    """
    place = place_of(folder)
    mirror, table = _located(place)
    if preprocessing is not None:
        rate_hz = rate_hz or table.settings["data.sampling_rate"]
        wanted = cache_settings(preprocessing, rate_hz=rate_hz)
        check_settings(place, table, wanted)
    elif rate_hz is not None:
        check_settings(place, table, {**table.settings, "data.sampling_rate": rate_hz})
    if not table.complete:
        raise DataError(
            f"Cache '{place}' is not complete: its build was interrupted or is still going on. "
            "Run `neurorun build-cache` again; it goes on where it stopped."
        )
    if mirror is not None and table.stored:
        mirror.fetch(table, progress=progress)
    local = mirror.folder if mirror is not None else Path(str(place))
    _check_files(local, table)
    return Cache(local, table, preprocessing or PreprocessingConfig(), place=place)


def _located(place: Place) -> tuple[CacheMirror | None, CacheTable]:
    """Table of a cache as it is now, and its mirror if it lies in object storage."""
    if not isinstance(place, ObjectUrl):
        return None, read_cache_table(place)
    mirror = CacheMirror(place)
    table = mirror.table()
    if table is None:
        raise DataError(
            f"'{place}' holds no {CACHE_FILE}; give the folder of one split of a cache, or make "
            "one with `neurorun build-cache`."
        )
    return mirror, table


def read_table(folder: Place | str) -> CacheTable:
    """Read the table of a cache, in object storage without fetching anything else.

    Raises
    ------
    DataError : there is no cache
    FormatError : its table is damaged or of a version that we do not know
    """
    return _located(place_of(folder))[1]


def check_settings(folder: Place, table: CacheTable, wanted: Mapping[str, Any]) -> None:
    """Refuse a cache whose signals were prepared otherwise, naming every difference.

    Raises
    ------
    DataError : a setting differs
    """
    names = [name for name in (*wanted, *table.settings) if name != CONVERTED]
    differing = [
        name
        for name in dict.fromkeys(names)
        if to_json(table.settings.get(name)) != to_json(wanted.get(name))
    ]
    if differing:
        found = ", ".join(f"{n} = {to_json(table.settings.get(n))}" for n in differing)
        asked = ", ".join(f"{n} = {to_json(wanted.get(n))}" for n in differing)
        raise DataError(
            f"Cache '{folder}' was built with {found}, but the configuration asks for {asked}. "
            "Build another with `neurorun build-cache` in another folder (or delete this one), or "
            "set the configuration back."
        )


def _check_files(folder: Path, table: CacheTable) -> None:
    stored = table.stored
    if not stored:
        reasons = "; ".join(f"{row.recording_id}: {row.reason}" for row in table.rows[:_NAMED])
        raise DataError(
            f"Cache '{folder}' holds none of its {len(table.rows)} recordings ({reasons}); correct "
            "that and build it again."
        )
    damaged = [f"{s.name} ({fault})" for s in stored if (fault := _size_fault(folder, s))]
    if damaged:
        more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
        raise DataError(
            f"Cache '{folder}' is damaged: {', '.join(damaged[:_NAMED])}{more}. Run `neurorun "
            "build-cache` again; it builds what is missing."
        )


def _size_fault(folder: Path, stored: StoredFile) -> str:
    try:
        n_bytes = (folder / stored.name).stat().st_size
    except FileNotFoundError:
        return "missing"
    return "" if n_bytes == stored.n_bytes else f"{n_bytes} bytes instead of {stored.n_bytes}"


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of a cache that is not what it should be, and why."""

    file: str
    fault: str


def verify_cache(folder: Place | str, *, progress: Progress = SILENT) -> tuple[Damage, ...]:
    """Read every file of a cache and name those that are damaged.

    Checked are the checksum of every file, that it can be opened, that it belongs to the settings
    of the cache, and that the table says the same of it as the file itself. Recordings that the
    table does not list are named, too.

    Parameters
    ----------
    folder : holds ``cache.json``; of a URL in object storage the local copy is brought up to date
        and checked
    progress : one step per recording

    Raises
    ------
    DataError : there is no readable ``cache.json``
    """
    place = place_of(folder)
    mirror, table = _located(place)
    folder = Path(str(place)) if mirror is None else mirror.fetch(table, progress=progress)
    stored = {stored.name: stored for stored in table.stored}
    damages = [] if table.complete else [Damage(CACHE_FILE, "the build was interrupted")]
    with progress.phase("checking recordings", len(stored)) as advance:
        for name, expected in stored.items():
            fault = _size_fault(folder, expected) or _content_fault(folder, expected, table)
            if fault:
                damages.append(Damage(name, fault))
            advance()
    foreign = sorted({path.name for path in folder.glob("*.npz")} - set(stored))
    damages += [Damage(name, "is not in the table of the cache") for name in foreign]
    return tuple(damages)


def _content_fault(folder: Path, stored: StoredFile, table: CacheTable) -> str:
    path = folder / stored.name
    if sha256_of(path) != stored.sha256:
        return "its checksum is another; delete it and build again"
    try:
        file = read_recording_file(path)
    except FormatError as error:
        return str(error)
    if file.header.fingerprint != table.fingerprint:
        return "it was prepared with other settings"
    if extent_of(file.header, file.timeline) != stored.extent:
        return "the table says something else of its samples or seizures"
    return ""

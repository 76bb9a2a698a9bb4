"""The local copy of a cache that lies in object storage.

Signals are mapped into memory, which needs a file. So a cache in object storage is copied when it
is first used; later uses compare its table with that of the copy, and fetch what has changed. A
copy may be deleted at any time. A cache is built in its copy, too, and what was built is uploaded
while it goes on: recordings first, then the table that names them, so that the table never names
what is not there.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from neurorun.core import (
    SILENT,
    DataError,
    FormatError,
    Progress,
    atomic_write,
    fingerprint_of,
    sha256_of,
    write_text,
)
from neurorun.data.cache_table import (
    CACHE_FILE,
    CacheTable,
    StoredFile,
    locked,
    read_cache_table,
    table_from_json,
)
from neurorun.data.object_storage import ObjectStorage, ObjectUrl

LOCAL_VARIABLE = "NEURORUN_LOCAL_CACHES"
"""Environment variable that names the folder of local copies."""

_FETCH_LOCK = ".fetch.lock"
_N_AT_ONCE = 8


def local_root() -> Path:
    """Folder of local copies: ``NEURORUN_LOCAL_CACHES``, or ``neurorun`` in the user's caches."""
    chosen = os.environ.get(LOCAL_VARIABLE)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurorun"


class CacheMirror:
    """A cache in object storage and its local copy; several processes may share the copy.

    Parameters
    ----------
    url : folder of one split
    """

    def __init__(self, url: ObjectUrl) -> None:
        self.url = url
        self.folder = local_root() / f"{url.name}-{fingerprint_of(str(url))}"
        self._storage = ObjectStorage(url)
        self._uploaded: dict[str, str] = {}
        self._uploaded_table = ""

    def table(self) -> CacheTable | None:
        """Table of the cache as it is in storage now; None if there is none.

        Raises
        ------
        FormatError : it is damaged, or of a version that we do not know
        """
        content = self._storage.read(CACHE_FILE)
        if content is None:
            return None
        try:
            text = content.decode("utf-8")
            table = table_from_json(json.loads(text), f"{self.url}/{CACHE_FILE}")
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise FormatError(
                f"'{self.url}/{CACHE_FILE}' is not readable as JSON ({error}); build the cache "
                "again."
            ) from error
        self._uploaded = {stored.name: stored.sha256 for stored in table.stored}
        self._uploaded_table = text
        return table

    def fetch(self, table: CacheTable, *, progress: Progress = SILENT) -> Path:
        """Bring the copy up to date; every file is compared with its checksum.

        Parameters
        ----------
        table : from `table`
        progress : one step per recording that is fetched

        Returns
        -------
        Folder of the copy

        Raises
        ------
        DataError : a file is missing in storage, or is another than the table says
        """
        with locked(self.folder, _FETCH_LOCK):
            known = self._known()
            missing = [stored for stored in table.stored if not self._is_here(stored, known)]
            with progress.phase(f"fetching {self.url}", len(missing)) as advance:
                _for_all(missing, self._fetch_file, advance)
            if self._own_table() != self._uploaded_table:
                write_text(self.folder / CACHE_FILE, self._uploaded_table)
        return self.folder

    def forget(self) -> None:
        """Drop the table of a copy whose cache is no longer in storage; its files may be kept."""
        with locked(self.folder, _FETCH_LOCK):
            (self.folder / CACHE_FILE).unlink(missing_ok=True)

    def publish(self) -> None:
        """Upload what the copy has and the storage has not: recordings, then the table.

        Raises
        ------
        DataError : a file is missing in the copy, or the storage cannot be written
        """
        table = read_cache_table(self.folder)
        changed = [s for s in table.stored if self._uploaded.get(s.name) != s.sha256]
        _for_all(changed, self._upload_file)
        text = self._own_table()
        if text != self._uploaded_table:
            self._storage.write(CACHE_FILE, text.encode("utf-8"))
            self._uploaded_table = text

    def upload(self, name: str) -> None:
        """Upload one file of the copy, such as its manifest."""
        self._storage.upload(self.folder / name, name)

    def _upload_file(self, stored: StoredFile) -> None:
        path = self.folder / stored.name
        if not path.exists():
            raise DataError(
                f"'{path}' was prepared, but is not here to be uploaded to '{self.url}'. Machines "
                f"of a cluster must share the folder of local copies; set {LOCAL_VARIABLE}."
            )
        self._storage.upload(path, stored.name)
        self._uploaded[stored.name] = stored.sha256

    def _known(self) -> dict[str, str]:
        """Checksums that the files of the copy had when its table was written."""
        try:
            return {stored.name: stored.sha256 for stored in read_cache_table(self.folder).stored}
        except DataError:
            return {}

    def _own_table(self) -> str:
        path = self.folder / CACHE_FILE
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _is_here(self, stored: StoredFile, known: dict[str, str]) -> bool:
        path = self.folder / stored.name
        if not path.exists() or path.stat().st_size != stored.n_bytes:
            return False
        return known.get(stored.name) == stored.sha256 or sha256_of(path) == stored.sha256

    def _fetch_file(self, stored: StoredFile) -> None:
        checksum = hashlib.sha256()
        with atomic_write(self.folder / stored.name) as stream:
            for piece in self._storage.pieces(stored.name):
                checksum.update(piece)
                stream.write(piece)
            if checksum.hexdigest() != stored.sha256:
                raise DataError(
                    f"'{self.url}/{stored.name}' is not what its {CACHE_FILE} says: it was damaged "
                    "on the way, or is being built again. Try again, or build the cache again."
                )


def _for_all(
    files: Sequence[StoredFile],
    do: Callable[[StoredFile], None],
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Do something with several files at once; the first error ends it."""
    with ThreadPoolExecutor(_N_AT_ONCE) as threads:
        futures = [threads.submit(do, stored) for stored in files]
        try:
            for future in as_completed(futures):
                future.result()
                advance()
        finally:
            for future in futures:
                future.cancel()

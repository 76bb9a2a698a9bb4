"""``manifest.json``: the windows of a cache by kind, for balanced sampling.

Three lists of ``{"cache_file", "window_idx"}``, as earlier programs read them, and a ``window``
block that says how the recordings were cut and which cache that was. The kinds follow from where
the seizures lie; no signal and no mask is read. A manifest that says anything else than the cache
is written again, and that is logged: it may be older than the cache, empty, or from elsewhere.
``window_idx`` counts the windows of a recording in order; in a recording without gaps window *i*
begins after *i* strides, and one more may end with the recording.
"""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from neurorun.core import DataError, to_json, write_text
from neurorun.data.cache import Cache, open_cache
from neurorun.data.cache_mirror import CacheMirror
from neurorun.data.object_storage import ObjectUrl, Place
from neurorun.data.windows import WindowConfig, WindowKind, WindowTable

MANIFEST_FILE = "manifest.json"
MANIFEST_FORMAT = "neurorun-manifest"
MANIFEST_FORMAT_VERSION = 1
FORCE_VARIABLE = "BGB_FORCE_MANIFEST_REBUILD"

_LISTS = {
    "partial_seizure": WindowKind.PARTIAL,
    "full_seizure": WindowKind.FULL,
    "no_seizure": WindowKind.BACKGROUND,
}
_ABSENT = "does not exist"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Manifest:
    """The windows of a cache, by kind.

    Parameters
    ----------
    path : of ``manifest.json``
    cache : whose windows these are
    windows : how its recordings are cut
    table : every window, in the order of the recordings
    """

    path: Path
    cache: Cache
    windows: WindowConfig
    table: WindowTable

    @property
    def counts(self) -> dict[str, int]:
        """Number of windows of each kind, by the key that its list has in the file."""
        return {name: len(self.table.of_kind(kind)) for name, kind in _LISTS.items()}

    @property
    def n_seizure_windows(self) -> int:
        """Number of windows that hold any seizure."""
        return int((self.table.n_seizure_samples > 0).sum())


def scan_cache(folder: Place | str | Cache, windows: WindowConfig | None = None) -> Manifest:
    """Sort the windows of a cache into kinds and write ``manifest.json``.

    Parameters
    ----------
    folder : of one split, its URL in object storage, or its opened cache
    windows : how to cut; if None, windows of 60 s every 10 s at the rate of the cache

    Returns
    -------
    Manifest; its ``n_seizure_windows`` is 0 if there is nothing to balance

    Raises
    ------
    DataError : the folder holds no usable cache, or no recording is as long as one window
    """
    manifest = _manifest(folder, windows)
    write_text(manifest.path, manifest_text(manifest))
    if isinstance(manifest.cache.place, ObjectUrl):
        CacheMirror(manifest.cache.place).upload(MANIFEST_FILE)
    return manifest


def load_manifest(
    folder: Place | str | Cache, windows: WindowConfig | None = None, *, rebuild: bool = True
) -> Manifest:
    """Use the manifest of a cache if it is true, else write it again and say so.

    The environment variable ``BGB_FORCE_MANIFEST_REBUILD=1`` has it written again in any case.

    Parameters
    ----------
    folder, windows : as for `scan_cache`
    rebuild : whether a manifest that is missing or not true is written again

    Raises
    ------
    DataError : the folder holds no usable cache; or the manifest is not true and may not be
        written again
    """
    manifest = _manifest(folder, windows)
    text = manifest_text(manifest)
    fault = _fault(manifest, text)
    if fault and not rebuild:
        raise DataError(f"'{manifest.path}' {fault}. Run `neurorun scan-cache` to write it again.")
    if fault or os.environ.get(FORCE_VARIABLE) == "1":
        level = logging.INFO if fault == _ABSENT else logging.WARNING  # a first one is no fault
        reason = fault or f"was asked for by {FORCE_VARIABLE}"
        _log.log(level, "'%s' %s; written again.", manifest.path, reason)
        write_text(manifest.path, text)
    return manifest


def _manifest(folder: Place | str | Cache, windows: WindowConfig | None) -> Manifest:
    cache = folder if isinstance(folder, Cache) else open_cache(folder)
    windows = windows or WindowConfig(sampling_rate=cache.rate_hz)
    return Manifest(cache.folder / MANIFEST_FILE, cache, windows, cache.windows(windows))


def manifest_text(manifest: Manifest) -> str:
    """Content of ``manifest.json``, one window a line."""
    lists = [f'"{name}": [\n{_items(manifest, kind)}\n]' for name, kind in _LISTS.items()]
    return "{\n" + ",\n".join([*lists, f'"window": {to_json(_window_block(manifest))}']) + "\n}\n"


def _items(manifest: Manifest, kind: WindowKind) -> str:
    table = manifest.table
    rows = table.of_kind(kind)
    names = [to_json(name) for name in manifest.cache.file_names]
    pairs = zip(table.recording[rows].tolist(), table.window_idx[rows].tolist(), strict=True)
    return ",\n".join(f'{{"cache_file": {names[r]}, "window_idx": {w}}}' for r, w in pairs)


def _window_block(manifest: Manifest) -> dict[str, object]:
    windows = manifest.windows
    return {
        "format": MANIFEST_FORMAT,
        "format_version": MANIFEST_FORMAT_VERSION,
        "window_size": windows.window_size,
        "stride": windows.stride,
        "sampling_rate": windows.sampling_rate,
        "fingerprint": manifest.cache.content_fingerprint,
        "counts": manifest.counts,
    }


def _fault(manifest: Manifest, text: str) -> str:
    """Why the file is not what the cache says; empty if it is."""
    try:
        found = manifest.path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _ABSENT
    except UnicodeDecodeError:
        return "is not readable as text"
    return "" if found == text else _difference(found, _window_block(manifest))


def _difference(text: str, expected: dict[str, object]) -> str:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        return f"is not readable as JSON ({error})"
    if not isinstance(content, dict) or not isinstance(content.get("window"), dict):
        return "comes from another program: it does not say how recordings were cut"
    if not any(content.get(name) for name in _LISTS):
        return "is empty"
    window = content["window"]
    differing = [name for name in expected if window.get(name) != expected[name]]
    if differing:
        stated = ", ".join(f"{name} {to_json(window.get(name))}" for name in differing)
        actual = ", ".join(f"{name} {to_json(expected[name])}" for name in differing)
        return f"is not of this cache as it is now: it has {stated}, the cache {actual}"
    return "lists other windows than the cache has"

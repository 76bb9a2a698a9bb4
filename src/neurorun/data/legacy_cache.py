"""Caches of an earlier program, converted without the recordings that they were made of.

That program stored every window on its own, ``<recording>_windows.npz`` with ``windows`` float32
(n, 19, 15360), standardized and clipped at 10, and ``labels`` float32 (n, 15360), so that at 60 s
every 10 s each second lies in six windows. Laid over each other they are the continuous signal
again, about ten times smaller and thousands of times faster to read. What lay behind the last whole
stride of a recording was never stored: converted recordings give exactly the windows that there
were.
"""

import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from neurorun.core import (
    SILENT,
    DataError,
    Event,
    FormatError,
    Progress,
    Timeline,
    whole_recording,
    whole_samples,
)
from neurorun.data.builder import BuildReport, CacheBuild
from neurorun.data.cache import CONVERTED, cache_settings
from neurorun.data.cache_table import EARLIER_PATTERN, StoredFile
from neurorun.data.cached_recording import CachedRecording
from neurorun.data.channel_names import TEN_TWENTY
from neurorun.data.object_storage import Place, place_of
from neurorun.data.preprocessing import PreprocessingConfig
from neurorun.data.recording_builder import Action, BuildRow, describe, find_kept, store
from neurorun.data.recording_file import FileIdentity, RecordingHeader
from neurorun.data.signal_spool import SignalSpool
from neurorun.data.standardization import ChannelStatistics
from neurorun.data.windows import WindowConfig

_SUFFIX = "_windows"
EARLIER_PREPROCESSING = PreprocessingConfig(preset="legacy")
"""What stands for the settings of the earlier program."""


@dataclass(frozen=True, slots=True)
class ConvertJob:
    """All that a process needs to convert the file of one recording.

    Parameters
    ----------
    source : ``<recording>_windows.npz``
    folder : of the new cache
    channels : one name per row of the windows
    windows : how the recordings had been cut
    fingerprint : of the settings of the new cache
    earlier : its file in the table of an earlier conversion
    """

    source: Path
    folder: Path
    channels: tuple[str, ...]
    windows: WindowConfig
    fingerprint: str = ""
    earlier: StoredFile | None = None

    @property
    def recording_id(self) -> str:
        """Name of the recording."""
        return self.source.stem.removesuffix(_SUFFIX)

    @property
    def patient(self) -> str:
        """The person: what stands before the first underscore, as in TUSZ."""
        return self.source.stem.partition("_")[0]


def convert_earlier_cache(
    source: Path | str,
    cache_dir: Place | str,
    *,
    split: str,
    channels: Sequence[str] = TEN_TWENTY,
    windows: WindowConfig | None = None,
    n_workers: int = 1,
    progress: Progress = SILENT,
) -> BuildReport:
    """Convert a folder of ``*_windows.npz`` into a cache, resumable as `build_cache` is.

    The converted signal is that of the windows to 2e-4 of a standard deviation. It is known in
    standardized units only, so windows of it cannot be read in microvolts. It counts as prepared
    with the settings of ``preprocessing.preset: legacy``.

    Parameters
    ----------
    source : folder of the earlier cache; it is left as it is
    cache_dir, split : the new cache is ``<cache_dir>/<split>``
    channels : one name per row of the windows
    windows : how the recordings had been cut; if None, 60 s every 10 s at 256 Hz
    n_workers : processes
    progress : one step per recording

    Raises
    ------
    DataError : there is no such file, or the folder holds a cache of other settings
    """
    paths = sorted(Path(source).glob(EARLIER_PATTERN))
    if not paths:
        raise DataError(
            f"'{source}' holds no {EARLIER_PATTERN}; give the folder of one split of the earlier "
            "cache."
        )
    windows = windows or WindowConfig()
    settings = cache_settings(EARLIER_PREPROCESSING, rate_hz=windows.sampling_rate)
    settings[CONVERTED] = True
    names = {path.stem.removesuffix(_SUFFIX): path for path in paths}
    patients = {name: path.stem.partition("_")[0] for name, path in names.items()}
    place = place_of(cache_dir) / split
    build = CacheBuild(place, split, settings, patients=patients, progress=progress)
    jobs = {
        name: ConvertJob(
            source=path,
            folder=build.folder,
            channels=tuple(channels),
            windows=windows,
            fingerprint=build.fingerprint,
            earlier=build.earlier(name),
        )
        for name, path in names.items()
    }
    return build.run(convert_recording, jobs, n_workers=n_workers, cluster=None, progress=progress)


def convert_recording(job: ConvertJob) -> BuildRow:
    """Convert the file of one recording, or keep what was converted before.

    Raises
    ------
    FormatError : the file is damaged, or its windows do not overlap as they should
    """
    path = job.folder / f"{job.recording_id}.npz"
    mtime_ns = job.source.stat().st_mtime_ns
    kept = find_kept(path, job.source, job.fingerprint, earlier=job.earlier)
    action: Action
    if kept is not None:
        header, timeline, action = kept.header, kept.timeline, "kept"
    else:
        with closing(SignalSpool(job.channels, EARLIER_PREPROCESSING, folder=job.folder)) as spool:
            header, timeline = _spool_windows(job, spool)
            header, action = store(path, spool, header, timeline), "built"
    earlier = job.earlier if action == "kept" else None
    return describe(path, header, timeline, action, source_mtime_ns=mtime_ns, earlier=earlier)


def read_earlier_recording(
    path: Path | str,
    *,
    channels: Sequence[str] = TEN_TWENTY,
    windows: WindowConfig | None = None,
) -> CachedRecording:
    """Read one ``*_windows.npz`` into memory, as one continuous recording.

    Parameters
    ----------
    path : the file
    channels : one name per row of the windows
    windows : how the recording had been cut; if None, 60 s every 10 s at 256 Hz

    Raises
    ------
    FormatError : the file is damaged, or its windows do not overlap as they should
    """
    job = ConvertJob(Path(path), Path(path).parent, tuple(channels), windows or WindowConfig())
    with closing(SignalSpool(job.channels, EARLIER_PREPROCESSING)) as spool:
        header, timeline = _spool_windows(job, spool)
        return CachedRecording.from_spool(spool, header, timeline, EARLIER_PREPROCESSING)


def _spool_windows(job: ConvertJob, spool: SignalSpool) -> tuple[RecordingHeader, Timeline | None]:
    try:
        with zipfile.ZipFile(job.source) as archive:
            timeline = _read_timeline(archive, job)
            for piece in _continuous(archive, "windows", job):
                spool.push(piece.astype(np.float32))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise FormatError(
            f"'{job.source}' cannot be read ({error}); restore it, or prepare the recording again."
        ) from error
    return _header(job, spool.n_samples, labelled=timeline is not None), timeline


def _header(job: ConvertJob, n_samples: int, *, labelled: bool) -> RecordingHeader:
    n_channels = len(job.channels)
    as_they_are = ChannelStatistics(np.zeros(n_channels), np.ones(n_channels))
    return RecordingHeader(
        recording_id=job.recording_id,
        patient=job.patient,
        channels=job.channels,
        rate_hz=job.windows.sampling_rate,
        stretches=whole_recording(n_samples),
        duration_s=n_samples / job.windows.sampling_rate,
        gaps=(),
        unit="standardized",
        statistics={"zscore": as_they_are, "robust": None},
        labelled=labelled,
        notes=("Converted from the windows of an earlier program.",),
        fingerprint=job.fingerprint,
        source=FileIdentity.of(job.source),
    )


def _read_timeline(archive: zipfile.ZipFile, job: ConvertJob) -> Timeline | None:
    """Seizures as events; None if the file has no labels."""
    if "labels.npy" not in archive.namelist():
        return None
    mask = np.concatenate(list(_continuous(archive, "labels", job))) > 0
    rate_hz = job.windows.sampling_rate
    return Timeline(job.recording_id, len(mask) / rate_hz, _runs(mask, rate_hz))


def _runs(mask: Bool[np.ndarray, " samples"], rate_hz: float) -> tuple[Event, ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return tuple(
        Event(first / rate_hz, stop / rate_hz) for first, stop in edges.reshape(-1, 2).tolist()
    )


def _continuous(archive: zipfile.ZipFile, name: str, job: ConvertJob) -> Iterator[np.ndarray]:
    """Yield the first window, then what each following one adds; one window is in memory."""
    stride = whole_samples(job.windows.stride, job.windows.sampling_rate)
    before: np.ndarray | None = None
    for number, window in enumerate(_items(archive, name, job)):
        if before is None:
            yield window
        elif np.array_equal(before[..., stride:], window[..., :-stride]):
            yield window[..., -stride:]
        else:
            raise ValueError(
                f"{name} {number - 1} and {number} are not {job.windows.stride:g} s apart"
            )
        before = window


def _items(archive: zipfile.ZipFile, name: str, job: ConvertJob) -> Iterator[np.ndarray]:
    """Yield the items of an array along its first axis, read one after the other."""
    if f"{name}.npy" not in archive.namelist():
        raise ValueError(f"it has no '{name}'")
    with archive.open(f"{name}.npy") as stream:
        np.lib.format.read_magic(stream)
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
        if fortran_order or dtype.hasobject or not shape[0]:
            raise ValueError(f"'{name}' of shape {shape} and type {dtype} is no array of windows")
        _check_item(name, shape[1:], job)
        n_bytes = math.prod(shape[1:]) * dtype.itemsize
        for _ in range(shape[0]):
            yield np.frombuffer(stream.read(n_bytes), dtype).reshape(shape[1:])
        if stream.read(1):  # at the end its checksum is compared
            raise ValueError(f"'{name}' holds more than its header says")


def _check_item(name: str, shape: tuple[int, ...], job: ConvertJob) -> None:
    """Refuse items of another size before they are inflated."""
    if name == "windows" and shape[:-1] != (len(job.channels),):
        raise ValueError(f"windows of shape {shape}, {len(job.channels)} channels are named")
    if shape[-1:] != (job.windows.window_samples,):
        raise ValueError(
            f"{name} of {shape[-1] if shape else 0} samples, {job.windows.window_samples} were "
            "expected"
        )

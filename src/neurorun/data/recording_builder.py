"""Prepare one recording for a cache, in bounded memory, unless that was done before.

The source is read, brought to the montage, resampled and filtered a minute at a time. What was
prepared with the same settings from the same source is kept; where only its events have changed,
only they are written again. A source is the same if its size and time of change are, or else if its
content is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from neurorun.core import FormatError, Stretch, Timeline, sha256_of
from neurorun.data.cache_table import CacheRow, StoredFile
from neurorun.data.cached_recording import completed_header, extent_of
from neurorun.data.entries import CorpusEntry
from neurorun.data.montage import MontagePlan, resolve_montage
from neurorun.data.preprocessing import (
    Preparation,
    PreprocessingConfig,
    plan_stretches,
    preparation_notes,
)
from neurorun.data.recording_file import (
    FileIdentity,
    RecordingFile,
    RecordingHeader,
    plain_timeline,
    read_recording_file,
    rewrite_events,
    writing_recording_file,
)
from neurorun.data.references import RecordedTime, read_reference, recorded_time
from neurorun.data.signal_spool import SignalSpool
from neurorun.formats import EdfFile, open_edf

_BLOCK_S = 60.0

Action = Literal["built", "kept", "relabelled", "none"]


@dataclass(frozen=True, slots=True)
class BuildRow:
    """What became of one recording in one build.

    Parameters
    ----------
    row : its row in the table of the cache
    action : whether its signal was ``built``, its file ``kept``, or only its events written again
        (``relabelled``); ``none`` if it was skipped or failed
    """

    row: CacheRow
    action: Action


@dataclass(frozen=True, slots=True)
class BuildJob:
    """All that a process needs to prepare one recording.

    Parameters
    ----------
    entry : the recording
    folder : of the cache
    preprocessing, rate_hz : how to prepare it
    fingerprint : of the settings of the cache
    label_map : what labels mean that are in no table
    shortest_s : length in seconds that one stretch must have for the recording to be of use
    earlier : its file in the table of an earlier build
    """

    entry: CorpusEntry
    folder: Path
    preprocessing: PreprocessingConfig
    rate_hz: float
    fingerprint: str
    label_map: Mapping[str, str | None] | None = None
    shortest_s: float = 0.0
    earlier: StoredFile | None = None

    @property
    def path(self) -> Path:
        """File of the recording in the cache."""
        return self.folder / f"{self.entry.recording_id}.npz"


def build_recording(job: BuildJob) -> BuildRow:
    """Prepare one recording, or keep what was prepared before.

    Raises
    ------
    DataError : the recording or its annotation cannot be used
    """
    recorded = recorded_time(job.entry.path)
    timeline = _reference(job, recorded)
    mtime_ns = job.entry.path.stat().st_mtime_ns
    kept = find_kept(job.path, job.entry.path, job.fingerprint, earlier=job.earlier)
    action: Action = "kept"
    if kept is not None and _says(kept, timeline):
        header = kept.header
    elif kept is not None:
        header, action = rewrite_events(job.path, timeline), "relabelled"
    else:
        file = open_edf(job.entry.path)
        longest_s = _longest_s(file)
        if longest_s < job.shortest_s:
            return _skipped(job, longest_s)
        header, action = _build(job, file, timeline, recorded), "built"
    earlier = job.earlier if action == "kept" else None
    return describe(job.path, header, timeline, action, source_mtime_ns=mtime_ns, earlier=earlier)


def _reference(job: BuildJob, recorded: RecordedTime) -> Timeline | None:
    if job.entry.annotation is None:
        return None
    return plain_timeline(read_reference(job.entry, recorded, label_map=job.label_map))


def _says(kept: RecordingFile, timeline: Timeline | None) -> bool:
    """Whether the events in a file are those of the annotation now."""
    return kept.timeline == timeline


def _longest_s(file: EdfFile) -> float:
    return max(s.n_samples for s in file.stretches()) / file.select()[0].rate_hz


def _skipped(job: BuildJob, longest_s: float) -> BuildRow:
    reason = f"{longest_s:g} s without a gap, less than one window of {job.shortest_s:g} s"
    row = CacheRow(job.entry.recording_id, job.entry.patient, "skipped", reason)
    return BuildRow(row, "none")


def find_kept(
    path: Path, source: Path, fingerprint: str, *, earlier: StoredFile | None
) -> RecordingFile | None:
    """Find what was made before from the same source with the same settings.

    Parameters
    ----------
    path : where it would be
    source : what it would be made from
    fingerprint : of the settings
    earlier : its row in the table of an earlier build; spares reading the source
    """
    if not path.exists():
        return None
    try:
        found = read_recording_file(path)
    except FormatError:
        return None
    if found.header.fingerprint != fingerprint or found.header.source is None:
        return None
    status = source.stat()
    if status.st_size != found.header.source.n_bytes:
        return None
    if earlier is not None and earlier.n_bytes != path.stat().st_size:
        return None
    same_time = earlier is not None and earlier.source_mtime_ns == status.st_mtime_ns
    return found if same_time or sha256_of(source) == found.header.source.sha256 else None


def _build(
    job: BuildJob, file: EdfFile, timeline: Timeline | None, recorded: RecordedTime
) -> RecordingHeader:
    """Prepare the signal and write the file."""
    names = [signal.name for signal in file.select()]
    config = job.preprocessing
    plan = resolve_montage(names, config.montage, interpolate=config.use_mne)
    source_hz, stretches = file.select(plan.inputs)[0].rate_hz, file.stretches(plan.inputs)
    pairs = plan_stretches(stretches, source_hz, job.rate_hz)
    notes = preparation_notes(stretches, source_hz, config, rate_hz=job.rate_hz)
    repairs, told = _repairs(file, plan), (*file.notes(plan.inputs), *plan.notes)
    header = RecordingHeader(
        recording_id=job.entry.recording_id,
        patient=job.entry.patient,
        channels=plan.channels,
        rate_hz=job.rate_hz,
        stretches=tuple(target for _, target in pairs),
        duration_s=timeline.duration_s if timeline else recorded.duration_s,
        gaps=timeline.gaps if timeline else recorded.gaps,
        unit="uV",
        statistics={},
        labelled=timeline is not None,
        repairs=repairs,
        notes=(*(note for note in told if note not in repairs), *notes),
        fingerprint=job.fingerprint,
        source=FileIdentity.of(job.entry.path),
    )
    with closing(SignalSpool(plan.channels, config, folder=job.folder)) as spool:
        for block in _prepared_blocks(file, plan, pairs, config, rate_hz=job.rate_hz):
            spool.push(block)
        return store(job.path, spool, header, timeline)


def _repairs(file: EdfFile, plan: MontagePlan) -> tuple[str, ...]:
    interpolated = not np.isin(plan.matrix, (-1.0, 0.0, 1.0)).all()
    return (*file.repairs(plan.inputs), *(plan.notes if interpolated else ()))


def _prepared_blocks(
    file: EdfFile,
    plan: MontagePlan,
    pairs: Sequence[tuple[Stretch, Stretch]],
    config: PreprocessingConfig,
    *,
    rate_hz: float,
) -> Iterator[np.ndarray]:
    source_hz = file.select(plan.inputs)[0].rate_hz
    for source, target in pairs:
        chain = Preparation(config, len(plan.channels), source_hz=source_hz, rate_hz=rate_hz)
        n_left = target.n_samples
        for block in _montage_blocks(file, plan, source, n_block=int(_BLOCK_S * source_hz) or 1):
            ready = chain.push(block)[:, :n_left]
            n_left -= ready.shape[1]
            yield ready
        yield chain.finish()[:, :n_left]


def _montage_blocks(
    file: EdfFile, plan: MontagePlan, stretch: Stretch, *, n_block: int
) -> Iterator[np.ndarray]:
    for first in range(stretch.first, stretch.stop, n_block):
        n_samples = min(n_block, stretch.stop - first)
        mapped_anew = EdfFile(file.header)  # a map of the whole file would stay in memory
        yield plan.apply(mapped_anew.read(plan.inputs, first, n_samples))


def store(
    path: Path, spool: SignalSpool, header: RecordingHeader, timeline: Timeline | None
) -> RecordingHeader:
    """Write a spooled signal and what belongs to it; statistics the header has are kept.

    Returns
    -------
    The header as it was written

    Raises
    ------
    DataError : every channel is flat, or the folder cannot be written
    """
    spool.finish()
    scale, offset = spool.scale_and_offset()
    shape = (len(header.channels), spool.n_samples)
    with writing_recording_file(path) as writer:
        writer.write_signal(spool.pieces(scale, offset), shape=shape)
        header = completed_header(header, spool)
        writer.write_rest(header, timeline, scale=scale, offset=offset)
    return header


def describe(
    path: Path,
    header: RecordingHeader,
    timeline: Timeline | None,
    action: Action,
    *,
    source_mtime_ns: int,
    earlier: StoredFile | None,
) -> BuildRow:
    """Make the row of a recording whose file is in the cache.

    Parameters
    ----------
    path, header, timeline : the file
    action : how it came there
    source_mtime_ns : when its source was last changed
    earlier : its row of an earlier build if the file is the same; spares reading it
    """
    stored = StoredFile(
        name=path.name,
        n_bytes=path.stat().st_size,
        sha256=earlier.sha256 if earlier is not None else sha256_of(path),
        extent=extent_of(header, timeline),
        source_mtime_ns=source_mtime_ns,
    )
    status: Literal["repaired", "ok"] = "repaired" if header.repairs else "ok"
    reason = " ".join(header.repairs)
    return BuildRow(CacheRow(header.recording_id, header.patient, status, reason, stored), action)

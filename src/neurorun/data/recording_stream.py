"""A recording of any length, prepared while it is read, a minute at a time.

How a recording is standardized follows from all of it. So it is read twice: once to measure, once
to give standardized blocks. The blocks hold the same bits as a cache of the recording would.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from neurorun.core import DataError, Stretch, gaps_between, whole_recording
from neurorun.data.cached_recording import CachedRecording
from neurorun.data.montage import MontagePlan, resolve_montage
from neurorun.data.preprocessing import (
    Preparation,
    PreprocessingConfig,
    check_band,
    plan_stretches,
    preparation_notes,
)
from neurorun.data.recording_file import RecordingHeader
from neurorun.data.signal_spool import SignalMeasure
from neurorun.formats import EdfFile, guess_patient, open_edf, open_mne_raw

_BLOCK_S = 60.0

ReadBlock = Callable[[Sequence[str], int, int], Float32[np.ndarray, "channels samples"]]
"""Microvolts of named channels: first stored sample, and how many."""


@dataclass(frozen=True, eq=False)
class RecordingStream:
    """A recording that is read and prepared block by block, as often as it is asked for.

    Parameters
    ----------
    recording_id, patient : names
    plan : from the channels of the source to those of the montage
    source_hz, source_stretches : samples per second and stretches of the source
    read : gives blocks of the source
    notes : of the reader
    start : wall clock of the first sample, without zone, or None where unknown
    config : section ``preprocessing``
    rate_hz : samples per second of the blocks
    """

    recording_id: str
    patient: str
    plan: MontagePlan
    source_hz: float
    source_stretches: tuple[Stretch, ...]
    read: ReadBlock
    notes: tuple[str, ...]
    start: datetime | None
    config: PreprocessingConfig
    rate_hz: float

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the end of the source, gaps included."""
        return self.source_stretches[-1].offset_s(self.source_hz)

    @cached_property
    def _pairs(self) -> tuple[tuple[Stretch, Stretch], ...]:
        check_band(self.config, self.rate_hz)
        pairs = plan_stretches(self.source_stretches, self.source_hz, self.rate_hz)
        if not pairs:
            raise DataError(
                f"Recording '{self.recording_id}' of {self.source_stretches[-1].stop} samples has "
                f"no stretch as long as one sample at {self.rate_hz:g} Hz; leave it out."
            )
        return pairs

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Pieces without a gap, at the rate of the blocks."""
        return tuple(target for _, target in self._pairs)

    @cached_property
    def _measured(self) -> SignalMeasure:
        measure = SignalMeasure(self.plan.channels, self.config)
        for pair in self._pairs:
            for block in self._prepared(*pair):
                measure.push(block)
        measure.finish()
        return measure

    @cached_property
    def header(self) -> RecordingHeader:
        """What is known of the prepared recording; the first call reads all of it.

        Raises
        ------
        DataError : every channel is flat
        """
        stretches = self.stretches
        return RecordingHeader(
            recording_id=self.recording_id,
            patient=self.patient,
            channels=self.plan.channels,
            rate_hz=self.rate_hz,
            stretches=stretches,
            duration_s=stretches[-1].offset_s(self.rate_hz),
            gaps=gaps_between(stretches, self.rate_hz),
            unit="uV",
            statistics=self._measured.statistics(),
            labelled=False,
            notes=(
                *self.notes,
                *self.plan.notes,
                *preparation_notes(
                    self.source_stretches, self.source_hz, self.config, rate_hz=self.rate_hz
                ),
            ),
        )

    def blocks(self, stretch: Stretch) -> Iterator[Float32[np.ndarray, "channels samples"]]:
        """Standardized signal of one of the stretches, from its start to its end."""
        source = next(source for source, target in self._pairs if target == stretch)
        scale, offset = self._measured.scale_and_offset()
        for block in self._prepared(source, stretch):
            if not block.shape[1]:
                continue
            steps = self._measured.quantized(block, scale[:, None], offset[:, None])
            cached = CachedRecording(
                replace(self.header, stretches=whole_recording(block.shape[1])),
                None,
                scale=scale,
                offset=offset,
                signal=steps,
                config=self.config,
            )
            yield cached.window(0, block.shape[1])

    def limited(self) -> tuple[str, ...]:
        """Say how many values of the blocks given so far were limited, if any."""
        return self._measured.notes()

    def _prepared(self, source: Stretch, target: Stretch) -> Iterator[np.ndarray]:
        chain = Preparation(
            self.config, len(self.plan.channels), source_hz=self.source_hz, rate_hz=self.rate_hz
        )
        n_left, n_block = target.n_samples, max(1, int(_BLOCK_S * self.source_hz))
        for first in range(source.first, source.stop, n_block):
            block = self.read(self.plan.inputs, first, min(n_block, source.stop - first))
            ready = chain.push(self.plan.apply(block))[:, :n_left]
            n_left -= ready.shape[1]
            yield ready
        yield chain.finish()[:, :n_left]


def stream_recording(path: Path, config: PreprocessingConfig, *, rate_hz: float) -> RecordingStream:
    """Open an EDF, EDF+ or BDF file of any length.

    Parameters
    ----------
    config : section ``preprocessing``
    rate_hz : samples per second of the prepared signal

    Raises
    ------
    DataError : the file cannot be read, or a channel is missing
    """
    file = open_edf(path)
    plan = resolve_montage(file.header.channels, config.montage, interpolate=config.use_mne)
    return RecordingStream(
        recording_id=path.stem,
        patient=guess_patient(path, file.header),
        plan=plan,
        source_hz=file.select(plan.inputs)[0].rate_hz,
        source_stretches=file.stretches(plan.inputs),
        # a map of the whole file would stay in memory, so every block maps it anew
        read=lambda channels, first, n: EdfFile(file.header).read(channels, first, n),
        notes=file.notes(plan.inputs),
        start=file.start,
        config=config,
        rate_hz=rate_hz,
    )


def stream_mne(raw: Any, config: PreprocessingConfig, *, rate_hz: float) -> RecordingStream:
    """Open an ``mne.io.Raw``, which need not be loaded; see `stream_recording`.

    Channels in ``raw.info["bads"]`` count as missing, whatever they hold.

    Raises
    ------
    DataError : a channel is missing or marked bad, or no time is left between the gaps
    """
    source = open_mne_raw(raw)
    plan = _plan_without_bad(source.channels, raw.info["bads"], config)
    return RecordingStream(
        recording_id=source.recording_id,
        patient=source.patient,
        plan=plan,
        source_hz=source.rate_hz,
        source_stretches=source.stretches,
        read=source.read,
        notes=source.notes,
        start=source.start,
        config=config,
        rate_hz=rate_hz,
    )


def _plan_without_bad(
    channels: Sequence[str], bad: Sequence[str], config: PreprocessingConfig
) -> MontagePlan:
    usable = [name for name in channels if name not in bad]
    try:
        return resolve_montage(usable, config.montage, interpolate=config.use_mne)
    except DataError as error:
        marked = ", ".join(f"'{name}'" for name in channels if name in bad)
        if not marked:
            raise
        raise DataError(
            f"{error} Channels in raw.info['bads'] count as missing: {marked}. Interpolate them "
            "with raw.interpolate_bads(), or take out of raw.info['bads'] what can be used as it "
            "is."
        ) from error

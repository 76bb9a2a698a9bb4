"""A prepared recording whose windows are decoded when they are asked for.

Stored are int16 steps in microvolts and, beside them, the statistics of every channel. Microvolts
become standardized values by one multiplication per sample while a window is read, so the way of
standardizing can change without preparing anything again.
"""

from bisect import bisect_right
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int16

from neurorun.core import DataError, Recording, Stretch, Timeline
from neurorun.data.preprocessing import PreprocessingConfig
from neurorun.data.recording_file import (
    MappedSignal,
    RecordingHeader,
    plain_timeline,
    read_recording_file,
)
from neurorun.data.signal_spool import FULL_SCALE, SignalSpool
from neurorun.data.standardization import ChannelStatistics
from neurorun.data.windows import Extent, seizure_samples

_NEGLIGIBLE_STEPS = 1 / 64


class CachedRecording:
    """A prepared recording, mapped from a file or held in memory; both give the same numbers.

    It may be shared by threads and sent to other processes.

    Parameters
    ----------
    header : what is known of it
    timeline : its reference events; None where nobody annotated it
    scale, offset : microvolts of one step, and of step 0, per channel
    signal : the stored steps, or where they lie in a file
    config : how windows are standardized
    """

    def __init__(
        self,
        header: RecordingHeader,
        timeline: Timeline | None,
        *,
        scale: Float32[np.ndarray, " channels"],
        offset: Float32[np.ndarray, " channels"],
        signal: Int16[np.ndarray, "channels samples"] | MappedSignal,
        config: PreprocessingConfig,
    ) -> None:
        self.header, self.timeline = header, timeline
        self.scale, self.offset = scale, offset
        self._signal = signal
        self.extent = extent_of(header, timeline)
        self._firsts = [stretch.first for stretch in header.stretches]
        self._reading = _reading_constants(header, scale, offset, config)

    @classmethod
    def from_file(cls, path: Path, config: PreprocessingConfig | None = None) -> "CachedRecording":
        """Open a file of a cache; its signal is mapped when it is first read.

        Parameters
        ----------
        path : file of one recording
        config : how windows are standardized; by mean and deviation if None

        Raises
        ------
        FormatError : the file is damaged, or of a version that we do not know
        """
        file = read_recording_file(path)
        return cls(
            file.header,
            file.timeline,
            scale=file.scale,
            offset=file.offset,
            signal=file.signal,
            config=config or PreprocessingConfig(),
        )

    @classmethod
    def from_recording(
        cls,
        recording: Recording,
        timeline: Timeline | None,
        config: PreprocessingConfig | None = None,
    ) -> "CachedRecording":
        """Hold a prepared recording in memory, in the same steps as a file would.

        Parameters
        ----------
        recording : as `prepare` gives it, microvolts
        timeline : its reference events; None where nobody annotated it
        config : how windows are standardized; by mean and deviation if None

        Raises
        ------
        DataError : every channel is flat
        """
        config = config or PreprocessingConfig()
        header = RecordingHeader(
            recording_id=recording.recording_id,
            patient=recording.patient,
            channels=recording.channels,
            rate_hz=recording.rate_hz,
            stretches=recording.stretches,
            duration_s=timeline.duration_s if timeline else recording.duration_s,
            gaps=timeline.gaps if timeline else recording.gaps,
            unit="uV",
            statistics={},
            labelled=timeline is not None,
            notes=recording.notes,
        )
        with closing(SignalSpool(recording.channels, config)) as spool:
            spool.push(recording.signal_uv)
            return cls.from_spool(spool, header, timeline, config)

    @classmethod
    def from_spool(
        cls,
        spool: SignalSpool,
        header: RecordingHeader,
        timeline: Timeline | None,
        config: PreprocessingConfig,
    ) -> "CachedRecording":
        """Hold a spooled signal in memory; statistics that the header has are kept."""
        spool.finish()
        scale, offset = spool.scale_and_offset()
        signal = np.concatenate(list(spool.pieces(scale, offset)))
        return cls(
            completed_header(header, spool),
            plain_timeline(timeline) if timeline is not None else None,
            scale=scale,
            offset=offset,
            signal=signal.reshape(len(header.channels), -1),
            config=config,
        )

    @property
    def recording_id(self) -> str:
        """Name of the recording."""
        return self.header.recording_id

    @property
    def patient(self) -> str:
        """The person."""
        return self.header.patient

    @property
    def channels(self) -> tuple[str, ...]:
        """Name of every row."""
        return self.header.channels

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        return self.header.rate_hz

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Pieces without a gap."""
        return self.header.stretches

    @property
    def n_samples(self) -> int:
        """Stored samples per channel."""
        return self.header.n_samples

    @property
    def signal(self) -> Int16[np.ndarray, "channels samples"]:
        """Stored steps; read-only where they are mapped."""
        return self._signal if isinstance(self._signal, np.ndarray) else self._signal.mapped()

    def window(
        self,
        first: int,
        n_samples: int,
        *,
        out: Float32[np.ndarray, "channels samples"] | None = None,
    ) -> Float32[np.ndarray, "channels samples"]:
        """Standardized and clipped signal of a window; microvolts if ``normalize`` is false.

        Parameters
        ----------
        first : first stored sample, any
        n_samples : length, > 0
        out : where to write it; a new array if None

        Raises
        ------
        DataError : the window reaches across a gap or an end
        """
        self._check_window(first, n_samples)
        steps = self._steps(first, n_samples)
        if out is None:
            out = np.empty(steps.shape, np.float32)
        np.copyto(out, steps)
        reading = self._reading
        out *= reading.gain
        if reading.bias is not None:
            out += reading.bias
        if reading.clip_at is not None:
            np.clip(out, -reading.clip_at, reading.clip_at, out=out)
        return out

    def _steps(self, first: int, n_samples: int) -> Int16[np.ndarray, "channels samples"]:
        if isinstance(self._signal, np.ndarray):
            return self._signal[:, first : first + n_samples]
        return self._signal.columns(first, n_samples)

    def stored_window(
        self, first: int, n_samples: int
    ) -> tuple[Int16[np.ndarray, "channels samples"], "Reading"]:
        """Stored steps of a window, and how they become the values that `window` gives.

        Parameters
        ----------
        first : first stored sample, any
        n_samples : length, > 0

        Raises
        ------
        DataError : the window reaches across a gap or an end
        """
        self._check_window(first, n_samples)
        return self._steps(first, n_samples), self._reading

    def mask(self, first: int, n_samples: int) -> Bool[np.ndarray, " samples"]:
        """Which samples of a window lie in seizure events.

        Raises
        ------
        DataError : nobody annotated the recording, or the window reaches across a gap or an end
        """
        if self.timeline is None:
            raise DataError(
                f"Recording '{self.recording_id}' has no annotations, so no mask; give its "
                "reference events, or use it for detection only."
            )
        mask = np.empty(n_samples, np.bool_)
        self.fill_target(first, mask)
        return mask

    def fill_target(self, first: int, out: np.ndarray) -> None:
        """Write 1 where a window lies in seizure events, else 0; NaN if nobody annotated it.

        Parameters
        ----------
        first : first stored sample of the window
        out : (samples,) array of any type; its length is that of the window

        Raises
        ------
        DataError : the window reaches across a gap or an end
        """
        self._check_window(first, len(out))
        out[:] = 0 if self.timeline is not None else np.nan
        for onset, stop in self.extent.seizures or ():
            if onset < first + len(out) and stop > first:
                out[max(onset - first, 0) : stop - first] = 1

    def to_recording(self) -> Recording:
        """Decode the whole recording into microvolts.

        Raises
        ------
        DataError : its microvolts are not known (converted caches)
        """
        _check_microvolts(self.header)
        return Recording(
            self.recording_id,
            self.patient,
            self.channels,
            self.rate_hz,
            self.signal * self.scale[:, None] + self.offset[:, None],
            self.stretches,
            notes=(*self.header.repairs, *self.header.notes),
        )

    def _check_window(self, first: int, n_samples: int) -> None:
        position = bisect_right(self._firsts, first) - 1
        if position >= 0 and first + n_samples <= self.header.stretches[position].stop:
            return
        raise DataError(
            f"Window of {n_samples} samples at sample {first} of '{self.recording_id}' lies in no "
            "stretch; a window must not cross a gap or an end. Take starts from its extent."
        )


def completed_header(header: RecordingHeader, spool: SignalSpool) -> RecordingHeader:
    """Add what is known once all pieces of the signal were taken from its spool."""
    return replace(
        header,
        statistics=header.statistics or spool.statistics(),
        notes=(*header.notes, *spool.notes()),
    )


def extent_of(header: RecordingHeader, timeline: Timeline | None) -> Extent:
    """Where the samples and the seizures of a stored recording lie."""
    return Extent(
        header.recording_id,
        header.stretches,
        seizure_samples(timeline.seizures, header.stretches, header.rate_hz) if timeline else None,
    )


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """How stored steps become values: multiplied, shifted, limited, in this order, in float32.

    Parameters
    ----------
    gain, bias : per channel; None for a bias without effect
    clip_at : limit of the values; None for one without effect
    """

    gain: Float32[np.ndarray, "channels 1"]
    bias: Float32[np.ndarray, "channels 1"] | None
    clip_at: float | None


def _reading_constants(
    header: RecordingHeader,
    scale: Float32[np.ndarray, " channels"],
    offset: Float32[np.ndarray, " channels"],
    config: PreprocessingConfig,
) -> Reading:
    if not config.normalize:
        _check_microvolts(header)
        return Reading(scale[:, None], offset[:, None], None)
    statistics = statistics_for(header, config)
    gain = scale / statistics.spread
    bias = (offset - statistics.center) / statistics.spread
    clip_at = config.clip_at
    if clip_at is not None and np.all(np.abs(bias) + FULL_SCALE * gain <= clip_at):
        clip_at = None
    negligible = np.all(np.abs(bias) < _NEGLIGIBLE_STEPS * gain)
    return Reading(
        gain.astype(np.float32)[:, None],
        None if negligible else bias.astype(np.float32)[:, None],
        clip_at,
    )


def statistics_for(header: RecordingHeader, config: PreprocessingConfig) -> ChannelStatistics:
    """Centre and spread by which a recording is standardized.

    Raises
    ------
    DataError : they are not known for this recording
    """
    if config.standardize == "fixed":
        _check_microvolts(header)
        n_channels = len(header.channels)
        return ChannelStatistics(np.zeros(n_channels), np.full(n_channels, config.fixed_scale_uv))
    statistics = header.statistics[config.standardize]
    if statistics is None:
        raise DataError(
            f"Recording '{header.recording_id}' has no statistics for standardize: "
            f"{config.standardize}, since more than half of every channel is constant or since it "
            "was converted; set preprocessing.standardize to zscore, or leave the recording out."
        )
    return statistics


def _check_microvolts(header: RecordingHeader) -> None:
    if header.unit != "uV":
        raise DataError(
            f"Recording '{header.recording_id}' was converted from a cache of standardized values; "
            "its microvolts are not known. Set preprocessing.normalize to true and standardize to "
            "zscore, or build the cache from the recordings."
        )

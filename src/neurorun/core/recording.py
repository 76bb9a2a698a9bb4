"""A recording: one continuous multichannel signal of one patient, gaps told, never closed."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from jaxtyping import Float32

from neurorun.core.errors import DataError
from neurorun.core.events import Event


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a recording without a gap.

    Parameters
    ----------
    first : index of its first sample in the stored signal, >= 0
    n_samples : its length, > 0
    onset_s : when its first sample was recorded, seconds from the start of the recording
    """

    first: int
    n_samples: int
    onset_s: float

    @property
    def stop(self) -> int:
        """Index after its last sample in the stored signal."""
        return self.first + self.n_samples

    def offset_s(self, rate_hz: float) -> float:
        """When it ends, seconds from the start of the recording."""
        return self.onset_s + self.n_samples / rate_hz


@dataclass(frozen=True, eq=False)
class Recording:
    """One multichannel signal of one patient.

    Samples are stored one after the other; ``stretches`` says when each piece was recorded. A
    file without gaps has one stretch. Nothing that works along time may cross from one
    stretch into the next.

    Parameters
    ----------
    recording_id, patient : names, not empty
    channels : one name per row of the signal, unique
    rate_hz : samples per second, > 0
    signal_uv : microvolts, finite
    stretches : in order of time, covering every stored sample once, not overlapping in time
    start : wall clock of the first sample, without zone, or None where unknown
    annotations : events that the file itself carries, labels as written
    notes : what the reader repaired, left out or mapped, one sentence each

    Raises
    ------
    DataError : the parts contradict each other
    """

    recording_id: str
    patient: str
    channels: tuple[str, ...]
    rate_hz: float
    signal_uv: Float32[np.ndarray, "channels samples"]
    stretches: tuple[Stretch, ...]
    start: datetime | None = None
    annotations: tuple[Event, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n_channels, n_samples = self.signal_uv.shape
        if len(self.channels) != n_channels or len(set(self.channels)) != n_channels:
            raise DataError(
                f"Recording '{self.recording_id}' has {n_channels} rows of signal but the channel "
                f"names {', '.join(self.channels)}; one unique name per row is needed."
            )
        if not self.rate_hz > 0:
            raise DataError(
                f"Recording '{self.recording_id}' has a rate of {self.rate_hz} Hz; it must be "
                "above 0."
            )
        self._check_stretches(n_samples)

    def _check_stretches(self, n_samples: int) -> None:
        expected, clock_s = 0, -np.inf
        for stretch in self.stretches:
            if stretch.first != expected or stretch.onset_s < clock_s - 0.5 / self.rate_hz:
                raise DataError(
                    f"Recording '{self.recording_id}' has a stretch at sample {stretch.first}, "
                    f"{stretch.onset_s:g} s; stretches must follow each other in the signal and "
                    "in time."
                )
            expected, clock_s = stretch.stop, stretch.offset_s(self.rate_hz)
        if expected != n_samples or n_samples == 0:
            raise DataError(
                f"Recording '{self.recording_id}' holds {n_samples} samples, its stretches "
                f"{expected}; they must be equal and above 0."
            )

    @property
    def n_samples(self) -> int:
        """Stored samples per channel."""
        return int(self.signal_uv.shape[1])

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the end of the last stretch, gaps included."""
        return self.stretches[-1].offset_s(self.rate_hz)

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Stretches of time ``(onset_s, offset_s)`` in which nothing was recorded."""
        return gaps_between(self.stretches, self.rate_hz)


def gaps_between(stretches: tuple[Stretch, ...], rate_hz: float) -> tuple[tuple[float, float], ...]:
    """Times between stretches, and before the first, in which nothing was recorded.

    Differences of less than half a sample are rounding, not gaps.

    >>> gaps_between((Stretch(0, 20, 0.0), Stretch(20, 20, 15.0)), rate_hz=2.0)
    ((10.0, 15.0),)
    """
    gaps = []
    clock_s = 0.0
    for stretch in stretches:
        if stretch.onset_s - clock_s > 0.5 / rate_hz:
            gaps.append((clock_s, stretch.onset_s))
        clock_s = stretch.offset_s(rate_hz)
    return tuple(gaps)


def whole_recording(n_samples: int) -> tuple[Stretch, ...]:
    """Stretches of a recording without gaps.

    >>> whole_recording(100)
    (Stretch(first=0, n_samples=100, onset_s=0.0),)
    """
    return (Stretch(first=0, n_samples=n_samples, onset_s=0.0),)

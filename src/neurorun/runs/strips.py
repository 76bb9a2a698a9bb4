"""``previews/``: a short piece of some recordings, so that a report needs the run folder alone.

A strip holds signal at a low rate for the eye, the probabilities of the model over the same time,
and the events of both sides. It is no substitute for the recording.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from neurorun.core import Event, RunError
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.headed_npz import (
    Arrays,
    HeadedFormat,
    Header,
    read_headed_npz,
    write_headed_npz,
)
from neurorun.runs.names import file_stem

PREVIEWS = "previews"
_FORMAT = HeadedFormat("neurorun-strip", 1, item="strip")


@dataclass(frozen=True, eq=False)
class Strip:
    """A piece of one recording, as a reader of the report sees it.

    Parameters
    ----------
    onset_s : where the piece begins, seconds from the start of the recording
    signal_uv : microvolts, filtered against aliasing before it was thinned out to ``rate_hz``
    probabilities : 0 to 1, at ``probability_rate_hz``, beginning at the same onset
    reference, detected : events that touch the piece; times from the start of the recording

    Raises
    ------
    RunError : the parts contradict each other, or a value is not finite
    """

    recording_id: str
    channels: tuple[str, ...]
    rate_hz: float
    onset_s: float
    signal_uv: Float32[np.ndarray, "channels samples"]
    probabilities: Float32[np.ndarray, " steps"]
    probability_rate_hz: float
    reference: tuple[Event, ...] = ()
    detected: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.signal_uv) or not self.signal_uv.size:
            raise RunError(
                f"The strip of '{self.recording_id}' has {len(self.channels)} channel names for "
                f"{len(self.signal_uv)} rows of {self.signal_uv.shape[1]} samples; one name per "
                "row, and at least one sample, are needed."
            )
        if not (min(self.rate_hz, self.probability_rate_hz) > 0 and self.onset_s >= 0):
            raise RunError(
                f"The strip of '{self.recording_id}' begins at {self.onset_s} s, at "
                f"{self.rate_hz} Hz and {self.probability_rate_hz} Hz; an onset of at least 0 and "
                "rates above 0 are needed."
            )
        if not (np.isfinite(self.signal_uv).all() and np.isfinite(self.probabilities).all()):
            raise RunError(
                f"The strip of '{self.recording_id}' holds values that are not finite; only "
                "finite ones are allowed. Leave this recording out."
            )

    @property
    def duration_s(self) -> float:
        """Length of the piece."""
        return float(self.signal_uv.shape[1] / self.rate_hz)


def strip_path(recording_id: str) -> str:
    """Path of a recording's strip, relative to the run folder."""
    return f"{PREVIEWS}/{file_stem(recording_id)}.npz"


def write_strip(folder: Path, strip: Strip) -> None:
    """Write a strip, whole or not at all; ``np.load(..., allow_pickle=False)`` opens it."""
    header = {
        "recording_id": strip.recording_id,
        "channels": strip.channels,
        "rate_hz": strip.rate_hz,
        "onset_s": strip.onset_s,
        "probability_rate_hz": strip.probability_rate_hz,
        "reference_labels": [event.label for event in strip.reference],
        "detected_labels": [event.label for event in strip.detected],
    }
    arrays = {
        "signal": strip.signal_uv,
        "probabilities": strip.probabilities,
        "reference": _times(strip.reference),
        "detected": _times(strip.detected),
    }
    write_headed_npz(folder / strip_path(strip.recording_id), _FORMAT, header, arrays)


def _times(events: tuple[Event, ...]) -> np.ndarray:
    """Onset, offset and confidence (NaN if unknown) per event."""
    rows = [
        (e.onset_s, e.offset_s, np.nan if e.confidence is None else e.confidence) for e in events
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def read_strip(path: Path) -> Strip:
    """Read one strip.

    Raises
    ------
    FormatError : it is damaged, or of a version that we do not know
    """
    return read_headed_npz(path, _FORMAT, _strip)


def _strip(header: Header, arrays: Arrays) -> Strip:
    return Strip(
        recording_id=header["recording_id"],
        channels=tuple(header["channels"]),
        rate_hz=header["rate_hz"],
        onset_s=header["onset_s"],
        signal_uv=arrays["signal"],
        probabilities=arrays["probabilities"],
        probability_rate_hz=header["probability_rate_hz"],
        reference=_events(arrays["reference"], header["reference_labels"]),
        detected=_events(arrays["detected"], header["detected_labels"]),
    )


def _events(times: np.ndarray, labels: list[str]) -> tuple[Event, ...]:
    return tuple(
        Event(onset_s, offset_s, label, None if math.isnan(confidence) else confidence)
        for (onset_s, offset_s, confidence), label in zip(times.tolist(), labels, strict=True)
    )


def strips_of(folder: Path) -> ByRecording[Strip]:
    """Strips of a run by recording_id, each read when it is asked for."""
    return ByRecording(folder / PREVIEWS, ".npz", read_strip)

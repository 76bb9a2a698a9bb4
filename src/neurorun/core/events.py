"""Events: labelled stretches of a recording, and the timeline that holds them.

Times are seconds from the start of the recording. An event is half-open, ``[onset_s, offset_s)``:
two events that touch share no time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from neurorun.core.errors import DataError
from neurorun.core.units import nearest_sample

SEIZURE = "seiz"
BACKGROUND = "bckg"
NON_EPILEPTIC = "nesz"
"""Label of TUSZ for a seizure that a patient has without any sign of it in the EEG."""


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """A labelled stretch ``[onset_s, offset_s)`` of a recording.

    Parameters
    ----------
    onset_s, offset_s : seconds from the start of the recording, finite, offset after onset
    label : as in the file it came from; ``seiz`` and ``bckg`` where nothing finer is known
    confidence : 0 to 1, or None where the source gives none
    channels : names of the channels concerned; empty means all

    Raises
    ------
    DataError : the event has no length, or a time or the confidence is out of range

    Examples
    --------
    >>> Event(10, 20).overlaps(Event(20, 30))
    False
    """

    onset_s: float
    offset_s: float
    label: str = SEIZURE
    confidence: float | None = None
    channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.onset_s) and self.onset_s < self.offset_s < math.inf):
            raise DataError(
                f"Event '{self.label}' from {self.onset_s} s to {self.offset_s} s has no length; "
                "it must end after it begins. Correct or delete its row."
            )
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise DataError(
                f"Event at {self.onset_s:g} s has confidence {self.confidence}; it must lie in "
                "[0, 1]. Write probabilities, or leave the confidence out."
            )

    @property
    def duration_s(self) -> float:
        """Length in seconds, above 0."""
        return self.offset_s - self.onset_s

    def overlaps(self, other: "Event") -> bool:
        """Whether both share time; touching is not sharing."""
        return self.onset_s < other.offset_s and other.onset_s < self.offset_s

    def shifted(self, by_s: float) -> "Event":
        """Return the same event, later by ``by_s`` seconds."""
        return replace(self, onset_s=self.onset_s + by_s, offset_s=self.offset_s + by_s)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events of one recording, together with the time in which they were looked for.

    Parameters
    ----------
    recording_id : the recording they belong to
    duration_s : seconds from the first to the last sample of the recording, > 0
    events : sorted by onset; may be empty
    gaps : stretches ``(onset_s, offset_s)`` without EEG (discontinuous files, impedance
        checks), sorted, apart from each other; false alarms are not counted over them

    Raises
    ------
    DataError : the duration is not positive, or a gap lies outside ``[0, duration_s]``
    """

    recording_id: str
    duration_s: float
    events: tuple[Event, ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.duration_s < math.inf:
            raise DataError(
                f"Recording '{self.recording_id}' is said to last {self.duration_s} s; a positive "
                "number of seconds is needed. Correct the duration in its file."
            )
        for onset_s, offset_s in self.gaps:
            if not 0 <= onset_s < offset_s <= self.duration_s + 1e-6:
                raise DataError(
                    f"Recording '{self.recording_id}' has a gap from {onset_s:g} s to "
                    f"{offset_s:g} s; gaps must lie within its {self.duration_s:g} s."
                )
        object.__setattr__(self, "events", tuple(sorted(self.events, key=_by_time)))
        object.__setattr__(self, "gaps", tuple(sorted(self.gaps)))

    @property
    def observed_s(self) -> float:
        """Seconds that hold EEG: the duration without the gaps."""
        return self.duration_s - sum(offset_s - onset_s for onset_s, offset_s in self.gaps)

    @property
    def seizures(self) -> tuple[Event, ...]:
        """Events that show in the EEG: neither background nor non-epileptic."""
        others = (BACKGROUND, NON_EPILEPTIC)
        return tuple(event for event in self.events if event.label not in others)


def _by_time(event: Event) -> tuple[float, float, str]:
    return (event.onset_s, event.offset_s, event.label)


def merge_touching(events: Iterable[Event], *, gap_s: float = 0.0) -> tuple[Event, ...]:
    """Fuse events that overlap, touch, or lie at most ``gap_s`` apart.

    The label and channels of the first are kept; the confidence is the highest of those fused.

    >>> [(e.onset_s, e.offset_s) for e in merge_touching([Event(5, 7), Event(1, 5), Event(9, 10)])]
    [(1, 7), (9, 10)]
    """
    merged: list[Event] = []
    for event in sorted(events, key=_by_time):
        if merged and event.onset_s - merged[-1].offset_s <= gap_s:
            merged[-1] = replace(
                merged[-1],
                offset_s=max(merged[-1].offset_s, event.offset_s),
                confidence=_higher(merged[-1].confidence, event.confidence),
            )
        else:
            merged.append(event)
    return tuple(merged)


def _higher(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return max(known) if known else None


def events_to_mask(
    events: Iterable[Event], n_samples: int, rate_hz: float
) -> Bool[np.ndarray, " samples"]:
    """Mark the samples that lie in any of the events.

    Both ends are rounded to the nearest sample; what lies outside the recording is cut off.

    >>> events_to_mask([Event(1, 2)], 4, 1.0).tolist()
    [False, True, False, False]
    """
    mask = np.zeros(n_samples, dtype=np.bool_)
    for event in events:
        first = max(0, nearest_sample(event.onset_s, rate_hz))
        mask[first : max(0, nearest_sample(event.offset_s, rate_hz))] = True
    return mask

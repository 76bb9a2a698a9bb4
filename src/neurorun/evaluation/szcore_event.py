"""SzCORE event scoring: tolerant of early and late detections, equal to timescoring 0.0.7.

Events less than 90 s apart are one, events longer than 300 s are cut, on both sides. A reference
event counts from 30 s before to 60 s after itself; it is found if a detection shares a sample of
the 10 Hz grid with that stretch. A detection is a false alarm if it shares none with the stretch of
any event found. Sensitivity counts reference events, precision divides those by detections.

Older versions count otherwise: up to 0.0.5 a detection was a false alarm if any of its samples lay
outside; up to 0.0.6, F1 was undefined whenever sensitivity or precision was.

References
----------
.. [1] Dan, Pale, Amirshahi et al., "SzCORE: seizure community open-source research evaluation
   framework", Epilepsia 66(S3), 2025, section 2.6.
.. [2] timescoring 0.0.7, ``scoring.EventScoring``.
"""

from bisect import bisect_right
from collections.abc import Sequence

from neurorun.core import SEIZURE, Event
from neurorun.evaluation.classes import EventClasses
from neurorun.evaluation.counts import DetectionCounts
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.tiling import ScoringPair

TOLERANCE_BEFORE_S = 30.0
TOLERANCE_AFTER_S = 60.0
LONGEST_S = 300.0
MERGED_BELOW_S = 90.0
RATE_HZ = 10
LEAST_OVERLAP = 1e-6
"""Fraction of the extended event that a detection must cover, at least."""

Bounds = list[tuple[float, float]]
"""Onsets and offsets of events, seconds."""

Stretches = list[tuple[int, int]]
"""First samples and samples after the last, in order, none sharing a sample with another."""


def count_szcore_events(pair: ScoringPair) -> DetectionCounts:
    """Count seizures found and false alarms of one recording.

    Parameters
    ----------
    pair : one recording, annotated and detected; every class but background is a seizure
    """
    return count_tolerant(
        seizure_bounds(pair.reference_events, pair.classes),
        seizure_bounds(pair.detected_events, pair.classes),
        n_samples=round(pair.duration_s * RATE_HZ),
    )


def seizure_bounds(events: Sequence[Event], classes: EventClasses) -> Bounds:
    """Onsets and offsets of the events that are not background."""
    background = classes.background
    class_of = classes.of_each(event.label for event in events)
    return [
        (event.onset_s, event.offset_s) for event in events if class_of[event.label] != background
    ]


def count_tolerant(reference: Bounds, detected: Bounds, *, n_samples: int) -> DetectionCounts:
    """Count seizures found and false alarms on a grid of 10 Hz.

    Parameters
    ----------
    reference, detected : in order of time, none sharing time with another of its list
    n_samples : length of the recording on that grid
    """
    pieces = split_long(merge_near(reference))
    alarms = [on_grid(bounds, n_samples) for bounds in split_long(merge_near(detected))]
    covered = _Covered([alarm for alarm in alarms if alarm[0] < alarm[1]])
    found: Stretches = []
    for onset_s, offset_s in pieces:
        extended_s = (
            max(0, onset_s - TOLERANCE_BEFORE_S),
            min(n_samples / RATE_HZ, offset_s + TOLERANCE_AFTER_S),
        )
        stretch = on_grid(extended_s, n_samples)
        share = covered.within(*stretch) / RATE_HZ / (extended_s[1] - extended_s[0])
        if share > LEAST_OVERLAP:
            found.append(stretch)
    return DetectionCounts(
        name=SEIZURE,
        n_reference=len(pieces),
        n_found=len(found),
        n_false_alarms=sum(not _meets(alarm, found) for alarm in alarms),
        n_samples=n_samples,
        rate_hz=RATE_HZ,
    )


def merge_near(events: Bounds) -> Bounds:
    """Fuse events less than 90 s apart.

    >>> merge_near([(0, 10), (99.9, 110), (200, 210)])
    [(0, 110), (200, 210)]
    """
    merged: Bounds = []
    for onset_s, offset_s in events:
        if merged and onset_s - merged[-1][1] < MERGED_BELOW_S:
            merged[-1] = (merged[-1][0], offset_s)
        else:
            merged.append((onset_s, offset_s))
    return merged


def split_long(events: Bounds) -> Bounds:
    """Cut events into pieces of at most 300 s.

    >>> split_long([(0, 300), (1000, 1650)])
    [(0, 300), (1000, 1300.0), (1300.0, 1600.0), (1600.0, 1650)]
    """
    pieces: Bounds = []
    for onset_s, offset_s in events:
        start_s = onset_s
        while offset_s - start_s > LONGEST_S:
            pieces.append((start_s, start_s + LONGEST_S))
            start_s += LONGEST_S
        pieces.append((start_s, offset_s))
    return pieces


def on_grid(bounds: tuple[float, float], n_samples: int, rate_hz: int = RATE_HZ) -> tuple[int, int]:
    """Samples of an event, both ends rounded (halves to even), cut at the end of the recording."""
    onset_s, offset_s = bounds
    return min(round(onset_s * rate_hz), n_samples), min(round(offset_s * rate_hz), n_samples)


class _Covered:
    """How many samples of a stretch lie in any of some ordered stretches."""

    def __init__(self, stretches: Stretches) -> None:
        self._firsts = [first for first, _ in stretches]
        self._sums = [0]
        for first, stop in stretches:
            self._sums.append(self._sums[-1] + stop - first)
        self._stops = [stop for _, stop in stretches]

    def within(self, first: int, stop: int) -> int:
        """Covered samples from ``first`` up to, not including, ``stop``."""
        return self._before(stop) - self._before(first)

    def _before(self, sample: int) -> int:
        begun = bisect_right(self._firsts, sample)
        if begun == 0:
            return 0
        return self._sums[begun] - max(0, self._stops[begun - 1] - sample)


def _meets(alarm: tuple[int, int], found: Stretches) -> bool:
    """Whether a detection shares a sample with an extended reference event that was found."""
    first, stop = alarm
    later = bisect_right(found, first, key=lambda stretch: stretch[1])
    return later < len(found) and found[later][0] < stop and first < stop


SZCORE_EVENT = register(
    ScoringMethod(
        name="szcore-event",
        version="timescoring 0.0.7",
        definition="Events within 30 s before to 60 s after; merged below 90 s, cut at 300 s.",
        unit="events",
        count=count_szcore_events,
        mean_over_patients=True,
        file_key="event_scoring",
    )
)

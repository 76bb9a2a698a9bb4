"""Any-overlap scoring: an event is found if a detection shares time with it, however little.

`count_overlaps` is the plain count of seizures of one recording; the method ``overlap`` is OVLP of
NEDC EEG Eval 6.0.0, which also counts background as events.

References
----------
.. [1] Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for automatic classification
   of EEG events", in Biomedical Signal Processing, Springer, 2021, section 3.2.
.. [2] NEDC EEG Eval 6.0.0, ``nedc_eeg_eval_ovlp.py``.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from neurorun.core import Event, ScoringError
from neurorun.evaluation.counts import EventCounts, Tally
from neurorun.evaluation.measures import per_day, ratio
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.tiling import ScoringPair, Tile, by_class

Bounds = Sequence[tuple[float, float]]
"""Onsets and offsets of events, seconds."""


@dataclass(frozen=True, slots=True)
class OverlapCounts:
    """Found events and false alarms, which add over recordings.

    Parameters
    ----------
    n_reference, n_found : events there were to find, and those found
    n_false_alarms : detections that share time with no reference event
    duration_s : length of the recordings, seconds
    """

    n_reference: int
    n_found: int
    n_false_alarms: int
    duration_s: float

    def __add__(self, other: "OverlapCounts") -> "OverlapCounts":
        return OverlapCounts(
            self.n_reference + other.n_reference,
            self.n_found + other.n_found,
            self.n_false_alarms + other.n_false_alarms,
            self.duration_s + other.duration_s,
        )

    @property
    def sensitivity(self) -> float:
        """Found fraction of the reference events, NaN where there are none."""
        return ratio(self.n_found, self.n_reference)

    @property
    def false_alarms_per_day(self) -> float:
        """False alarms per 24 hours."""
        return per_day(self.n_false_alarms, self.duration_s)


def count_overlaps(
    reference: Sequence[Event], detected: Sequence[Event], duration_s: float
) -> OverlapCounts:
    """Count found events and false alarms of one recording, by any overlap [1]_.

    A reference event is found if a detected event shares time with it, however little;
    a detected event sharing time with none is a false alarm. The method is lenient: one
    detection over a whole night finds every seizure in it.

    Parameters
    ----------
    reference, detected : events of the same recording, in any order
    duration_s : seconds, > 0
        Length of the recording; each second counts once, even where windows overlap.

    Returns
    -------
    Counts, because counts of recordings may be added and rates may not be averaged.

    Raises
    ------
    ScoringError : ``duration_s`` is not positive; 0 would read as a perfect detector

    References
    ----------
    .. [1] Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for
       automatic classification of EEG events", in Biomedical Signal Processing, 2021.

    Examples
    --------
    >>> alarms = [Event(150, 170), Event(900, 910)]
    >>> counts = count_overlaps([Event(100, 160)], alarms, duration_s=7200)
    >>> counts.sensitivity, counts.false_alarms_per_day
    (1.0, 12.0)
    """
    if not duration_s > 0:
        raise ScoringError(
            f"Cannot count false alarms over {duration_s} s; give the length of the "
            "recording in seconds, above 0."
        )
    annotated = [(event.onset_s, event.offset_s) for event in reference]
    proposed = [(event.onset_s, event.offset_s) for event in detected]
    return OverlapCounts(
        n_reference=len(annotated),
        n_found=n_sharing_time(annotated, proposed),
        n_false_alarms=len(proposed) - n_sharing_time(proposed, annotated),
        duration_s=duration_s,
    )


def n_sharing_time(events: Bounds, others: Bounds) -> int:
    """How many events share time with any of the others; touching is not sharing.

    >>> n_sharing_time([(0, 10), (20, 30)], [(10, 21)])
    1
    """
    ordered = sorted(others)
    onsets = [onset_s for onset_s, _ in ordered]
    latest_offsets = list(accumulate((offset_s for _, offset_s in ordered), max))
    sharing = 0
    for onset_s, offset_s in events:
        begun = bisect_left(onsets, offset_s)
        sharing += begun > 0 and latest_offsets[begun - 1] > onset_s
    return sharing


def count_ovlp(pair: ScoringPair) -> EventCounts:
    """Count whole events of each class as NEDC does, background included."""
    reference = by_class(pair.reference_tiling, pair.classes)
    detected = by_class(pair.detected_tiling, pair.classes)
    return EventCounts(
        {name: _tally(reference[name], detected[name]) for name in pair.classes.names}
    )


def _tally(reference: Sequence[Tile], detected: Sequence[Tile]) -> Tally:
    annotated = [(tile.onset_s, tile.offset_s) for tile in reference]
    proposed = [(tile.onset_s, tile.offset_s) for tile in detected]
    hits = n_sharing_time(annotated, proposed)
    false_alarms = len(proposed) - n_sharing_time(proposed, annotated)
    return Tally(len(annotated), hits, len(annotated) - hits, false_alarms)


OVERLAP = register(
    ScoringMethod(
        name="overlap",
        version="NEDC EEG Eval 6.0.0",
        definition="Whole events; one that shares any time with its counterpart is found (OVLP).",
        unit="events",
        count=count_ovlp,
        undefined_is_zero=True,
    )
)

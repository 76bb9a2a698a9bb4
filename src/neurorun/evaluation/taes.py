"""Time-aligned event scoring (TAES), equal to NEDC EEG Eval 6.0.0 to the last bit.

Hits, misses and false alarms are fractions of events: how much of a reference event is covered, and
how far detections hang over it. The first detection that reaches one reference event after another
is credited to the first; the others are missed.

Which events meet is decided by the original in whole seconds: the integers from ``int(onset)`` to
``int(offset)``, both included, must have one in common. So events in the same second meet although
a gap lies between them; then a hit can be negative and a miss be counted twice, and a file scored
against itself need not be perfect. `taes-overlap` is the same idea without this.

References
----------
.. [1] Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for automatic classification
   of EEG events", in Biomedical Signal Processing, Springer, 2021, section 3.3.
.. [2] NEDC EEG Eval 6.0.0, ``nedc_eeg_eval_taes.py``.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from neurorun.evaluation.counts import EventCounts, Tally
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.tiling import ScoringPair, Tile, by_class

Partners = Callable[[Sequence[Tile], Sequence[Tile]], list[range]]
"""For each event of the first list, the places in the second of the events that it meets."""

Step = tuple[float, float, float]
"""Amounts of one comparison: hits, misses, false alarms."""


def count_taes(pair: ScoringPair) -> EventCounts:
    """Count fractions of events of each class as NEDC does.

    Parameters
    ----------
    pair : one recording, annotated and detected

    Returns
    -------
    Tallies by class. In pairs with gaps of less than a second, hits may be negative and hits and
    misses need not add up to the targets: so does the original.
    """
    reference = by_class(pair.reference_tiling, pair.classes)
    detected = by_class(pair.detected_tiling, pair.classes)
    return EventCounts(
        {
            name: Tally.of_steps(
                len(reference[name]),
                aligned_steps(reference[name], detected[name], partners=in_whole_seconds),
            )
            for name in pair.classes.names
        }
    )


def in_whole_seconds(first: Sequence[Tile], second: Sequence[Tile]) -> list[range]:
    """Partners that share a whole second, both ends included.

    >>> in_whole_seconds([Tile(1.0, 2.2, "seiz")], [Tile(2.9, 4.0, "seiz")])
    [range(0, 1)]
    """
    onsets = [int(tile.onset_s) for tile in second]
    offsets = [int(tile.offset_s) for tile in second]
    return [
        range(bisect_left(offsets, int(tile.onset_s)), bisect_right(onsets, int(tile.offset_s)))
        for tile in first
    ]


def in_shared_time(first: Sequence[Tile], second: Sequence[Tile]) -> list[range]:
    """Partners that share time; touching is not sharing.

    >>> in_shared_time([Tile(1.0, 2.0, "seiz")], [Tile(2.0, 4.0, "seiz")])
    [range(0, 0)]
    """
    onsets = [tile.onset_s for tile in second]
    offsets = [tile.offset_s for tile in second]
    return [
        range(bisect_right(offsets, tile.onset_s), bisect_left(onsets, tile.offset_s))
        for tile in first
    ]


def aligned_steps(
    reference: Sequence[Tile], detected: Sequence[Tile], *, partners: Partners
) -> list[Step]:
    """Amounts counted for the events of one class, in the order of the original.

    Parameters
    ----------
    reference, detected : in order of time, none sharing time with another of its list
    partners : which events meet

    Notes
    -----
    Reference events come one after the other. One that is still unused and shares time with a
    detection is compared with each unused detection that it meets. If that detection lasts longer,
    every later reference event that meets it, too, is missed; otherwise every later detection that
    meets the reference event adds what it covers. What was compared is used; what is left unused is
    a miss or a false alarm.
    """
    walk = _Walk(reference, detected, partners)
    shared = in_shared_time(reference, detected)
    for i in range(len(reference)):
        if walk.reference_unused[i] and shared[i]:
            for j in walk.met_by_reference[i]:
                if walk.detected_unused[j]:
                    walk.compare(i, j)
    walk.steps += [(0.0, 1.0, 0.0)] * sum(walk.reference_unused)
    walk.steps += [(0.0, 0.0, 1.0)] * sum(walk.detected_unused)
    return walk.steps


class _Walk:
    """One pass over the reference events of a class: what is used, and the amounts so far."""

    def __init__(
        self, reference: Sequence[Tile], detected: Sequence[Tile], partners: Partners
    ) -> None:
        self.reference, self.detected = reference, detected
        self.met_by_reference = partners(reference, detected)
        self.met_by_detected = partners(detected, reference)
        self.reference_unused = [True] * len(reference)
        self.detected_unused = [True] * len(detected)
        self.steps: list[Step] = []

    def compare(self, i: int, j: int) -> None:
        """Compare a reference event with a detection that it meets, and use both."""
        self.reference_unused[i] = self.detected_unused[j] = False
        if self.detected[j].offset_s >= self.reference[i].offset_s:
            self.steps.append(self._lasting_detection(i, j))
        else:
            self.steps.append(self._lasting_reference(i, j))

    def _lasting_detection(self, i: int, j: int) -> Step:
        hit, false_alarm = fractions(self.reference[i], self.detected[j])
        miss = 1.0 - hit
        for later in self.met_by_detected[j]:
            if later > i:
                self.reference_unused[later] = False
                miss += 1
        return hit, miss, false_alarm

    def _lasting_reference(self, i: int, j: int) -> Step:
        hit, false_alarm = fractions(self.reference[i], self.detected[j])
        miss = 1.0 - hit
        for later in self.met_by_reference[i]:
            if later > j:
                self.detected_unused[later] = False
                more_hit, more_false_alarm = fractions(self.reference[i], self.detected[later])
                hit += more_hit
                miss -= more_hit
                false_alarm += more_false_alarm
        return hit, miss, false_alarm


def fractions(reference: Tile, detected: Tile) -> tuple[float, float]:
    """Fractions of a reference event that a detection covers and hangs over; the latter at most 1.

    Without shared time the covered fraction is negative, as in the original.

    >>> fractions(Tile(10.0, 20.0, "seiz"), Tile(15.0, 22.5, "seiz"))
    (0.5, 0.25)
    """
    onset_s, offset_s, _ = reference
    length_s = offset_s - onset_s
    if detected.onset_s <= onset_s and detected.offset_s <= offset_s:
        hit = (detected.offset_s - onset_s) / length_s
        return hit, min(1.0, (onset_s - detected.onset_s) / length_s)
    if detected.onset_s >= onset_s and detected.offset_s >= offset_s:
        hit = (offset_s - detected.onset_s) / length_s
        return hit, min(1.0, (detected.offset_s - offset_s) / length_s)
    if detected.onset_s < onset_s and detected.offset_s > offset_s:
        overhang_s = (detected.offset_s - offset_s) + (onset_s - detected.onset_s)
        return 1.0, min(1.0, overhang_s / length_s)
    return (detected.offset_s - detected.onset_s) / length_s, 0.0


TAES = register(
    ScoringMethod(
        name="taes",
        version="NEDC EEG Eval 6.0.0",
        definition="Fractions of events by time; events meet in whole seconds, as in the original.",
        unit="events",
        count=count_taes,
        undefined_is_zero=True,
    )
)

"""Time-aligned event scoring with real overlap: what our own training and reports use.

The same walk as `taes`, but events meet where they share time, not where they lie in the same whole
second. That makes it sound: ``0 <= hits <= targets``, ``hits + misses = targets``, and events
scored against themselves are perfect. It equals the original wherever no two events of a class
lie in the same second. Time without EEG counts for nothing: gaps are closed before scoring, and
false alarms are spread over what was recorded.

References
----------
.. [1] Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for automatic classification
   of EEG events", in Biomedical Signal Processing, Springer, 2021, section 3.3.
"""

from collections.abc import Sequence

from neurorun.evaluation.counts import EventCounts, Tally
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.taes import aligned_steps, in_shared_time
from neurorun.evaluation.tiling import ScoringPair, Tile, by_class

Gaps = Sequence[tuple[float, float]]


def count_taes_overlap(pair: ScoringPair) -> EventCounts:
    """Count fractions of events of each class; events meet where they share time.

    Parameters
    ----------
    pair : one recording, annotated and detected; the gaps are those of the reference

    Returns
    -------
    Tallies by class, with ``hits`` in ``[0, targets]`` and ``misses = targets - hits``. An event
    that lies in a gap altogether is neither a target nor a false alarm.
    """
    gaps = pair.reference.gaps
    reference = by_class(close_gaps(pair.reference_tiling, gaps), pair.classes)
    detected = by_class(close_gaps(pair.detected_tiling, gaps), pair.classes)
    return EventCounts(
        {name: _tally(reference[name], detected[name]) for name in pair.classes.names}
    )


def _tally(reference: Sequence[Tile], detected: Sequence[Tile]) -> Tally:
    """Tally in which rounding cannot break the sums: misses are what the hits leave."""
    steps = aligned_steps(reference, detected, partners=in_shared_time)
    rough = Tally.of_steps(len(reference), steps)
    hits = min(rough.hits, float(rough.targets))
    return Tally(rough.targets, hits, rough.targets - hits, rough.false_alarms)


def close_gaps(tiles: Sequence[Tile], gaps: Gaps) -> list[Tile]:
    """Tiles in time that stands still during gaps; tiles of one class that meet there are fused.

    >>> tiles = [Tile(0, 10, "seiz"), Tile(10, 20, "bckg"), Tile(20, 30, "seiz")]
    >>> close_gaps(tiles, [(8, 22)])
    [Tile(onset_s=0, offset_s=16, label='seiz')]
    """
    if not gaps:
        return list(tiles)
    closed: list[Tile] = []
    vanished = False
    for onset_s, offset_s, label in tiles:
        tile = Tile(_observed(onset_s, gaps), _observed(offset_s, gaps), label)
        if tile.onset_s >= tile.offset_s:
            vanished = True
            continue
        if vanished and closed and closed[-1].label == label:
            tile = Tile(closed.pop().onset_s, tile.offset_s, label)
        closed.append(tile)
        vanished = False
    return closed


def _observed(time_s: float, gaps: Gaps) -> float:
    """Seconds with EEG before a time."""
    return time_s - sum(min(time_s, off_s) - on_s for on_s, off_s in gaps if on_s < time_s)


TAES_OVERLAP = register(
    ScoringMethod(
        name="taes-overlap",
        version="neurorun 1",
        definition="Fractions of events by time; events meet where they share time, gaps closed.",
        unit="events",
        count=count_taes_overlap,
        observed_time=True,
    )
)

"""What NEDC makes of a file before it scores it: events that cover the recording without a gap.

Five published methods and one of ours start from these events, so they are made in one place. The
stretches between events are filled with background, neighbours of one label that touch are fused,
and only then are labels mapped to classes: touching ``fnsz`` and ``gnsz`` stay two events, even
where both are seizures. Times are compared to four decimals, as NEDC writes them.

NEDC has no rule for events that share time (it makes events of negative length from them). Here,
events of one class that share time are one event, and events of different classes are refused.

References
----------
.. [1] NEDC EEG Eval 6.0.0, ``nedc_eeg_ann_tools.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from neurorun.core import BACKGROUND, Event, ScoringError, Timeline
from neurorun.evaluation.classes import TWO_CLASSES, EventClasses

DECIMALS = 4
DURATION_TOLERANCE_S = 0.005
"""Files with two decimals state a length rounded by this; more is another recording."""


class Tile(NamedTuple):
    """A stretch of a recording and its class; together the tiles of a tiling cover everything."""

    onset_s: float
    offset_s: float
    label: str


@dataclass(frozen=True)
class ScoringPair:
    """One recording seen twice: as annotated, and as a detector marked it.

    Parameters
    ----------
    reference, detected : timelines of the same recording
    classes : which labels make up which class

    Raises
    ------
    ScoringError : the timelines differ in length by more than their rounding
    """

    reference: Timeline
    detected: Timeline
    classes: EventClasses = TWO_CLASSES

    def __post_init__(self) -> None:
        reference_s, detected_s = self.reference.duration_s, self.detected.duration_s
        if round(abs(reference_s - detected_s), DECIMALS) > DURATION_TOLERANCE_S:
            raise ScoringError(
                f"Recording '{self.reference.recording_id}' lasts {reference_s:g} s in the "
                f"reference and {detected_s:g} s in the detected events; both must be of the same "
                "recording. Pair the files anew, or correct the duration in one of them."
            )

    @property
    def duration_s(self) -> float:
        """Length of the recording, as the reference has it."""
        return self.reference.duration_s

    @cached_property
    def reference_events(self) -> tuple[Event, ...]:
        """Annotated events in order of time, none sharing time with another."""
        return disjoint(self.reference, self.classes, end_s=self.duration_s)

    @cached_property
    def detected_events(self) -> tuple[Event, ...]:
        """Detected events in order of time, none sharing time with another."""
        return disjoint(self.detected, self.classes, end_s=self.duration_s)

    @cached_property
    def reference_tiling(self) -> tuple[Tile, ...]:
        """Annotated events and the background between them."""
        return tiling_of(self.reference_events, self.classes, duration_s=self.duration_s)

    @cached_property
    def detected_tiling(self) -> tuple[Tile, ...]:
        """Detected events and the background between them."""
        return tiling_of(self.detected_events, self.classes, duration_s=self.duration_s)


def disjoint(timeline: Timeline, classes: EventClasses, *, end_s: float) -> tuple[Event, ...]:
    """Events in order of time; those of one class that share time are made one.

    Raises
    ------
    ScoringError : events of different classes share time, or an event lies outside the recording
    """
    events: list[Event] = []
    for event in timeline.events:
        if event.onset_s < 0 or event.offset_s > timeline.duration_s:
            _check_inside(event, timeline)
        if events and _after(events[-1].offset_s, event.onset_s):
            events[-1] = _fused(events[-1], event, classes, timeline.recording_id)
        else:
            events.append(event)
    return tuple(_cut(events, end_s))


def _cut(events: list[Event], end_s: float) -> list[Event]:
    """End the last event with the recording, where the other file states a length rounded down."""
    if not events or not _after(events[-1].offset_s, end_s):
        return events
    last = events.pop()
    return [*events, _replaced(last, end_s)] if last.onset_s < end_s else _cut(events, end_s)


def _after(time_s: float, other_s: float) -> bool:
    return time_s > other_s and round(time_s, DECIMALS) > round(other_s, DECIMALS)


def _check_inside(event: Event, timeline: Timeline) -> None:
    if _after(0.0, event.onset_s) or _after(event.offset_s, timeline.duration_s):
        raise ScoringError(
            f"Recording '{timeline.recording_id}' of {timeline.duration_s:g} s has an event "
            f"'{event.label}' from {event.onset_s:g} s to {event.offset_s:g} s; events must lie "
            "within the recording. Correct its times, or the duration."
        )


def _fused(first: Event, second: Event, classes: EventClasses, recording_id: str) -> Event:
    if classes.of(first.label) != classes.of(second.label):
        raise ScoringError(
            f"Recording '{recording_id}' has '{first.label}' to {first.offset_s:g} s and "
            f"'{second.label}' from {second.onset_s:g} s; events of different classes must not "
            "share time. Correct their times."
        )
    return _replaced(first, max(first.offset_s, second.offset_s))


def _replaced(event: Event, offset_s: float) -> Event:
    return Event(event.onset_s, offset_s, event.label, event.confidence, event.channels)


def tiling_of(
    events: Sequence[Event], classes: EventClasses, *, duration_s: float
) -> tuple[Tile, ...]:
    """Fill the time between events with background, fuse neighbours of one label, map to classes.

    Parameters
    ----------
    events : in order of time, none sharing time with another
    classes : which labels make up which class
    duration_s : length of the recording, seconds

    Examples
    --------
    >>> [
    ...     tuple(tile)
    ...     for tile in tiling_of([Event(5, 8), Event(8, 9)], TWO_CLASSES, duration_s=20.0)
    ... ]
    [(0.0, 5, 'bckg'), (5, 9, 'seiz'), (9, 20.0, 'bckg')]
    """
    tiles: list[Tile] = []
    clock_s = 0.0
    for event in events:
        onset_s, offset_s, label = event.onset_s, event.offset_s, event.label
        if clock_s != round(onset_s, DECIMALS):
            _append(tiles, Tile(clock_s, onset_s, BACKGROUND))
        _append(tiles, Tile(onset_s, offset_s, label))
        clock_s = round(offset_s, DECIMALS)
    if clock_s != round(duration_s, DECIMALS) or not tiles:
        _append(tiles, Tile(clock_s, duration_s, BACKGROUND))
    class_of = classes.of_each(label for _, _, label in tiles)
    return tuple(Tile(onset_s, offset_s, class_of[label]) for onset_s, offset_s, label in tiles)


def _append(tiles: list[Tile], tile: Tile) -> None:
    if tiles and tiles[-1].label == tile.label:
        tiles[-1] = Tile(tiles[-1].onset_s, tile.offset_s, tile.label)
    else:
        tiles.append(tile)


def by_class(tiles: Sequence[Tile], classes: EventClasses) -> dict[str, list[Tile]]:
    """Tiles of each class, in order of time."""
    found: dict[str, list[Tile]] = {name: [] for name in classes.names}
    for tile in tiles:
        found[tile.label].append(tile)
    return found

"""The moments of a recording that a reader wants to see: misses, false alarms, what was found.

Any overlap counts: a seizure is found if a detection shares any time with it, however little; a
detection that shares time with no seizure is a false alarm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from neurorun.core import Event
from neurorun.reporting.words import count_in_words, duration_in_words, listed

Kind = Literal["missed", "false alarm", "found", "hit", "annotated", "detected"]
"""A seizure missed or found; a detection false or a hit; either, where the other is unknown."""


_NAMED = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """An event with what became of it.

    Parameters
    ----------
    partners : events of the other side that share time with it
    """

    kind: Kind
    event: Event
    partners: tuple[Event, ...] = ()

    @property
    def in_words(self) -> str:
        """When it was, and what shares time with it.

        >>> Moment("found", Event(62, 92), (Event(65, 95),)).in_words
        '0:01:02-0:01:32, 30 s; detected 0:01:05-0:01:35'
        """
        told = f"{_span(self.event)}, {_length(self.event.duration_s)}"
        if not self.partners:
            return told
        named = [_span(one) for one in self.partners[:_NAMED]]
        if len(self.partners) > _NAMED:
            named.append(f"{len(self.partners) - _NAMED} more")
        return f"{told}; detected {listed(named)}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Events of a recording, judged.

    Parameters
    ----------
    reference, detected : every event, in order of time
    known : whether reference and detected events are known
    """

    reference: tuple[Moment, ...]
    detected: tuple[Moment, ...]
    known: tuple[bool, bool]

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What is worth a look, the worst first: misses, false alarms, then all others once."""
        worth = [one for one in (*self.reference, *self.detected) if one.kind != "hit"]
        order: tuple[Kind, ...] = ("missed", "false alarm", "found", "annotated", "detected")
        return tuple(sorted(worth, key=lambda one: (order.index(one.kind), one.event.onset_s)))

    def count(self, kind: Kind) -> int:
        """How many events are of a kind."""
        return sum(one.kind == kind for one in (*self.reference, *self.detected))

    @property
    def in_words(self) -> str:
        """The counts as a sentence; what is not known is not counted."""
        n_reference = count_in_words(len(self.reference), "seizure")
        n_detected = count_in_words(len(self.detected), "detection")
        match self.known:
            case (True, True):
                if not self.reference and not self.detected:
                    return "No seizure and no detection."
                missed, found = self.count("missed"), self.count("found")
                alarms = count_in_words(self.count("false alarm"), "false alarm")
                return f"{n_reference}: {missed} missed, {found} found; {alarms}."
            case (True, False):
                return f"{n_reference} annotated; what was detected is not known."
            case (False, True):
                return f"{n_detected}; what was annotated is not known."
            case _:
                return "Neither what was annotated nor what was detected is known."


def judge(reference: Sequence[Event] | None, detected: Sequence[Event] | None) -> Judgement:
    """Judge the events of both sides by any overlap; None is a side that is not known.

    >>> judged = judge([Event(0, 9), Event(50, 60)], [Event(5, 12), Event(20, 30)])
    >>> [(one.kind, one.event.onset_s) for one in judged.moments]
    [('missed', 50), ('false alarm', 20), ('found', 0)]
    >>> judged.in_words
    '2 seizures: 1 missed, 1 found; 1 false alarm.'
    """
    return Judgement(
        tuple(_of_reference(one, detected) for one in sorted(reference or ())),
        tuple(_of_detected(one, reference) for one in sorted(detected or ())),
        (reference is not None, detected is not None),
    )


def _of_reference(event: Event, detected: Sequence[Event] | None) -> Moment:
    if detected is None:
        return Moment("annotated", event)
    partners = tuple(one for one in sorted(detected) if one.overlaps(event))
    return Moment("found" if partners else "missed", event, partners)


def _of_detected(event: Event, reference: Sequence[Event] | None) -> Moment:
    if reference is None:
        return Moment("detected", event)
    partners = tuple(one for one in sorted(reference) if one.overlaps(event))
    return Moment("hit" if partners else "false alarm", event, partners)


def _length(duration_s: float) -> str:
    return f"{duration_s:.0f} s" if duration_s < 120 else duration_in_words(duration_s)


def _span(event: Event) -> str:
    return f"{_clock(event.onset_s)}-{_clock(event.offset_s)}"


def _clock(time_s: float) -> str:
    """A time as the time axis of the page writes it, h:mm:ss."""
    minutes, seconds = divmod(math.floor(time_s + 0.5), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"

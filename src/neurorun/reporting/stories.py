"""What a strip shows, in words: which seizures were found or missed, which alarms were false."""

from collections.abc import Sequence
from dataclasses import dataclass

from neurorun.core import Event
from neurorun.reporting.words import clock, listed, span
from neurorun.runs import Strip


@dataclass(frozen=True, slots=True)
class Story:
    """The words around a strip.

    Parameters
    ----------
    title : its first fault, or its first seizure
    sentences : one per event in it
    moment_s : where the event of the title begins, seconds from the start of the recording
    """

    title: str
    sentences: tuple[str, ...]
    moment_s: float


def story_of(strip: Strip, detected: Sequence[Event] | None) -> Story:
    """Tell what a strip shows.

    Parameters
    ----------
    detected : all detected events of the recording; None if only those of the strip are known.
        What may have a partner beyond the strip is then not called missed, nor false.
    """
    known = strip.detected if detected is None else detected
    alone, found = _apart(strip.reference, known)
    missed = [one for one in alone if detected is not None or _within(one, strip)]
    unseen, _ = _apart(strip.detected, strip.reference)
    false = [one for one in unseen if _within(one, strip)]
    kinds = (
        (missed, "missed seizure at {}"),
        (false, "false alarm at {}"),
        (found, "seizure at {}, found"),
        (alone, "seizure at {}, not detected in this piece"),
        (unseen, "alarm at {}, nothing annotated in this piece"),
    )
    first = [(events[0].onset_s, title) for events, title in kinds if events]
    moment_s, title = first[0] if first else (strip.onset_s, "no seizure and no alarm")
    sentences = [
        *((one.onset_s, _alone_sentence(one, sure=one in missed)) for one in alone),
        *((one.onset_s, _found_sentence(one, known)) for one in found),
        *((one.onset_s, _unseen_sentence(one, sure=one in false)) for one in unseen),
    ]
    told = tuple(sentence for _, sentence in sorted(sentences))
    return Story(title.format(clock(moment_s)), told, moment_s)


def _apart(events: Sequence[Event], others: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    """Events without a partner that shares time with them, and those with one."""
    alone = [one for one in events if not any(one.overlaps(other) for other in others)]
    return alone, [one for one in events if one not in alone]


def _within(event: Event, strip: Strip) -> bool:
    """Whether a strip shows the whole of an event."""
    stop_s = strip.onset_s + strip.duration_s
    return strip.onset_s <= event.onset_s and event.offset_s <= stop_s


def _alone_sentence(event: Event, *, sure: bool) -> str:
    where = "missed" if sure else "not detected in this piece"
    return f"Seizure annotated {_span(event)}: {where}."


def _found_sentence(event: Event, detected: Sequence[Event]) -> str:
    partners = listed([_span(one) for one in detected if one.overlaps(event)])
    return f"Seizure annotated {_span(event)}: detected {partners}."


def _unseen_sentence(event: Event, *, sure: bool) -> str:
    what = "a false alarm" if sure else "nothing annotated in this piece"
    return f"Detected {_span(event)}: {what}."


def _span(event: Event) -> str:
    return span(event.onset_s, event.offset_s)

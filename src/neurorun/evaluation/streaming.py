"""Events from a stream of probabilities: the same as offline, however the stream is divided.

Every step of `neurorun.evaluation.postprocessing` is a stage that takes pieces of a mask (a value
and a length) and passes on what later samples can no longer change.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float32

from neurorun.core import Event, ScoringError, fingerprint_of
from neurorun.evaluation.hysteresis import HysteresisConfig
from neurorun.evaluation.postprocessing import (
    PostprocessingConfig,
    check_probabilities,
    event_of,
    length_rules,
    longest_samples,
)
from neurorun.evaluation.spans import LengthRule

Piece = tuple[int, int]
"""A value and for how many samples it holds."""

_FORMAT, _VERSION = "neurorun-event-detector", 1
_LOW, _HIGH = 0, 2  # 1 lies between the thresholds


@dataclass(slots=True)
class _HysteresisStage:
    """Levels (low, between, high) to a mask; see `neurorun.evaluation.hysteresis`."""

    config: HysteresisConfig
    detecting: bool = False
    pending: int = 0

    def feed(self, level: int, length: int) -> Iterator[Piece]:
        waited_for, least = (
            (_LOW, self.config.min_offset_samples)
            if self.detecting
            else (_HIGH, self.config.min_onset_samples)
        )
        self.pending += length
        if level != waited_for:
            yield from self.finish()
        elif self.pending >= least:
            self.detecting = not self.detecting
            yield from self.finish()

    def finish(self) -> Iterator[Piece]:
        if self.pending:
            yield int(self.detecting), self.pending
        self.pending = 0

    @property
    def lag(self) -> int:
        return max(self.config.min_onset_samples, self.config.min_offset_samples) - 1


@dataclass(slots=True)
class _LengthStage:
    """One rule of `neurorun.evaluation.spans`, applied to a mask that is still growing."""

    rule: LengthRule
    pending: int = 0
    is_kept: bool = False
    is_first: bool = True

    def feed(self, value: int, length: int) -> Iterator[Piece]:
        if value != self.rule.detected:
            if self.pending:
                yield value, self.pending
            self.pending, self.is_kept, self.is_first = 0, False, False
            yield value, length
            return
        self.pending += length
        least = self.rule.border if self.is_first else self.rule.inner
        if self.is_kept or self.pending >= least:
            yield value, self.pending
            self.pending, self.is_kept = 0, True

    def finish(self) -> Iterator[Piece]:
        if self.pending:
            least = self.rule.whole if self.is_first else self.rule.border
            is_kept = self.pending >= least
            yield int(self.rule.detected == is_kept), self.pending
        self.pending = 0

    @property
    def lag(self) -> int:
        return max(self.rule.inner - 1, 0)


@dataclass(slots=True)
class _History:
    """The latest probabilities, as far back as an open event needs them."""

    first: int = 0
    chunks: deque[np.ndarray] = field(default_factory=deque)

    def drop_before(self, sample: int) -> None:
        while self.chunks and self.first + self.chunks[0].size <= sample:
            self.first += self.chunks.popleft().size

    def between(self, first: int, stop: int) -> np.ndarray:
        held = np.concatenate(self.chunks)
        return held[first - self.first : stop - self.first]


class EventDetector:
    """Detects events in a stream of probabilities of one stretch.

    Whatever the sizes of the chunks, the events are those that `detect_events` finds in all of
    them together, confidence included. Memory grows with the event that is still open, not with
    the stream.

    Parameters
    ----------
    config : as for `detect_events`
    rate_hz : samples per second, > 0
    onset_s : seconds from the start of the recording to the first sample

    Examples
    --------
    >>> detector = EventDetector(PostprocessingConfig(), 256.0)
    >>> detector.process(np.full(2560, 0.9, dtype=np.float32))
    ()
    >>> [event.offset_s for event in detector.process(np.zeros(2560, dtype=np.float32))]
    [10.0]
    >>> detector.flush()
    ()
    """

    def __init__(
        self, config: PostprocessingConfig, rate_hz: float, *, onset_s: float = 0.0
    ) -> None:
        self._config, self._rate_hz, self._onset_s = config, rate_hz, onset_s
        self._longest = longest_samples(config, rate_hz)
        self._hysteresis = _HysteresisStage(config.hysteresis)
        self._rules = [_LengthStage(rule) for rule in length_rules(config, rate_hz)]
        self._history = _History()
        self._settled = 0
        self._open_first: int | None = None
        self._is_cut = False
        self._is_finished = False

    @property
    def latency_s(self) -> float:
        """Seconds after its end by which an event has been returned, at the latest.

        Usually it comes sooner: after the longer of ``tau_merge`` and ``min_offset_samples``.
        """
        return (1 + sum(stage.lag for stage in self._stages())) / self._rate_hz

    @property
    def onset_latency_s(self) -> float:
        """Seconds after its onset by which `running_onset_s` tells of an event, at the latest.

        Usually it does sooner: after the longest of ``min_duration_s``, ``min_onset_samples`` and
        ``opening_kernel``. An event that is shorter is told with its end.
        """
        *before, _merging = self._stages()
        return (1 + sum(stage.lag for stage in before)) / self._rate_hz

    @property
    def running_onset_s(self) -> float | None:
        """Seconds from the start of the recording to the onset of the event that is running.

        It is long enough already, and no later sample can change its onset: when it has ended, it
        is returned with this onset. It runs until so much time has passed that nothing later is
        merged with it. None where there is none, or where it was cut at ``max_duration_s``.

        >>> detector = EventDetector(PostprocessingConfig(), 256.0)
        >>> for second in (0.1, 0.9, 0.9, 0.9, 0.9):
        ...     _ = detector.process(np.full(256, second, dtype=np.float32))
        ...     print(detector.running_onset_s)
        None
        None
        None
        1.0
        1.0
        """
        if self._open_first is None or self._is_cut:
            return None
        return self._onset_s + self._open_first / self._rate_hz

    def process(self, probabilities: Float32[np.ndarray, " samples"]) -> tuple[Event, ...]:
        """Take the next samples; return the events that no later sample can change.

        Parameters
        ----------
        probabilities : [0, 1], or NaN where nothing was predicted; any length

        Raises
        ------
        ScoringError : a value lies outside [0, 1], or the stretch was ended by `flush`
        """
        if self._is_finished:
            raise ScoringError(
                "This stretch was ended by flush(); a detector follows one stretch only. Make a "
                "new EventDetector with the onset of the next stretch."
            )
        check_probabilities(probabilities)
        if not probabilities.size:
            return ()
        self._history.chunks.append(probabilities.copy())
        pieces: Iterable[Piece] = self._levels(probabilities)
        for stage in self._stages():
            pieces = [out for piece in pieces for out in stage.feed(*piece)]
        return self._collect(pieces)

    def flush(self) -> tuple[Event, ...]:
        """End the stretch; return the events that were still open."""
        self._is_finished = True
        pieces: list[Piece] = []
        for stage in self._stages():
            fed = [out for piece in pieces for out in stage.feed(*piece)]
            pieces = [*fed, *stage.finish()]
        return (*self._collect(pieces), *self._close())

    def _stages(self) -> list[_HysteresisStage | _LengthStage]:
        return [self._hysteresis, *self._rules]

    def _levels(self, probabilities: Float32[np.ndarray, " samples"]) -> Iterator[Piece]:
        thresholds = self._config.hysteresis
        levels = (probabilities >= np.float32(thresholds.tau_off)).astype(np.int8)
        levels += probabilities >= np.float32(thresholds.tau_on)
        edges = np.flatnonzero(np.diff(levels)) + 1
        bounds = [0, *edges.tolist(), levels.size]
        for first, stop in pairwise(bounds):
            yield int(levels[first]), stop - first

    def _collect(self, pieces: Iterable[Piece]) -> tuple[Event, ...]:
        events: list[Event] = []
        for value, length in pieces:
            if not value:
                events.extend(self._close())
            elif self._open_first is None:
                self._open_first = self._settled
            self._settled += length
            events.extend(self._cut())
        open_first = None if self._is_cut else self._open_first
        self._history.drop_before(self._settled if open_first is None else open_first)
        return tuple(events)

    def _close(self) -> Iterator[Event]:
        if self._open_first is not None and not self._is_cut:
            yield self._event(self._open_first, self._settled)
        self._open_first, self._is_cut = None, False

    def _cut(self) -> Iterator[Event]:
        if self._open_first is None or self._longest is None or self._is_cut:
            return
        if self._settled - self._open_first >= self._longest:
            yield self._event(self._open_first, self._open_first + self._longest)
            self._is_cut = True

    def _event(self, first: int, stop: int) -> Event:
        probabilities = self._history.between(first, stop)
        return event_of(
            probabilities, first, self._rate_hz, config=self._config.events, onset_s=self._onset_s
        )

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to go on in another process, as plain values."""
        return {
            "format": _FORMAT,
            "format_version": _VERSION,
            "settings": self._fingerprint(),
            "hysteresis": [self._hysteresis.detecting, self._hysteresis.pending],
            "rules": [[s.pending, s.is_kept, s.is_first] for s in self._rules],
            "history_first": self._history.first,
            "history": [value for chunk in self._history.chunks for value in chunk.tolist()],
            "settled": self._settled,
            "open_first": self._open_first,
            "is_cut": self._is_cut,
            "is_finished": self._is_finished,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the detector that gave this state stopped.

        Parameters
        ----------
        state : from `state_dict`, also after a way through JSON

        Raises
        ------
        ScoringError : the state is of another version, or of other settings
        """
        if (state["format"], state["format_version"]) != (_FORMAT, _VERSION):
            raise ScoringError(
                f"The state is '{state['format']}' version {state['format_version']}; this "
                f"detector reads '{_FORMAT}' version {_VERSION}. Start the stretch anew."
            )
        if state["settings"] != self._fingerprint():
            raise ScoringError(
                f"The state was made with other settings ({state['settings']}) than this detector "
                f"has ({self._fingerprint()}); configuration, rate and onset must be equal. Make "
                "the detector with those settings, or start the stretch anew."
            )
        self._hysteresis.detecting, self._hysteresis.pending = state["hysteresis"]
        for stage, values in zip(self._rules, state["rules"], strict=True):
            stage.pending, stage.is_kept, stage.is_first = values
        held = np.array(state["history"], dtype=np.float32)  # null of JSON becomes NaN
        self._history = _History(state["history_first"], deque([held]))
        self._settled, self._open_first = state["settled"], state["open_first"]
        self._is_cut, self._is_finished = state["is_cut"], state["is_finished"]

    def _fingerprint(self) -> str:
        return fingerprint_of([self._config.model_dump(), self._rate_hz, self._onset_s])

"""What a review page is made of: one recording, what was annotated, what was detected."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from neurorun.core import Event, Stretch

Piece = tuple[float, Float32[np.ndarray, " _"]]
"""Onset of a stretch in seconds, and its probabilities."""


@runtime_checkable
class Signal(Protocol):
    """EEG that is read piece by piece, since a day of it does not fit into memory."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Name of every row."""
        ...

    @property
    def rate_hz(self) -> float:
        """Samples per second, > 0."""
        ...

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Pieces without a gap, in order of time."""
        ...

    def microvolts(self, first: int, n_samples: int) -> Float32[np.ndarray, "channels samples"]:
        """Microvolts, finite, of some samples that lie in one stretch."""
        ...


@runtime_checkable
class Material(Protocol):
    """All that is known of one recording; None where something is not known.

    ``missing`` says in whole sentences what is not known, and why.
    """

    @property
    def recording_id(self) -> str:
        """Name of the recording."""
        ...

    @property
    def patient(self) -> str:
        """The person; empty if unknown."""
        ...

    @property
    def duration_s(self) -> float:
        """Length in seconds, gaps included, > 0."""
        ...

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Times without EEG."""
        ...

    @property
    def reference(self) -> tuple[Event, ...] | None:
        """Annotated seizures."""
        ...

    @property
    def detected(self) -> tuple[Event, ...] | None:
        """Detected seizures."""
        ...

    @property
    def probabilities(self) -> tuple[Piece, ...] | None:
        """Probabilities of every stretch that was predicted."""
        ...

    @property
    def probability_rate_hz(self) -> float:
        """Probabilities per second, > 0."""
        ...

    @property
    def signal(self) -> Signal | None:
        """The EEG itself."""
        ...

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not known, and why."""
        ...

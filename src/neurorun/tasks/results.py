"""What a task measured on one split: everything that a run folder keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from neurorun.core import Event, Timeline
from neurorun.evaluation import CurvePoint, OperatingPoint, RecordingPrediction

Cell = str | int | float | bool | None
"""One value of a table."""


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A piece of one recording that is worth looking at.

    Parameters
    ----------
    recording_id, channels : whose piece, and its rows
    rate_hz, onset_s : samples per second, and where it begins in the recording
    signal_uv : microvolts
    probabilities : beginning at the same time
    probability_rate_hz : probabilities per second
    reference, detected : events that touch the piece
    """

    recording_id: str
    channels: tuple[str, ...]
    rate_hz: float
    onset_s: float
    signal_uv: Float32[np.ndarray, "channels samples"]
    probabilities: Float32[np.ndarray, " steps"]
    probability_rate_hz: float
    reference: tuple[Event, ...]
    detected: tuple[Event, ...]


@dataclass(frozen=True)
class Results:
    """Scores of a model on one split, with the material that they rest on.

    Parameters
    ----------
    split : the split
    metrics : by declared name; NaN where undefined
    methods : scoring method and version behind each group of metrics
    rows : one per recording (or image), equal keys
    classes, confusion : names of the classes, and counts ``[reference][predicted]``
    detected : detected events of every recording
    operating_points, curve : thresholds chosen on validation, and all that were tried
    excerpts : pieces for the report
    predictions : probabilities of every recording, if they are to be kept
    """

    split: str
    metrics: Mapping[str, float]
    methods: Mapping[str, str]
    rows: tuple[Mapping[str, Cell], ...]
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    detected: tuple[Timeline, ...] = ()
    operating_points: tuple[OperatingPoint, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    predictions: tuple[RecordingPrediction, ...] = ()

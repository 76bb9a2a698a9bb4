"""Operating points: thresholds chosen on ``validation`` for a rate of false alarms, then frozen.

All thresholds are swept at once. Along the sweep ``tau_off`` keeps its configured distance below
``tau_on``, but never falls below 0. Seizures are found and alarms are false by any overlap, and an
event longer than 300 s raises one alarm for each 300 s of it: otherwise the lowest threshold, which
calls the whole recording one event, would be the best detector of all.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any

import numpy as np
from jaxtyping import Float32

from neurorun.core import SEIZURE, ScoringError, Timeline
from neurorun.evaluation.levels import Levels
from neurorun.evaluation.measures import per_day, ratio
from neurorun.evaluation.overlap import Bounds, n_sharing_time
from neurorun.evaluation.postprocessing import PostprocessingConfig, shape_spans
from neurorun.evaluation.predictions import RecordingPrediction
from neurorun.evaluation.tiling import ScoringPair

ALARM_S = 300.0
"""Longest single alarm; SzCORE splits events at the same length."""

_TAILS = (0.001, 0.002, 0.005, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1.0)
GRID = tuple(sorted((*_TAILS, *(percent / 100 for percent in range(1, 100)))))
"""Values of ``tau_on`` on the curve."""


def sensitivity_key(fa_rate: float) -> str:
    """Name the metric of one rate; the only place where it is spelled.

    >>> sensitivity_key(10.0), sensitivity_key(10), sensitivity_key(2.5)
    ('sensitivity_at_10fa', 'sensitivity_at_10fa', 'sensitivity_at_2_5fa')
    """
    return f"sensitivity_at_{_digits(fa_rate)}fa"


def reached_key(fa_rate: float) -> str:
    """Name the metric that says how many false alarms that sensitivity really cost.

    >>> reached_key(2.5)
    'false_alarms_per_24h_at_2_5fa'
    """
    return f"false_alarms_per_24h_at_{_digits(fa_rate)}fa"


def _digits(fa_rate: float) -> str:
    digits = format(Decimal(repr(float(fa_rate))), "f")
    return digits.rstrip("0").rstrip(".").replace(".", "_") if "." in digits else digits


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What one pair of thresholds does; counts, so that recordings may be added.

    Parameters
    ----------
    tau_on, tau_off : thresholds
    n_reference, n_found : seizures there were, and those that share time with a detection
    n_false_alarms : detections, in pieces of at most 300 s, that share time with no seizure
    detected_s : seconds inside detected events
    observed_s : seconds with EEG
    """

    tau_on: float
    tau_off: float
    n_reference: int = 0
    n_found: int = 0
    n_false_alarms: int = 0
    detected_s: float = 0.0
    observed_s: float = 0.0

    @property
    def sensitivity(self) -> float:
        """Found share of the seizures, NaN without any."""
        return ratio(self.n_found, self.n_reference)

    @property
    def false_alarms_per_24h(self) -> float:
        """False alarms per 24 hours with EEG."""
        return per_day(self.n_false_alarms, self.observed_s)

    @property
    def detected_time_fraction(self) -> float:
        """Share of the time with EEG that lies inside detected events."""
        return ratio(self.detected_s, self.observed_s)

    def to_dict(self) -> dict[str, float]:
        """Counts and rates as plain values for files."""
        return {
            **asdict(self),
            "sensitivity": self.sensitivity,
            "false_alarms_per_24h": self.false_alarms_per_24h,
            "detected_time_fraction": self.detected_time_fraction,
        }


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Thresholds for one rate of false alarms, and what they give where they were measured.

    Parameters
    ----------
    fa_rate : false alarms per 24 h that were allowed on ``validation``
    reachable : whether any thresholds kept to it there; if not, the others are NaN
        Detecting nothing keeps to every rate, so this fails only where even the highest threshold
        raises too many alarms, or where there was no seizure to choose by.
    tau_on, tau_off : the thresholds
    sensitivity, false_alarms_per_24h : as measured; frozen thresholds may miss the rate
    """

    fa_rate: float
    reachable: bool
    tau_on: float = math.nan
    tau_off: float = math.nan
    sensitivity: float = math.nan
    false_alarms_per_24h: float = math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values for files; what is NaN becomes ``null`` there."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "OperatingPoint":
        """Read what `to_dict` gave, also after a way through JSON.

        >>> point = OperatingPoint(1.0, True, 0.9, 0.8, 0.5, 0.75)
        >>> OperatingPoint.from_dict(point.to_dict()) == point
        True
        """
        known: dict[str, Any] = {key.name: values[key.name] for key in fields(cls)}
        undefined = {key: math.nan for key, value in known.items() if value is None}
        return cls(**(known | undefined))

    def applied_to(self, config: PostprocessingConfig) -> PostprocessingConfig:
        """Return the same post-processing with these thresholds.

        Raises
        ------
        ScoringError : the point is unreachable, so it has no thresholds
        """
        if not self.reachable:
            raise ScoringError(
                f"There are no thresholds for {self.fa_rate:g} false alarms per 24 h: none of "
                "those tried on validation kept to it. Use a higher rate, or the configured "
                "thresholds."
            )
        thresholds = {"tau_on": self.tau_on, "tau_off": self.tau_off}
        hysteresis = config.hysteresis.model_copy(update=thresholds)
        return config.model_copy(update={"hysteresis": hysteresis})


class ThresholdSweep:
    """Counts found seizures and false alarms at many thresholds, recording after recording.

    Parameters
    ----------
    config : post-processing; its ``tau_on`` is part of the curve
    frozen : further pairs ``(tau_on, tau_off)`` to count at
    """

    def __init__(
        self, config: PostprocessingConfig, frozen: Iterable[tuple[float, float]] = ()
    ) -> None:
        self._config = config
        configured = (config.hysteresis.tau_on, config.hysteresis.tau_off)
        distance = configured[0] - configured[1]
        swept = {(tau_on, max(round(tau_on - distance, 9), 0.0)) for tau_on in GRID}
        self._pairs = sorted(swept | {configured} | set(frozen), reverse=True)
        self._found_false_seconds = np.zeros((len(self._pairs), 3))
        self._n_reference = 0
        self._observed_s = 0.0

    def add(self, prediction: RecordingPrediction) -> None:
        """Count one recording at every pair of thresholds."""
        reference = _seizure_bounds(prediction.reference)
        self._n_reference += len(reference)
        self._observed_s += prediction.reference.observed_s
        thresholds = [threshold for pair in self._pairs for threshold in pair]
        pieces = [
            _SweptPiece(onset_s, p, thresholds, rate_hz=prediction.rate_hz, config=self._config)
            for onset_s, p in prediction.pieces
            if p.size
        ]
        latest: Bounds = []
        counts = (0, 0, 0.0)
        for row, pair in enumerate(self._pairs):
            detected = [bounds for piece in pieces for bounds in piece.detected(*pair)]
            if detected != latest:  # neighbouring thresholds often detect the same
                latest, counts = detected, _count(reference, detected)
            self._found_false_seconds[row] += counts

    def curve(self) -> tuple[CurvePoint, ...]:
        """Return the points so far, from the highest threshold to the lowest."""
        return tuple(
            CurvePoint(
                tau_on,
                tau_off,
                n_reference=self._n_reference,
                n_found=int(n_found),
                n_false_alarms=int(n_false),
                detected_s=detected_s,
                observed_s=self._observed_s,
            )
            for (tau_on, tau_off), (n_found, n_false, detected_s) in zip(
                self._pairs, self._found_false_seconds.tolist(), strict=True
            )
        )


class _SweptPiece:
    """One stretch under all thresholds; remembers the latest, which the next is often equal to."""

    def __init__(
        self,
        onset_s: float,
        probabilities: Float32[np.ndarray, " samples"],
        thresholds: Sequence[float],
        *,
        rate_hz: float,
        config: PostprocessingConfig,
    ) -> None:
        self._onset_s, self._rate_hz, self._config = onset_s, rate_hz, config
        self._n_samples = probabilities.size
        self._levels = Levels(probabilities, thresholds, config.hysteresis)
        self._spans = np.empty((0, 2), dtype=np.int64)
        self._bounds: Bounds = []

    def detected(self, tau_on: float, tau_off: float) -> Bounds:
        """Onsets and offsets of the events at two thresholds, seconds of the recording."""
        spans = self._levels.spans(tau_on, tau_off)
        if not np.array_equal(spans, self._spans):
            self._spans = spans
            shaped = shape_spans(spans, self._n_samples, self._rate_hz, self._config)
            seconds = self._onset_s + shaped / self._rate_hz
            self._bounds = [(onset_s, offset_s) for onset_s, offset_s in seconds.tolist()]
        return self._bounds


def _seizure_bounds(reference: Timeline) -> Bounds:
    """Seizures as the method ``overlap`` sees them."""
    tiling = ScoringPair(reference, replace(reference, events=())).reference_tiling
    return [(onset_s, offset_s) for onset_s, offset_s, label in tiling if label == SEIZURE]


def _count(reference: Bounds, detected: Bounds) -> tuple[int, int, float]:
    alarms = [alarm for bounds in detected for alarm in _alarms(*bounds)]
    n_false = len(alarms) - n_sharing_time(alarms, reference)
    detected_s = sum(offset_s - onset_s for onset_s, offset_s in detected)
    return n_sharing_time(reference, detected), n_false, detected_s


def _alarms(onset_s: float, offset_s: float) -> Iterator[tuple[float, float]]:
    while offset_s - onset_s > ALARM_S:
        yield onset_s, onset_s + ALARM_S
        onset_s += ALARM_S
    yield onset_s, offset_s


def choose_operating_points(
    curve: Sequence[CurvePoint], fa_rates: Sequence[float]
) -> tuple[OperatingPoint, ...]:
    """Choose the thresholds that find most seizures within each rate of false alarms.

    Of thresholds that find equally many, the one with fewer false alarms is taken, and of those
    the highest. A higher rate therefore never gives a lower sensitivity.

    Parameters
    ----------
    curve : of the split ``validation``
    fa_rates : false alarms per 24 h

    Examples
    --------
    >>> day = {"n_reference": 4, "observed_s": 86400.0}
    >>> curve = [
    ...     CurvePoint(0.9, 0.8, n_found=1, n_false_alarms=2, **day),
    ...     CurvePoint(0.5, 0.4, n_found=3, n_false_alarms=9, **day),
    ... ]
    >>> [(p.tau_on, p.sensitivity) for p in choose_operating_points(curve, (10, 5, 1))]
    [(0.5, 0.75), (0.9, 0.25), (nan, nan)]
    """
    return tuple(_chosen(curve, fa_rate) for fa_rate in fa_rates)


def _chosen(curve: Sequence[CurvePoint], fa_rate: float) -> OperatingPoint:
    within = [p for p in curve if p.n_reference and p.false_alarms_per_24h <= fa_rate]
    if not within:
        return OperatingPoint(fa_rate, reachable=False)
    best = max(within, key=lambda p: (p.n_found, -p.n_false_alarms, p.tau_on))
    return _measured(fa_rate, best)


def _measured(fa_rate: float, at: CurvePoint) -> OperatingPoint:
    return OperatingPoint(
        fa_rate,
        reachable=True,
        tau_on=at.tau_on,
        tau_off=at.tau_off,
        sensitivity=at.sensitivity,
        false_alarms_per_24h=at.false_alarms_per_24h,
    )


def measure_operating_points(
    curve: Sequence[CurvePoint], points: Sequence[OperatingPoint]
) -> tuple[OperatingPoint, ...]:
    """Measure frozen thresholds on another split; an unreachable point stays unreachable.

    Parameters
    ----------
    curve : of the other split, with the thresholds of the points on it
    points : chosen on ``validation``
    """
    at = {(point.tau_on, point.tau_off): point for point in curve}
    return tuple(
        _measured(point.fa_rate, at[point.tau_on, point.tau_off]) if point.reachable else point
        for point in points
    )

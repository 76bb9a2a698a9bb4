"""From the probabilities of one stretch to detected events.

The steps, in this order: hysteresis, opening, closing, minimum duration, merging, maximum
duration, confidence. All but the first and the last are arithmetic on spans of samples. Streams
take the same steps in `neurorun.evaluation.streaming`.
"""

import math
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Int64
from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, model_validator
from pydantic.config import JsonDict

from neurorun.core import Config, ConfigError, Event, ScoringError
from neurorun.evaluation.hysteresis import HysteresisConfig, hysteresis_spans
from neurorun.evaluation.morphology import MorphologyConfig, closing_rule, opening_rule
from neurorun.evaluation.spans import LengthRule, apply_rule
from neurorun.evaluation.stitching import StitchingConfig

_TOLERANCE = 1e-6  # of a sample: 2.0 s at 256 Hz are 512 samples however they are computed


class DurationConfig(Config):
    """How long a detection must and may last."""

    min_duration_s: NonNegativeFloat = 3.0
    """Shorter detections are taken away, before neighbours are merged."""
    max_duration_s: PositiveFloat | None = None
    """Longer detections are cut to this length, after merging; null: no limit."""

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> "DurationConfig":
        if self.max_duration_s is not None and self.max_duration_s < self.min_duration_s:
            raise ConfigError(
                f"max_duration_s is {self.max_duration_s:g} and min_duration_s "
                f"{self.min_duration_s:g}; no detection could be both. Raise max_duration_s, or "
                "set it to null for no limit."
            )
        return self


class EventsConfig(Config):
    """How detections become events."""

    tau_merge: NonNegativeFloat = 2.0
    """Seconds; detections at most this far apart are one event."""
    confidence_method: Literal["mean", "peak", "percentile"] = "mean"
    """Which figure of an event's probabilities is its confidence."""
    confidence_percentile: float = Field(default=0.75, ge=0, le=1)
    """For ``percentile``: the share of the event's samples at or below its confidence."""


def _describe_min_duration(schema: JsonDict) -> None:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    properties["min_duration"] = {
        "type": "number",
        "minimum": 0,
        "description": "Another spelling of duration.min_duration_s.",
    }


class PostprocessingConfig(Config):
    """How probabilities become events: section ``postprocessing``.

    Lengths named ``..._samples`` and kernels are samples of the prediction, chosen for 256 Hz.
    ``min_duration: 3.0`` is another spelling of ``duration: {min_duration_s: 3.0}``.

    >>> PostprocessingConfig.model_validate({"min_duration": 5}).duration.min_duration_s
    5.0
    """

    model_config = ConfigDict(json_schema_extra=_describe_min_duration)

    hysteresis: HysteresisConfig = HysteresisConfig()
    """Thresholds, and how long they must be passed."""
    morphology: MorphologyConfig = MorphologyConfig()
    """Opening and closing."""
    duration: DurationConfig = DurationConfig()
    """Shortest and longest detection."""
    events: EventsConfig = EventsConfig()
    """Merging and confidence."""
    stitching: StitchingConfig = StitchingConfig()
    """How overlapping windows become one probability per sample."""

    @model_validator(mode="before")
    @classmethod
    def _place_min_duration(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "min_duration" not in data:
            return data
        others = {key: value for key, value in data.items() if key != "min_duration"}
        duration = others.get("duration") or {}
        if isinstance(duration, DurationConfig):
            duration = duration.model_dump(exclude_unset=True)
        if "min_duration_s" in duration:
            raise ConfigError(
                f"min_duration = {data['min_duration']} is given beside duration.min_duration_s = "
                f"{duration['min_duration_s']}; they are two spellings of one setting. Give one."
            )
        return others | {"duration": {**duration, "min_duration_s": data["min_duration"]}}


def detect_events(
    probabilities: Float32[np.ndarray, " samples"],
    rate_hz: float,
    config: PostprocessingConfig,
    *,
    onset_s: float = 0.0,
) -> tuple[Event, ...]:
    """Find the events in the probabilities of one stretch.

    Parameters
    ----------
    probabilities : [0, 1], or NaN where nothing was predicted; may be empty
    rate_hz : samples per second, > 0
    config : thresholds, lengths and the kind of confidence
    onset_s : seconds from the start of the recording to the first sample

    Returns
    -------
    Events in order, more than ``config.events.tau_merge`` apart, labelled ``seiz``. Nothing is
    known beyond the ends: an event may begin and end with the stretch.

    Raises
    ------
    ScoringError : a value lies outside [0, 1]

    Examples
    --------
    >>> p = np.repeat(np.float32([0.1, 0.9, 0.8, 0.1]), 2560)
    >>> [(e.onset_s, e.offset_s) for e in detect_events(p, 256, PostprocessingConfig())]
    [(10.0, 30.0)]
    """
    check_probabilities(probabilities)
    spans = detected_spans(probabilities, rate_hz, config)
    return tuple(
        event_of(probabilities[first:stop], first, rate_hz, config=config.events, onset_s=onset_s)
        for first, stop in spans.tolist()
    )


def check_probabilities(probabilities: Float32[np.ndarray, " samples"]) -> None:
    """Refuse what cannot be a probability; NaN stands for a sample without prediction.

    Raises
    ------
    ScoringError : a value lies outside [0, 1]
    """
    if not probabilities.size:
        return
    lowest, highest = float(np.fmin.reduce(probabilities)), float(np.fmax.reduce(probabilities))
    if lowest < 0 or highest > 1:
        raise ScoringError(
            f"Predictions range from {lowest:g} to {highest:g}; probabilities lie in [0, 1]. "
            "Pass logits through the logistic function first."
        )


def detected_spans(
    probabilities: Float32[np.ndarray, " samples"], rate_hz: float, config: PostprocessingConfig
) -> Int64[np.ndarray, "_ 2"]:
    """Find the spans of samples that `detect_events` makes events of."""
    if not probabilities.size:
        return np.empty((0, 2), dtype=np.int64)
    spans = hysteresis_spans(probabilities, config.hysteresis)
    return shape_spans(spans, probabilities.size, rate_hz, config)


def shape_spans(
    spans: Int64[np.ndarray, "_ 2"], n_samples: int, rate_hz: float, config: PostprocessingConfig
) -> Int64[np.ndarray, "_ 2"]:
    """Apply every step between hysteresis and confidence."""
    for rule in length_rules(config, rate_hz):
        spans = apply_rule(spans, n_samples, rule)
    longest = longest_samples(config, rate_hz)
    if longest is not None:
        spans = np.stack((spans[:, 0], np.minimum(spans[:, 1], spans[:, 0] + longest)), axis=1)
    return spans


def length_rules(config: PostprocessingConfig, rate_hz: float) -> tuple[LengthRule, ...]:
    """Express opening, closing, minimum duration and merging in samples, in this order."""
    shortest = math.ceil(config.duration.min_duration_s * rate_hz - _TOLERANCE)
    gap = math.floor(config.events.tau_merge * rate_hz + _TOLERANCE)
    return (
        opening_rule(config.morphology.opening_kernel),
        closing_rule(config.morphology.closing_kernel),
        LengthRule(detected=True, inner=shortest, border=shortest, whole=shortest),
        LengthRule(detected=False, inner=gap + 1, border=1, whole=1),
    )


def longest_samples(config: PostprocessingConfig, rate_hz: float) -> int | None:
    """Express the maximum duration in samples, at least one; None without a limit."""
    limit_s = config.duration.max_duration_s
    return None if limit_s is None else max(1, math.floor(limit_s * rate_hz + _TOLERANCE))


def event_of(
    probabilities: Float32[np.ndarray, " samples"],
    first: int,
    rate_hz: float,
    *,
    config: EventsConfig,
    onset_s: float,
) -> Event:
    """Make the event of a span from its probabilities and its first sample."""
    return Event(
        onset_s + first / rate_hz,
        onset_s + (first + probabilities.size) / rate_hz,
        confidence=_confidence(probabilities, config),
    )


def _confidence(
    probabilities: Float32[np.ndarray, " samples"], config: EventsConfig
) -> float | None:
    """Summarize what was predicted; None where a cut left only samples without prediction."""
    known = probabilities[~np.isnan(probabilities)].astype(np.float64)
    if not known.size:
        return None
    if config.confidence_method == "mean":
        return float(known.mean())
    share = 1.0 if config.confidence_method == "peak" else config.confidence_percentile
    return float(np.quantile(known, share))

"""Two thresholds turn probabilities into spans that neither start nor stop at a flicker.

A span starts with the first stretch of samples at or above ``tau_on`` that is long enough, and
ends where the next long enough stretch below ``tau_off`` *begins*. A sample without prediction
(NaN) lies below every threshold.
"""

import numpy as np
from jaxtyping import Float32, Int64
from pydantic import Field, model_validator

from neurorun.core import Config, ConfigError
from neurorun.evaluation.spans import complement, spans_of


class HysteresisConfig(Config):
    """When a detection starts and when it ends; lengths are samples of the prediction."""

    tau_on: float = Field(default=0.86, gt=0, le=1)
    """Probability at or above which a detection may start."""
    tau_off: float = Field(default=0.78, ge=0, lt=1)
    """Probability below which a detection may end; below ``tau_on``."""
    min_onset_samples: int = Field(default=128, ge=1)
    """Samples in a row at or above ``tau_on`` that start a detection (128 are 0.5 s at 256 Hz)."""
    min_offset_samples: int = Field(default=256, ge=1)
    """Samples in a row below ``tau_off`` that end a detection (256 are 1 s at 256 Hz)."""

    @model_validator(mode="after")
    def _on_lies_above_off(self) -> "HysteresisConfig":
        if not self.tau_off < self.tau_on:
            raise ConfigError(
                f"tau_off is {self.tau_off:g} and tau_on {self.tau_on:g}; tau_off must lie below "
                "tau_on. Lower tau_off or raise tau_on."
            )
        return self


def hysteresis_spans(
    probabilities: Float32[np.ndarray, " samples"], config: HysteresisConfig
) -> Int64[np.ndarray, "_ 2"]:
    """Find the spans between a firm start and a firm end.

    Parameters
    ----------
    probabilities : [0, 1] or NaN, at least one sample of one stretch
    config : thresholds and least lengths

    Returns
    -------
    Spans of samples. One that has no firm end lasts until the stretch ends.

    Examples
    --------
    >>> config = HysteresisConfig(min_onset_samples=2, min_offset_samples=2)
    >>> p = np.array([0.9, 0, 0.9, 0.9, 0.1, 0.8, 0.1, 0.1, 0.1], dtype=np.float32)
    >>> hysteresis_spans(p, config).tolist()
    [[2, 6]]
    """
    high = spans_of(probabilities >= np.float32(config.tau_on))
    onsets = high[high[:, 1] - high[:, 0] >= config.min_onset_samples, 0]
    if not onsets.size:
        return np.empty((0, 2), dtype=np.int64)
    low = complement(spans_of(probabilities >= np.float32(config.tau_off)), probabilities.size)
    firm = low[low[:, 1] - low[:, 0] >= config.min_offset_samples]
    return first_onsets(onsets, complement(firm, probabilities.size))


def first_onsets(
    onsets: Int64[np.ndarray, " onsets"], zones: Int64[np.ndarray, "_ 2"]
) -> Int64[np.ndarray, "_ 2"]:
    """Find the spans from the first onset in a zone to the zone's end.

    Parameters
    ----------
    onsets : first samples of firm starts, increasing, at least one
    zones : spans between firm ends

    Examples
    --------
    >>> first_onsets(np.array([3, 5, 30]), np.array([[0, 10], [12, 20], [25, 40]])).tolist()
    [[3, 10], [30, 40]]
    """
    nearest = np.searchsorted(onsets, zones[:, 0])
    onset = onsets[np.minimum(nearest, onsets.size - 1)]
    is_within = (nearest < onsets.size) & (onset < zones[:, 1])
    return np.asarray(np.stack((onset, zones[:, 1]), axis=1)[is_within], dtype=np.int64)

"""Evaluate arrays of probabilities and labels: recordings, or windows of recordings.

Made for training loops: tensors in, a dictionary out. Anything that NumPy can read will do, and
PyTorch is not imported.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from neurorun.core import ConfigError, Event, ScoringError, Timeline, nearest_of, validate_settings
from neurorun.evaluation.evaluate import evaluate_recordings
from neurorun.evaluation.metrics import EvaluationConfig
from neurorun.evaluation.operating_points import OperatingPoint, sensitivity_key
from neurorun.evaluation.postprocessing import PostprocessingConfig
from neurorun.evaluation.predictions import RecordingPrediction
from neurorun.evaluation.spans import spans_of
from neurorun.evaluation.stitching import stitch_windows

_PLACES = {
    "tau_on": ("hysteresis", 0.86),
    "tau_off": ("hysteresis", 0.78),
    "min_onset_samples": ("hysteresis", 1),
    "min_offset_samples": ("hysteresis", 1),
    "opening_kernel": ("morphology", 1),
    "closing_kernel": ("morphology", 1),
    "min_duration_s": ("duration", 0.0),
    "max_duration_s": ("duration", None),
    "tau_merge": ("events", 0.0),
}
_ALIASES = {
    "kernel_size": ("opening_kernel", "closing_kernel"),
    "min_duration": ("min_duration_s",),
}


def evaluate_predictions(
    probs: Any,
    labels: Any,
    fa_rates: Sequence[float],
    post_cfg: Mapping[str, Any] | PostprocessingConfig,
    *,
    rate_hz: float = 256.0,
    stride: int | None = None,
) -> dict[str, Any]:
    """Measure predictions against labels, of whole recordings or of windows.

    Operating points are chosen on these same recordings, so on a test split use
    `evaluate_recordings` with the points chosen on validation.

    Parameters
    ----------
    probs : probabilities in [0, 1], NaN where nothing was predicted
        Without ``stride``: ``(recordings, samples)``, or a list with one array of samples per
        recording. With it: ``(windows, samples)``, the windows of one recording, or a list of such
        arrays, one per recording.
    labels : 0 or 1, of the same shapes
    fa_rates : false alarms per 24 h at which sensitivity is wanted
    post_cfg : ``tau_on``, ``tau_off``, ``kernel_size`` and other settings of post-processing, flat
        A step whose setting is not given does nothing. For all steps as configured, give the
        section ``postprocessing`` itself, also as ``run.config["postprocessing"]`` holds it.
    rate_hz : samples per second
    stride : samples between the starts of neighbouring windows, at most their length
        Windows are joined before anything is detected, probabilities averaged where they overlap:
        the same false alarm in six overlapping windows is one. Labels must agree there.

    Returns
    -------
    ``taes`` (F1 of time-aligned event scoring, method taes-overlap), ``auroc`` (samples), one
    ``sensitivity_at_...fa`` per rate (NaN: unreachable), and ``fa_curve``: pairs of false alarms
    per 24 h and sensitivity, from the highest threshold to the lowest. What is undefined is NaN.
    ``thresholds`` holds, for each ``sensitivity_at_...fa``, the ``tau_on`` and ``tau_off`` that
    give it, or None where the rate is unreachable.

    Raises
    ------
    ScoringError : the arrays do not fit each other, or hold something else
    ConfigError : a setting is unknown, or out of range

    Examples
    --------
    >>> labels = np.repeat([[0, 1, 0]], 5120, axis=1)
    >>> measured = evaluate_predictions(labels * 0.95, labels, [10], {"kernel_size": 5})
    >>> measured["taes"], measured["auroc"], measured["sensitivity_at_10fa"]
    (1.0, 1.0, 1.0)
    >>> measured["thresholds"]["sensitivity_at_10fa"]
    {'tau_on': 0.95, 'tau_off': 0.87}
    """
    predictions = (
        _prediction(str(place), p, mask, rate_hz)
        for place, (p, mask) in enumerate(_recordings(probs, labels, stride))
    )
    config = EvaluationConfig(metrics=("taes", "auroc"), fa_rates=tuple(fa_rates))
    evaluated = evaluate_recordings(
        predictions, postprocessing=_postprocessing(post_cfg), evaluation=config
    )
    names = ("taes", "auroc", *map(sensitivity_key, config.fa_rates))
    return {name: evaluated.metrics[name] for name in names} | {
        "fa_curve": evaluated.fa_curve,
        "thresholds": {
            sensitivity_key(point.fa_rate): _thresholds(point)
            for point in evaluated.operating_points
        },
    }


def _thresholds(point: OperatingPoint) -> dict[str, float] | None:
    return {"tau_on": point.tau_on, "tau_off": point.tau_off} if point.reachable else None


def _recordings(
    probs: Any, labels: Any, stride: int | None
) -> Iterator[tuple[Float32[np.ndarray, " samples"], Bool[np.ndarray, " samples"]]]:
    """Probabilities and labels of each recording, windows joined."""
    n_axes = 1 if stride is None else 2
    predicted, annotated = _parts(probs, "probs", n_axes), _parts(labels, "labels", n_axes)
    if len(predicted) != len(annotated) or not predicted:
        raise ScoringError(
            f"probs hold {len(predicted)} recordings and labels {len(annotated)}; both must hold "
            "the same ones, at least one."
        )
    for p, truth in zip(predicted, annotated, strict=True):
        probabilities = _numbers(p, "probs", n_axes).astype(np.float32)
        masks = _masks(_numbers(truth, "labels", n_axes))
        if probabilities.shape != masks.shape:
            raise ScoringError(
                f"probs are of shape {probabilities.shape} and labels of {masks.shape}; both must "
                "be equal. Give one label per probability."
            )
        yield (probabilities, masks) if stride is None else _joined(probabilities, masks, stride)


def _parts(values: Any, name: str, n_axes: int) -> list[Any]:
    """One item per recording of an array, a tensor, or a list of either."""
    if isinstance(values, list | tuple):
        return list(values)
    array = _array(values)
    if n_axes == array.ndim == 2:
        return [array]
    if array.ndim == n_axes + 1:
        return list(array)
    raise _wrong_shape(array, name, n_axes)


def _numbers(values: Any, name: str, n_axes: int) -> np.ndarray:
    array = _array(values)
    if array.ndim != n_axes or not array.size or array.dtype.kind not in "biuf":
        raise _wrong_shape(array, f"{name} of a recording", n_axes)
    return array


def _array(values: Any) -> np.ndarray:
    if hasattr(values, "detach"):  # a PyTorch tensor: perhaps on a device, with gradients, or half
        values = values.detach().cpu().float()
    return np.asarray(values)


def _wrong_shape(array: np.ndarray, name: str, n_axes: int) -> ScoringError:
    wanted = "(samples,)" if n_axes == 1 else "(windows, samples)"
    return ScoringError(
        f"{name} are of shape {array.shape} and type {array.dtype}; numbers of shape {wanted} are "
        "needed for each recording. Give one row per recording; for windows of recordings give "
        "their stride."
    )


def _joined(
    probabilities: Float32[np.ndarray, "windows samples"],
    masks: Bool[np.ndarray, "windows samples"],
    stride: int,
) -> tuple[Float32[np.ndarray, " _"], Bool[np.ndarray, " _"]]:
    """Join windows that begin ``stride`` samples apart."""
    n_windows, length = probabilities.shape
    if not 1 <= stride <= length:
        raise ScoringError(
            f"stride is {stride} and windows have {length} samples; windows must follow each other "
            "without a gap. Give the samples between their starts."
        )
    starts = np.arange(n_windows, dtype=np.int64) * stride
    n_samples = int(starts[-1]) + length
    mask = np.zeros(n_samples, dtype=np.bool_)
    for start, window in zip(starts.tolist(), masks, strict=True):
        mask[start : start + length] |= window
    for place, start in enumerate(starts.tolist()):
        if not np.array_equal(mask[start : start + length], masks[place]):
            raise ScoringError(
                f"Labels of window {place} differ from those of its neighbours where they overlap; "
                "a sample has one label. Check the stride and the order of the windows."
            )
    return stitch_windows(probabilities, starts, n_samples, method="overlap_add"), mask


def _masks(labels: np.ndarray) -> Bool[np.ndarray, "*shape"]:
    masks = np.asarray(labels == 1)
    if not np.array_equal(masks, labels != 0):
        wrong = labels[masks == (labels == 0)].flat[0]
        raise ScoringError(
            f"labels hold {wrong:g}; only 0 (background) and 1 (seizure) are allowed. Threshold "
            "soft labels first."
        )
    return masks


def _prediction(
    recording_id: str,
    probabilities: Float32[np.ndarray, " samples"],
    mask: Bool[np.ndarray, " samples"],
    rate_hz: float,
) -> RecordingPrediction:
    seconds = (spans_of(mask) / rate_hz).tolist()
    events = tuple(Event(onset_s, offset_s) for onset_s, offset_s in seconds)
    reference = Timeline(recording_id, mask.size / rate_hz, events)
    return RecordingPrediction(
        recording_id, recording_id, rate_hz, ((0.0, probabilities),), reference
    )


def _postprocessing(post_cfg: Mapping[str, Any] | PostprocessingConfig) -> PostprocessingConfig:
    if isinstance(post_cfg, PostprocessingConfig):
        return post_cfg
    if any(isinstance(value, Mapping) for value in post_cfg.values()):
        return validate_settings(post_cfg, PostprocessingConfig, source="post_cfg")
    given: dict[str, Any] = {}
    for key, value in post_cfg.items():
        if key not in _PLACES and key not in _ALIASES:
            known = [*_PLACES, *_ALIASES]
            raise ConfigError(f"post_cfg: '{key}' is not a known key. {nearest_of(key, known)}")
        for name in _ALIASES.get(key, (key,)):
            if name in given:
                raise ConfigError(
                    f"post_cfg: '{key}' = {value} also sets {name}, which is given as "
                    f"{given[name]}; give each setting once."
                )
            given[name] = value
    sections: dict[str, dict[str, Any]] = {}
    for name, (section, default) in _PLACES.items():
        sections.setdefault(section, {})[name] = given.get(name, default)
    return validate_settings(sections, PostprocessingConfig, source="post_cfg")

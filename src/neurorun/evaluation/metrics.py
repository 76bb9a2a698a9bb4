"""Which metrics an evaluation reports, what they mean, and which direction is better."""

from typing import Annotated

from pydantic import AfterValidator, PositiveFloat

from neurorun.core import Config, ConfigError, Metric, nearest_of
from neurorun.evaluation.operating_points import ALARM_S, reached_key, sensitivity_key
from neurorun.evaluation.overlap import OVERLAP
from neurorun.evaluation.sample_metrics import Calibration
from neurorun.evaluation.szcore_event import SZCORE_EVENT
from neurorun.evaluation.taes_overlap import TAES_OVERLAP

_OVERLAP, _TAES, _SZCORE = (
    f"method {method.name} ({method.version})" for method in (OVERLAP, TAES_OVERLAP, SZCORE_EVENT)
)

BASE_METRICS = (
    Metric("taes", "higher", "1", f"F1 = 2 hits / (2 hits + misses + false alarms), {_TAES}."),
    Metric("sensitivity", "higher", "1", f"Found share of the seizures, {_OVERLAP}."),
    Metric("precision", "higher", "1", f"Hits / (hits + false alarms), {_OVERLAP}."),
    Metric("f1", "higher", "1", f"Harmonic mean of sensitivity and precision, {_OVERLAP}."),
    Metric(
        "false_alarms_per_24h",
        "lower",
        "per 24 h",
        f"Detected events that share no time with a seizure, {_OVERLAP}, per 24 h with EEG.",
    ),
    Metric("szcore_f1", "higher", "1", f"Harmonic mean over all recordings, {_SZCORE}."),
    Metric(
        "specificity", "higher", "1", "Share of the background samples outside detected events."
    ),
    Metric(
        "detected_time_fraction",
        "lower",
        "1",
        "Share of the time with EEG inside detected events; 1 calls everything a seizure.",
    ),
    Metric("auroc", "higher", "1", "Area under the ROC curve of all predicted samples, exact."),
    Metric("auprc", "higher", "1", "Average precision of all predicted samples, exact."),
    Metric(
        "ece",
        "lower",
        "1",
        f"Expected calibration error of all predicted samples, {Calibration.N_BINS} equally wide "
        "bins.",
    ),
    Metric(
        "brier",
        "lower",
        "1",
        "Mean squared difference of probability and annotation over all predicted samples.",
    ),
)
"""Metrics that need no rate of false alarms, in the order in which they are reported."""

_BASE_NAMES = tuple(metric.name for metric in BASE_METRICS)


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if "_at_" in name:
            raise ConfigError(
                f"metrics lists '{name}'; sensitivities at a rate of false alarms are reported "
                "for every rate in fa_rates. List the rate there."
            )
        if name not in _BASE_NAMES:
            raise ConfigError(f"metrics lists '{name}'. {nearest_of(name, _BASE_NAMES)}")
    return names


def _unique(fa_rates: tuple[float, ...]) -> tuple[float, ...]:
    for fa_rate in fa_rates:
        if fa_rates.count(fa_rate) > 1:
            raise ConfigError(f"fa_rates lists {fa_rate:g} twice; list every rate once.")
    return fa_rates


class EvaluationConfig(Config):
    """What is measured and kept when a split is evaluated: section ``evaluation``."""

    metrics: Annotated[tuple[str, ...], AfterValidator(_known)] = _BASE_NAMES
    """Names of the metrics to report; the others are not computed."""
    fa_rates: Annotated[tuple[PositiveFloat, ...], AfterValidator(_unique)] = (10.0, 5.0, 2.5, 1.0)
    """False alarms per 24 h at which sensitivity is reported."""
    save_predictions: bool = False
    """Whether the probabilities of every recording are written into the run folder."""
    save_plots: bool = True
    """Whether figures are drawn into the run folder."""


def metric_declarations(config: EvaluationConfig) -> tuple[Metric, ...]:
    """Declare every metric that an evaluation reports, in the order of its report.

    >>> [m.name for m in metric_declarations(EvaluationConfig(metrics=("auroc",), fa_rates=(10,)))]
    ['auroc', 'sensitivity_at_10fa', 'false_alarms_per_24h_at_10fa']
    """
    base = tuple(metric for metric in BASE_METRICS if metric.name in config.metrics)
    return base + tuple(metric for rate in config.fa_rates for metric in _at(rate))


def _at(fa_rate: float) -> tuple[Metric, Metric]:
    point = (
        f"at the thresholds chosen on validation for at most {fa_rate:g} false alarms per 24 h "
        f"({_OVERLAP}, an event longer than {ALARM_S:g} s counting once for each {ALARM_S:g} s)"
    )
    return (
        Metric(sensitivity_key(fa_rate), "higher", "1", f"Found share of the seizures {point}."),
        Metric(reached_key(fa_rate), "lower", "per 24 h", f"False alarms {point}."),
    )

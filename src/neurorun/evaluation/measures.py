"""Measures derived from counts: sensitivity, precision, false alarms per day and their kin.

Counts come first. They add over recordings, rates do not; so rates are computed last, and where a
denominator is zero they are NaN: no seizure to find is not the same as none found.

References
----------
.. [1] Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for automatic classification
   of EEG events", in Biomedical Signal Processing, Springer, 2021.
"""

import math
from dataclasses import dataclass

DAY_S = 86_400.0

Measures = dict[str, float]
"""Measures by name; ratios are fractions, rates are per 24 h, NaN is undefined."""


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What a method counted for one class against all others.

    The unit is the method's own: events, fractions of events, or samples. For the methods of NEDC,
    ``false_alarms`` and ``insertions`` follow its tables and may differ from ``false_positives``,
    which the measures are made of.

    Parameters
    ----------
    targets : what there was to find
    hits, misses : of the targets; TAES may count a miss twice
    false_alarms : proposed where there was nothing
    insertions, deletions : as printed by NEDC
    true_negatives, false_positives : of the one-against-rest table
    """

    targets: float
    hits: float
    misses: float
    false_alarms: float
    insertions: float
    deletions: float
    true_negatives: float
    false_positives: float

    def __add__(self, other: "ClassCounts") -> "ClassCounts":
        return ClassCounts(
            self.targets + other.targets,
            self.hits + other.hits,
            self.misses + other.misses,
            self.false_alarms + other.false_alarms,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.true_negatives + other.true_negatives,
            self.false_positives + other.false_positives,
        )


def ratio(numerator: float, denominator: float) -> float:
    """Quotient, or NaN where there is nothing to divide by.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, nan)
    """
    return numerator / denominator if denominator else math.nan


def per_day(n: float, duration_s: float) -> float:
    """Rate per 24 hours, or NaN over no time.

    >>> per_day(1, 7200)
    12.0
    """
    return ratio(n, duration_s) * DAY_S


def derived_measures(
    counts: ClassCounts, *, duration_s: float, seconds_per_alarm: float = 1.0
) -> Measures:
    """Compute the measures of one class; what has no denominator is NaN.

    Parameters
    ----------
    counts : of one class
    duration_s : over which false alarms are spread, seconds
    seconds_per_alarm : weight of a false positive in ``false_alarms_per_24h``
        1 for events; for sampled methods of NEDC the sampling interval, so that the rate is one
        of seconds.
    """
    tp, fn = counts.hits, counts.misses
    tn, fp = counts.true_negatives, counts.false_positives
    total = tp + fn + tn + fp
    sensitivity, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    precision, negative = ratio(tp, tp + fp), ratio(tn, tn + fn)
    accuracy = ratio(tp + tn, total)
    return {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "precision": precision,
        "negative_predictive_value": negative,
        "miss_rate": 1.0 - sensitivity,
        "false_positive_rate": 1.0 - specificity,
        "false_discovery_rate": 1.0 - precision,
        "false_omission_rate": 1.0 - negative,
        "accuracy": accuracy,
        "misclassification_rate": 1.0 - accuracy,
        "prevalence": ratio(tp + fn, total),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "mcc": _mcc(tp=tp, fp=fp, tn=tn, fn=fn),
        "false_alarms_per_24h": per_day(fp * seconds_per_alarm, duration_s),
    }


def _mcc(*, tp: float, fp: float, tn: float, fn: float) -> float:
    """Correlation of Matthews; negative hits of TAES can leave no real root, which is undefined."""
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(product) if product > 0 else math.nan

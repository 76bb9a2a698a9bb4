"""Results as NEDC EEG Eval 6.0.0 prints them, for comparison with published tables.

There, every undefined ratio is 0, so that its complement is 1; a summary adds all classes, the
background included; and the F1 of that summary divides by the precision and sensitivity of the
last class instead of its own. Here all of that is reproduced, with the correct F1 beside it. Papers
report the row ``seiz``.

References
----------
.. [1] NEDC EEG Eval 6.0.0.
"""

import math
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

from neurorun.core import ScoringError
from neurorun.evaluation.agreement import AgreementCounts
from neurorun.evaluation.counts import ConfusionCounts, DetectionCounts
from neurorun.evaluation.measures import ClassCounts, Measures, derived_measures
from neurorun.evaluation.score import Score

_COMPLEMENTS = {
    "miss_rate": "sensitivity",
    "false_positive_rate": "specificity",
    "false_discovery_rate": "precision",
    "false_omission_rate": "negative_predictive_value",
    "misclassification_rate": "accuracy",
}


def nedc_tables(score: Score) -> dict[str, Any]:
    """Counts and measures by class and in sum, undefined ones 0; for kappas, one table.

    Parameters
    ----------
    score : of a method of NEDC, or of ``taes-overlap``

    Returns
    -------
    ``labels`` and ``summary``, each with the counts and measures under the names of the original;
    for ``ira`` the kappas by class and ``multi_class``

    Raises
    ------
    ScoringError : the method is none of NEDC's
    """
    if isinstance(score.counts, DetectionCounts):
        raise ScoringError(
            f"'{score.method}' is no method of NEDC and has no such table; use Score.measures."
        )
    if isinstance(score.counts, AgreementCounts):
        return _kappas(score)
    found = tables(score, finish=_with_zeros)
    last = found["labels"][score.counts.classes[-1]]
    return {**found, "summary": _with_printed_f1(found["summary"], last)}


def tables(score: Score, *, finish: Callable[[Measures], Measures] = dict) -> dict[str, Any]:
    """Counts and measures by class and in sum.

    Parameters
    ----------
    score : of any method that counts several classes
    finish : what to do with the measures; by default they stay as they are, undefined ones NaN
    """
    by_class = {name: score.counts.of(name) for name in score.counts.classes}
    weight = score.counts.interval_s if isinstance(score.counts, ConfusionCounts) else 1.0

    def table(counts: ClassCounts) -> dict[str, float]:
        measures = derived_measures(counts, duration_s=score.duration_s, seconds_per_alarm=weight)
        return _named(counts) | finish(measures)

    return {
        "labels": {name: table(counts) for name, counts in by_class.items()},
        "summary": table(reduce(add, by_class.values())),
    }


def _named(counts: ClassCounts) -> dict[str, float]:
    return {
        "targets": counts.targets,
        "hits": counts.hits,
        "misses": counts.misses,
        "false_alarms": counts.false_alarms,
        "insertions": counts.insertions,
        "deletions": counts.deletions,
        "true_positives": counts.hits,
        "true_negatives": counts.true_negatives,
        "false_positives": counts.false_positives,
        "false_negatives": counts.misses,
    }


def _with_zeros(measures: Measures) -> Measures:
    """Measures with undefined ratios as 0, and their complements as 1."""
    zeros = {name: 0.0 if math.isnan(value) else value for name, value in measures.items()}
    for complement, name in _COMPLEMENTS.items():
        zeros[complement] = 1.0 - zeros[name]
    zeros["f1"] = _f1(zeros, zeros)
    return zeros


def _f1(measures: Measures, divisor: Measures) -> float:
    below = divisor["precision"] + divisor["sensitivity"]
    if round(below, 10) == 0:
        return 0.0
    return 2.0 * measures["precision"] * measures["sensitivity"] / below


def _with_printed_f1(summary: Measures, last: Measures) -> Measures:
    return {**summary, "f1": _f1(summary, last), "f1_corrected": summary["f1"]}


def _kappas(score: Score) -> dict[str, Any]:
    by_class = {name: score.measures_of(name) for name in score.counts.classes}
    kappas = {name: measures["kappa"] for name, measures in by_class.items()}
    multi_class = by_class[score.positive]["multi_class_kappa"]
    return {name: _one(value) for name, value in (kappas | {"multi_class": multi_class}).items()}


def _one(kappa: float) -> float:
    """Kappa, or 1 where both sides are of the same class throughout, as in the original."""
    return 1.0 if math.isnan(kappa) else kappa

"""Inter-rater agreement (IRA): Cohen's kappa of the labels sampled every 0.25 s.

Equal to NEDC EEG Eval 6.0.0, whose table of one class against the rest leaves out, for more than
two classes, the confusions among the others.

References
----------
.. [1] Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
   Measurement 20(1), 1960.
.. [2] NEDC EEG Eval 6.0.0, ``nedc_eeg_eval_ira.py``.
"""

import math

from neurorun.evaluation.counts import Confusion, ConfusionCounts
from neurorun.evaluation.epoch import count_epochs
from neurorun.evaluation.measures import Measures
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.tiling import ScoringPair


class AgreementCounts(ConfusionCounts):
    """Samples by pair of classes, of which the measures are kappas."""

    __slots__ = ()

    def measures(self, name: str, *, duration_s: float) -> Measures:  # noqa: ARG002 - no rate
        """Kappa of one class against the rest, and of all classes; NaN where undefined."""
        return {
            "kappa": class_kappa(self.confusion, name),
            "multi_class_kappa": multi_class_kappa(self.confusion),
        }


def class_kappa(confusion: Confusion, name: str) -> float:
    """Kappa of one class against the rest; NaN if chance alone explains everything.

    >>> round(class_kappa({"s": {"s": 20, "b": 5}, "b": {"s": 10, "b": 15}}, "s"), 6)
    0.4
    """
    observed, by_chance = _agreement(confusion, name)
    return (observed - by_chance) / (1 - by_chance) if by_chance != 1 else math.nan


def _agreement(confusion: Confusion, name: str) -> tuple[float, float]:
    both = confusion[name][name]
    only_reference = sum(confusion[name].values()) - both
    only_detected = sum(row[name] for row in confusion.values()) - both
    neither = sum(row[other] for other, row in confusion.items() if other != name)
    n = both + only_reference + only_detected + neither
    if n == 0:
        return math.nan, math.nan
    in_class = (both + only_reference) / n * ((both + only_detected) / n)
    in_rest = (only_detected + neither) / n * ((only_reference + neither) / n)
    return (both + neither) / n, in_class + in_rest


def multi_class_kappa(confusion: Confusion) -> float:
    """Kappa of all classes at once; NaN if chance alone explains everything, or without samples."""
    n = sum(sum(row.values()) for row in confusion.values())
    diagonal = sum(row[name] for name, row in confusion.items())
    by_chance = sum(
        sum(row.values()) * sum(other[name] for other in confusion.values())
        for name, row in confusion.items()
    )
    if n * n == by_chance:
        return math.nan
    return (n * diagonal - by_chance) / (n * n - by_chance)


def count_agreement(pair: ScoringPair) -> AgreementCounts:
    """Count samples by reference class and detected class, for kappa."""
    counts = count_epochs(pair)
    return AgreementCounts(counts.confusion, counts.background, counts.interval_s)


IRA = register(
    ScoringMethod(
        name="ira",
        version="NEDC EEG Eval 6.0.0",
        definition="Cohen's kappa of the labels every 0.25 s.",
        unit="samples of 0.25 s",
        count=count_agreement,
        undefined_is_zero=True,
        file_key="kappa",
    )
)

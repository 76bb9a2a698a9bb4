"""Epoch scoring: both sides are sampled every 0.25 s and compared sample by sample.

Equal to NEDC EEG Eval 6.0.0. Samples lie at 0.125 s, 0.375 s, ...; the last may coincide with the
end of the recording. A sample on the border of two events belongs to the earlier one. Nothing is
sampled in fact: the number of samples up to a time is known, so runs of equal labels are compared,
and a day costs no more than its events.

References
----------
.. [1] Shah, Golmohammadi, Obeid, Picone, "Objective evaluation metrics for automatic classification
   of EEG events", in Biomedical Signal Processing, Springer, 2021, section 3.1.
.. [2] NEDC EEG Eval 6.0.0, ``nedc_eeg_eval_epoch.py``.
"""

import math
from collections.abc import Sequence

from neurorun.evaluation.counts import ConfusionCounts, empty_confusion
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.tiling import ScoringPair, Tile

INTERVAL_S = 0.25

Runs = list[tuple[int, str]]
"""Labels of consecutive samples: the sample after the last of each run, and its label."""


def count_epochs(pair: ScoringPair) -> ConfusionCounts:
    """Count samples by reference class and detected class.

    Parameters
    ----------
    pair : one recording, annotated and detected

    Returns
    -------
    The table of samples; all zero for a recording that ends before its first sample at 0.125 s
    """
    n_samples = samples_up_to(pair.reference_tiling[-1].offset_s)
    reference = label_runs(pair.reference_tiling, n_samples)
    detected = label_runs(pair.detected_tiling, n_samples)
    confusion = empty_confusion(pair.classes.names)
    sample = i = j = 0
    while sample < n_samples:
        stop = min(reference[i][0], detected[j][0])
        confusion[reference[i][1]][detected[j][1]] += stop - sample
        sample = stop
        i += reference[i][0] == sample
        j += detected[j][0] == sample
    return ConfusionCounts(confusion, pair.classes.background, INTERVAL_S)


def samples_up_to(time_s: float) -> int:
    """How many samples lie at or before a time; exact, for 0.125 and 4 are powers of two.

    >>> samples_up_to(0.1), samples_up_to(0.125), samples_up_to(30.125)
    (0, 1, 121)
    """
    return max(0, math.floor((time_s - INTERVAL_S / 2) / INTERVAL_S) + 1)


def label_runs(tiles: Sequence[Tile], n_samples: int) -> Runs:
    """Labels of the samples: each takes the first tile that holds it, both borders included.

    Rounding can leave a sample between two tiles; as in the original, it takes the last label.

    >>> label_runs([Tile(0.0, 1.125, "bckg"), Tile(1.125, 2.0, "seiz")], 8)
    [(5, 'bckg'), (8, 'seiz')]
    """
    runs: Runs = []
    sample = 0
    for onset_s, offset_s, label in tiles:
        first = min(_first_sample_from(onset_s), n_samples)
        stop = min(samples_up_to(offset_s), n_samples)
        if first > sample:
            runs.append((first, tiles[-1].label))
            sample = first
        if stop > sample:
            runs.append((stop, label))
            sample = stop
    if sample < n_samples:
        runs.append((n_samples, tiles[-1].label))
    return runs


def _first_sample_from(time_s: float) -> int:
    return max(0, math.ceil((time_s - INTERVAL_S / 2) / INTERVAL_S))


EPOCH = register(
    ScoringMethod(
        name="epoch",
        version="NEDC EEG Eval 6.0.0",
        definition="Labels every 0.25 s, sample by sample; false alarms are seconds, not events.",
        unit="samples of 0.25 s",
        count=count_epochs,
        undefined_is_zero=True,
    )
)

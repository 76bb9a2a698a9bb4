"""Scores of many recordings as one JSON document.

``pairs`` holds what was counted in every recording, ``totals`` what follows from the sums; each
method stands under its own key, with the names and the way of writing undefined ratios of the
program whose numbers it gives: 0 for the methods of NEDC, ``null`` for those of SzCORE and ours.
"""

from typing import Any

from neurorun.evaluation.agreement import AgreementCounts
from neurorun.evaluation.bootstrap import Bootstrap
from neurorun.evaluation.counts import (
    AlignmentCounts,
    ConfusionCounts,
    DetectionCounts,
)
from neurorun.evaluation.epoch import INTERVAL_S
from neurorun.evaluation.method import METHODS
from neurorun.evaluation.nedc_tables import nedc_tables, tables
from neurorun.evaluation.score import Score
from neurorun.evaluation.score_report import ScoreReport
from neurorun.evaluation.szcore_event import (
    LONGEST_S,
    MERGED_BELOW_S,
    RATE_HZ,
    TOLERANCE_AFTER_S,
    TOLERANCE_BEFORE_S,
)
from neurorun.evaluation.szcore_sample import RATE_HZ as SAMPLE_RATE_HZ

FORMAT = "neurorun-scores"
FORMAT_VERSION = 1
NEDC_VERSION = "6.0.0"
TIMESCORING_VERSION = "0.0.7"


def score_document(
    report: ScoreReport, *, folder: str, bootstrap: Bootstrap | None = None
) -> dict[str, Any]:
    """Everything that was scored, as plain values.

    Parameters
    ----------
    report : scores of a set of recordings
    folder : name of the set; recordings are listed as ``folder/recording_id``
    bootstrap : intervals to store with the totals
    """
    pairs = {
        f"{folder}/{item.recording_id}": {
            "duration_s": item.duration_s,
            **{METHODS[name].key: pair_values(item.scores[name]) for name in report.methods},
        }
        for item in report.recordings
    }
    total = {
        "pairs": len(report.recordings),
        **{METHODS[name].key: _total(report, name, bootstrap) for name in report.methods},
        "duration_s": report.duration_s,
    }
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "nedc_eeg_eval": NEDC_VERSION,
        "timescoring": TIMESCORING_VERSION,
        "methods": {METHODS[name].key: _described(name) for name in report.methods},
        "parameters": _parameters(report, bootstrap),
        "pairs": pairs,
        "totals": {folder: total},
    }


def _described(name: str) -> dict[str, str]:
    method = METHODS[name]
    return {
        "method": name,
        "version": method.version,
        "unit": method.unit,
        "definition": method.definition,
    }


def _parameters(report: ScoreReport, bootstrap: Bootstrap | None) -> dict[str, Any]:
    fixed = {
        "classes": report.labels_of_class,
        "epoch_duration_s": INTERVAL_S,
        "null_class": report.classes.background,
        "dp_penalties": {"deletion": 1, "insertion": 1, "substitution": 1},
        "event_scoring": {
            "tolerance_start_s": TOLERANCE_BEFORE_S,
            "tolerance_end_s": TOLERANCE_AFTER_S,
            "min_overlap": 0,
            "max_event_duration_s": LONGEST_S,
            "min_duration_between_events_s": MERGED_BELOW_S,
            "grid_hz": RATE_HZ,
        },
        "sample_scoring": {"grid_hz": SAMPLE_RATE_HZ},
    }
    return fixed if bootstrap is None else fixed | {"bootstrap": bootstrap.settings()}


def pair_values(score: Score) -> dict[str, Any]:
    """What a method says of one recording: counts, and what else its program gives."""
    counts = score.counts
    if isinstance(counts, DetectionCounts):
        return detection_values(score)
    if isinstance(counts, AgreementCounts):
        return nedc_tables(score)
    if isinstance(counts, ConfusionCounts):
        return {"confusion": counts.confusion}
    if isinstance(counts, AlignmentCounts):
        return {name: _aligned(counts, name) for name in counts.classes} | {
            "confusion": counts.confusion
        }
    return counts.to_dict()


def _aligned(counts: AlignmentCounts, name: str) -> dict[str, float]:
    of = counts.of(name)
    return {
        "targets": of.targets,
        "hits": of.hits,
        "misses": of.misses,
        "insertions": of.insertions,
        "deletions": of.deletions,
    }


def detection_values(score: Score) -> dict[str, Any]:
    """Counts and measures of SzCORE under the names of timescoring."""
    counts = score.counts
    assert isinstance(counts, DetectionCounts)
    measures = score.measures
    return {
        "tp": counts.n_found,
        "fp": counts.n_false_alarms,
        "ref_true": counts.n_reference,
        "num_samples": counts.n_samples,
        "fs": counts.rate_hz,
        "sensitivity": measures["sensitivity"],
        "precision": measures["precision"],
        "f1": measures["f1"],
        "fp_per_24h": measures["false_alarms_per_24h"],
    }


def _total(report: ScoreReport, name: str, bootstrap: Bootstrap | None) -> dict[str, Any]:
    method, score = METHODS[name], report.totals[name]
    if isinstance(score.counts, DetectionCounts):
        values = detection_values(score)
    else:
        values = nedc_tables(score) if method.undefined_is_zero else tables(score)
    if isinstance(score.counts, ConfusionCounts | AlignmentCounts):
        values = values | {"confusion": score.counts.confusion}
    if method.mean_over_patients and report.patients_known:
        values["mean_over_patients"] = {
            measure: {"mean": mean.mean, "std": mean.deviation, "n_patients": mean.n_patients}
            for measure, mean in report.patient_means(name).items()
        }
    if bootstrap is not None:
        values["intervals"] = {
            measure: interval.to_dict() for measure, interval in bootstrap.intervals[name].items()
        }
    return values

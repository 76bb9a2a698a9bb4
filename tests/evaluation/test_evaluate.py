"""A split as a whole: every recording by itself, counts added, rates last."""

import csv
import math
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from neurorun.core import Event, ScoringError, Timeline, to_json
from neurorun.evaluation import (
    EvaluationConfig,
    Evaluator,
    OperatingPoint,
    PostprocessingConfig,
    RecordingPrediction,
    detect_events,
    evaluate_recordings,
    metric_declarations,
    score_events,
)

pytestmark = pytest.mark.unit

PROBABILITIES = (
    Path(__file__).resolve().parents[2] / "../shared/data/eeg_seizure/model_probabilities"
)
CONFIG = PostprocessingConfig.model_validate(
    {
        "hysteresis": {
            "tau_on": 0.8,
            "tau_off": 0.6,
            "min_onset_samples": 2,
            "min_offset_samples": 2,
        },
        "morphology": {"kernel_size": 1},
        "min_duration": 2.0,
    }
)


def predicted(name, timeline, seizures=(), *, rate_hz=1.0, duration_s=None, gaps=()):
    """One character per second: . background, - doubtful, # seizure; ? not predicted."""
    levels = {".": 0.1, "-": 0.7, "#": 0.9, "?": np.nan}
    p = np.array([levels[c] for c in timeline], dtype=np.float32)
    events = tuple(Event(*seizure) for seizure in seizures)
    reference = Timeline(name, duration_s or p.size / rate_hz, events, gaps)
    return RecordingPrediction(name, f"patient-{name}", rate_hz, ((0.0, p),), reference)


def evaluated(*predictions, fa_rates=(10.0,), **settings):
    return evaluate_recordings(
        predictions,
        postprocessing=CONFIG,
        evaluation=EvaluationConfig(fa_rates=fa_rates),
        **settings,
    )


# a: one seizure found exactly, one missed; b: one false alarm of four seconds
A = predicted("a", "..####........##########......", [(2, 6), (22, 28)])
B = predicted("b", "............####..............", [])


def test_metrics_are_those_declared_in_their_order():
    config = EvaluationConfig(fa_rates=(10, 2.5))
    result = evaluate_recordings([A, B], postprocessing=CONFIG, evaluation=config)
    assert list(result.metrics) == [metric.name for metric in metric_declarations(config)]
    assert all(isinstance(value, float) for value in result.metrics.values())


def test_counts_are_added_and_rates_made_of_the_sums():
    # reference  ..####................######..    ..............................
    # detected   ..####........##########......    ............####..............
    metrics = evaluated(A, B).metrics
    assert metrics["sensitivity"] == 1.0  # both seizures share time with a detection
    assert metrics["precision"] == pytest.approx(2 / 3)
    assert metrics["f1"] == pytest.approx(0.8)
    assert metrics["false_alarms_per_24h"] == pytest.approx(86_400 / 60)
    assert metrics["specificity"] == pytest.approx(1 - (8 + 4) / (60 - 10))
    assert metrics["detected_time_fraction"] == pytest.approx((4 + 10 + 4) / 60)
    assert 0 < metrics["taes"] < 1


def test_every_method_is_that_of_the_scoring_front_door():
    result = evaluated(A, B)
    for name, score in result.scores.items():
        parts = [score_events(r.reference, r.detected, method=name) for r in result.recordings]
        assert score == parts[0] + parts[1]
    assert result.metrics["taes"] == result.scores["taes-overlap"].f1
    assert result.metrics["szcore_f1"] == pytest.approx(result.scores["szcore-event"].f1)


def test_detected_events_are_kept_by_recording():
    first, second = evaluated(A, B).recordings
    assert [(e.onset_s, e.offset_s) for e in first.detected.events] == [(2, 6), (14, 24)]
    assert [(e.onset_s, e.offset_s) for e in second.detected.events] == [(12, 16)]
    assert second.detected.recording_id == "b"
    assert (first.patient, first.predicted_s) == ("patient-a", 30)


def test_rows_have_the_same_columns_for_every_recording():
    result = evaluated(A, B)
    rows = [recording.to_row() for recording in result.recordings]
    assert list(rows[0]) == list(rows[1])
    assert rows[0]["recording_id"] == "a"
    assert (rows[0]["n_reference"], rows[0]["n_detected"], rows[0]["detected_s"]) == (2, 2, 14)
    assert (rows[1]["overlap_hits"], rows[1]["overlap_false_alarms"]) == (0, 1)
    samples = result.samples
    assert sum(row["fp"] for row in rows) == samples.fp == 12
    assert sum(row["tn"] for row in rows) == samples.tn
    assert samples.tp + samples.fn == 10


def test_an_evaluation_is_plain_values_for_files():
    plain = evaluated(A, B).to_dict()
    assert plain["operating_points"][0]["fa_rate"] == 10
    assert {"tau_on", "sensitivity", "false_alarms_per_24h"} <= set(plain["curve"][0])
    assert plain["scores"]["overlap"]["version"].startswith("NEDC")
    assert "NaN" not in to_json(plain)


def test_without_seizures_what_needs_them_is_undefined():
    metrics = evaluated(B).metrics
    undefined = {name for name, value in metrics.items() if math.isnan(value)}
    assert undefined == {
        "sensitivity",
        "auroc",
        "auprc",
        "sensitivity_at_10fa",
        "false_alarms_per_24h_at_10fa",
    }


def test_silence_has_no_precision_and_a_perfect_rate():
    metrics = evaluated(predicted("a", "." * 60, [(10, 20)])).metrics
    assert (metrics["sensitivity"], metrics["taes"], metrics["f1"]) == (0, 0, 0)
    assert (metrics["false_alarms_per_24h"], metrics["specificity"]) == (0, 1)
    assert math.isnan(metrics["precision"])


def test_calling_everything_shows():
    metrics = evaluated(predicted("a", "#" * 600, [(10, 20)])).metrics
    assert (metrics["sensitivity"], metrics["false_alarms_per_24h"]) == (1, 0)
    assert (metrics["detected_time_fraction"], metrics["specificity"]) == (1, 0)


def test_time_without_prediction_counts_for_events_but_not_for_samples():
    # a seizure that was never predicted is missed; its samples say nothing about the ranking
    unpredicted = predicted("a", "..####....????????..", [(2, 6), (12, 16)])
    result = evaluated(unpredicted)
    assert result.metrics["sensitivity"] == 0.5
    assert result.metrics["auroc"] == 1.0
    assert (result.samples.tp, result.samples.fn, result.samples.tn) == (4, 0, 8)
    assert result.recordings[0].predicted_s == 12


def test_gaps_do_not_dilute_false_alarms():
    alarm = predicted("b", "....####....", duration_s=3600.0, gaps=((12.0, 3600.0),))
    assert evaluated(alarm).metrics["false_alarms_per_24h"] == pytest.approx(86_400 / 12)


def test_only_metrics_asked_for_are_reported():
    config = EvaluationConfig(metrics=("sensitivity",), fa_rates=())
    result = evaluate_recordings([A], postprocessing=CONFIG, evaluation=config)
    assert list(result.metrics) == ["sensitivity"]
    assert result.operating_points == ()
    assert len(result.fa_curve) == len(result.curve)


def test_frozen_operating_points_are_applied_as_they_are():
    chosen = evaluated(A, fa_rates=(10.0, 1.0)).operating_points
    test = evaluated(A, B, fa_rates=(1.0, 10.0), operating_points=chosen)
    assert [p.fa_rate for p in test.operating_points] == [1.0, 10.0]
    assert {p.tau_on for p in test.operating_points} == {p.tau_on for p in chosen}
    assert test.metrics["sensitivity_at_10fa"] == 1.0
    assert test.metrics["false_alarms_per_24h_at_10fa"] == pytest.approx(86_400 / 60)


def test_an_operating_point_unreachable_on_validation_is_undefined_on_test():
    points = [OperatingPoint(10.0, reachable=False)]
    metrics = evaluated(A, operating_points=points).metrics
    assert math.isnan(metrics["sensitivity_at_10fa"])


def test_points_for_other_rates_are_refused():
    points = [OperatingPoint(5.0, True, 0.9, 0.8)]
    with pytest.raises(ScoringError, match=r"no operating point for 10 .* are for 5\. Set"):
        evaluated(A, operating_points=points)
    with pytest.raises(ScoringError, match="are for none"):
        evaluated(A, operating_points=[])


def test_a_recording_predicted_twice_is_refused():
    with pytest.raises(ScoringError, match="'a' is predicted twice; every recording counts once"):
        evaluated(A, A)


def test_no_recordings_are_refused():
    with pytest.raises(ScoringError, match="no recordings to evaluate; at least one"):
        evaluated()


def test_predictions_may_come_one_by_one():
    evaluator = Evaluator(CONFIG, EvaluationConfig())
    evaluator.add(A)
    evaluator.add(B)
    at_once = evaluated(A, B, fa_rates=EvaluationConfig().fa_rates)
    assert evaluator.result().metrics == pytest.approx(at_once.metrics, nan_ok=True)
    from_iterator = evaluate_recordings(
        iter([A, B]), postprocessing=CONFIG, evaluation=EvaluationConfig()
    )
    assert from_iterator.metrics == pytest.approx(at_once.metrics, nan_ok=True)


def test_progress_is_told_of_every_recording():
    told = []

    class Watcher:
        @contextmanager
        def phase(self, name, total):
            told.append((name, total))
            yield lambda n=1, /, **_: told.append(n)

    evaluated(A, B, progress=Watcher())
    assert told == [("scoring recordings", 2), 1, 1]


@pytest.mark.integration
@pytest.mark.skipif(not PROBABILITIES.is_dir(), reason="real probabilities are not here")
def test_real_probabilities_of_critical_care_eeg():
    """Seizure probabilities of a published classifier, 0.5 Hz, with periods not covered."""
    for path in sorted(PROBABILITIES.glob("*.csv")):
        with path.open() as stream:
            rows = list(csv.DictReader(stream))
        p = np.full(int(rows[-1]["idx_stop"]), np.nan, dtype=np.float32)
        for row in rows:
            p[int(row["idx_start"]) - 1 : int(row["idx_stop"])] = float(row["p_seizure"])
        config = PostprocessingConfig.model_validate(
            {
                "hysteresis": {
                    "tau_on": 0.5,
                    "tau_off": 0.3,
                    "min_onset_samples": 1,
                    "min_offset_samples": 2,
                },
                "morphology": {"kernel_size": 1},
                "events": {"tau_merge": 2.0, "confidence_method": "peak"},
            }
        )
        events = detect_events(p, 0.5, config)
        assert all(event.confidence >= 0.5 for event in events)
        # annotated are the periods whose highest class is seizure
        spans = [
            (2.0 * (int(r["idx_start"]) - 1), 2.0 * int(r["idx_stop"]))
            for r in rows
            if r["label"] == "Seizure"
        ]
        reference = Timeline(path.stem, 2.0 * p.size, tuple(Event(*span) for span in spans))
        prediction = RecordingPrediction(path.stem, path.stem, 0.5, ((0.0, p),), reference)
        result = evaluate_recordings(
            [prediction], postprocessing=config, evaluation=EvaluationConfig()
        )
        assert result.recordings[0].detected.events == events
        if spans:
            assert result.metrics["auroc"] > 0.9

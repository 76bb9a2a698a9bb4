"""Measures of samples, beside scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    roc_auc_score,
)

from neurorun.core import ScoringError
from neurorun.evaluation import Calibration, RankedSamples, SampleCounts

pytestmark = pytest.mark.unit

samples = st.lists(
    st.tuples(st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.25, 1.0]), st.booleans()),
    min_size=1,
    max_size=80,
)


def ranked(*recordings) -> RankedSamples:
    collected = RankedSamples()
    for recording in recordings:
        p, reference = zip(*recording, strict=True)
        collected.add(np.float32(p), np.array(reference))
    return collected


@settings(deadline=None)
@given(samples, samples)
def test_areas_are_those_of_scikit_learn_over_all_recordings(first, second):
    p, reference = (np.array(values) for values in zip(*first, *second, strict=True))
    collected = ranked(first, second)
    if 0 < reference.sum() < reference.size:
        assert collected.auroc() == pytest.approx(roc_auc_score(reference, p), abs=1e-12)
    if reference.any():
        assert collected.auprc() == pytest.approx(average_precision_score(reference, p), abs=1e-12)


@pytest.mark.parametrize("concentrated", [False, True])
def test_areas_are_exact_also_where_probabilities_crowd(concentrated):
    rng = np.random.default_rng(3)
    p = rng.random(20_000, dtype=np.float32)
    if concentrated:  # as after a saturated logistic function
        p = 1 - p * np.float32(1e-5)
    reference = rng.random(p.size) < p / 10
    collected = RankedSamples()
    collected.add(p, reference)
    assert collected.auroc() == pytest.approx(roc_auc_score(reference, p), abs=1e-12)
    assert collected.auprc() == pytest.approx(average_precision_score(reference, p), abs=1e-12)


def test_samples_may_be_added_after_measuring():
    collected = ranked([(0.2, False), (0.8, True)])
    assert collected.auroc() == 1.0
    collected.add(np.float32([0.9]), np.array([False]))
    assert collected.auroc() == 0.5


def test_samples_without_prediction_are_left_out():
    p, reference = np.float32([0.2, np.nan, 0.8, np.nan]), np.array([False, True, True, False])
    collected = RankedSamples()
    collected.add(p, reference)
    assert collected.auroc() == 1.0


@pytest.mark.parametrize(
    ("reference", "auroc_is_known", "auprc_is_known"),
    [([], False, False), ([False, False], False, False), ([True, True], False, True)],
)
def test_without_both_kinds_of_samples_areas_are_undefined(
    reference, auroc_is_known, auprc_is_known
):
    collected = RankedSamples()
    collected.add(np.full(len(reference), 0.5, np.float32), np.array(reference, dtype=bool))
    assert math.isnan(collected.auroc()) != auroc_is_known
    assert math.isnan(collected.auprc()) != auprc_is_known


def test_a_negative_zero_is_zero():
    collected = ranked([(-0.0, True), (0.0, False)])
    assert collected.auroc() == 0.5


def test_beyond_the_samples_kept_counts_give_nearly_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    exact, counted = RankedSamples(), RankedSamples()
    for number in range(6):
        if number == 2:
            monkeypatch.setattr("neurorun.evaluation.sample_metrics._MOST_KEPT", 20_000)
        p = np.float32(1) / (1 + np.exp(-rng.normal(-3, 2, 10_000).astype(np.float32)))
        is_seizure = rng.random(10_000) < p
        p[:3] = (0.0, -0.0, 1.0)
        counted.add(p, is_seizure)
        exact._seizure.append(p[is_seizure])
        exact._background.append(p[~is_seizure])
        counted.auroc()
    assert counted._counts is not None
    assert not counted._background
    assert counted.auroc() == pytest.approx(exact.auroc(), abs=1e-5)
    assert counted.auprc() == pytest.approx(exact.auprc(), abs=1e-4)


def test_logits_are_refused():
    with pytest.raises(ScoringError, match=r"range from -2 to 0\.5; probabilities lie"):
        ranked([(-2.0, True), (0.5, False)])


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_counts_are_those_of_scikit_learn(pairs):
    reference, detected = (np.array(mask) for mask in zip(*pairs, strict=True))
    counts = SampleCounts.between(reference, detected)
    (tn, fp), (fn, tp) = confusion_matrix(reference, detected, labels=[False, True])
    assert (counts.tp, counts.fp, counts.fn, counts.tn) == (tp, fp, fn, tn)


def test_ratios_of_counts():
    counts = SampleCounts(tp=3, fn=1, fp=2, tn=8) + SampleCounts(fn=1)
    assert (counts.sensitivity, counts.specificity) == (0.6, 0.8)


def test_ratios_without_denominator_are_undefined():
    assert math.isnan(SampleCounts().specificity)
    assert math.isnan(SampleCounts().sensitivity)


def calibrated(*recordings) -> Calibration:
    collected = Calibration()
    for recording in recordings:
        p, reference = zip(*recording, strict=True)
        collected.add(np.float32(p), np.array(reference))
    return collected


def literal_ece(p, reference, n_bins=15) -> float:
    total = 0.0
    for i in range(n_bins):
        inside = [
            (float(value), float(truth))
            for value, truth in zip(p, reference, strict=True)
            if min(int(float(value) * n_bins), n_bins - 1) == i
        ]
        if inside:
            mean_p = math.fsum(value for value, _ in inside) / len(inside)
            share = math.fsum(truth for _, truth in inside) / len(inside)
            total += len(inside) / len(p) * abs(mean_p - share)
    return total


@settings(deadline=None)
@given(samples, samples)
def test_calibration_is_that_of_scikit_learn_and_of_a_loop(first, second):
    p, reference = (np.array(values) for values in zip(*first, *second, strict=True))
    p = p.astype(np.float32)
    collected = calibrated(first, second)
    brier = brier_score_loss(reference, p.astype(np.float64), pos_label=True)
    assert collected.brier() == pytest.approx(brier, abs=1e-12)
    assert collected.ece() == pytest.approx(literal_ece(p, reference), abs=1e-12)


@pytest.mark.parametrize(
    ("p", "is_seizure", "ece", "brier"),
    [
        pytest.param(0.0, True, 1.0, 1.0, id="zero-lies-in-a-bin"),
        pytest.param(1.0, False, 1.0, 1.0, id="one-lies-in-a-bin"),
        pytest.param(1.0, True, 0.0, 0.0, id="certain-and-right"),
        pytest.param(0.25, False, 0.25, 0.0625, id="doubt"),
    ],
)
def test_calibration_of_one_probability(p, is_seizure, ece, brier):
    collected = calibrated([(p, is_seizure)])
    assert (collected.ece(), collected.brier()) == (ece, brier)


def test_calibration_of_many_samples_does_not_depend_on_blocks():
    rng = np.random.default_rng(5)
    p = rng.random(200_000, dtype=np.float32)
    reference = rng.random(p.size) < p
    whole, parts = Calibration(), Calibration()
    whole.add(p, reference)
    for first in range(0, p.size, 7777):
        parts.add(p[first : first + 7777], reference[first : first + 7777])
    assert whole.ece() == pytest.approx(parts.ece(), abs=1e-12)
    assert whole.brier() == pytest.approx(parts.brier(), abs=1e-12)
    assert whole.ece() < 0.01


def test_calibration_without_known_samples_is_undefined():
    collected = Calibration()
    collected.add(np.float32([np.nan]), np.array([True]))
    assert math.isnan(collected.ece())
    assert math.isnan(collected.brier())


def test_calibration_of_logits_is_refused():
    with pytest.raises(ScoringError, match=r"range from -2 to 0\.5; probabilities lie"):
        calibrated([(-2.0, True), (0.5, False)])

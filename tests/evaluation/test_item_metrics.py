import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from neurorun.evaluation import recipe_for
from neurorun.evaluation.item_metrics import RankMetric, _auroc

pytestmark = pytest.mark.unit

SEIZURES = [
    {
        "recording_id": "a", "patient": "p", "observed_s": 3600.0, "detected_s": 90.0,
        "overlap_hits": 2.0, "overlap_misses": 1.0, "overlap_false_alarms": 3.0,
        "taes_overlap_hits": 1.5, "taes_overlap_misses": 1.5, "taes_overlap_false_alarms": 2.0,
        "szcore_event_hits": 2.0, "szcore_event_misses": 1.0, "szcore_event_false_alarms": 4.0,
        "tp": 50, "fp": 40, "fn": 30, "tn": 880,
    },
    {
        "recording_id": "b", "patient": "q", "observed_s": 7200.0, "detected_s": 0.0,
        "overlap_hits": 0.0, "overlap_misses": 1.0, "overlap_false_alarms": 0.0,
        "taes_overlap_hits": 0.0, "taes_overlap_misses": 1.0, "taes_overlap_false_alarms": 0.0,
        "szcore_event_hits": 0.0, "szcore_event_misses": 1.0, "szcore_event_false_alarms": 0.0,
        "tp": 0, "fp": 0, "fn": 20, "tn": 1980,
    },
]  # fmt: skip
OF_SEIZURES = {
    "sensitivity": 2 / 4,
    "precision": 2 / 5,
    "f1": 4 / (4 + 2 + 3),
    "false_alarms_per_24h": 3 / 10800 * 86400,
    "taes": 3 / (3 + 2.5 + 2),
    "szcore_f1": 4 / (4 + 2 + 4),
    "specificity": 2860 / 2900,
    "detected_time_fraction": 90 / 10800,
}


def value_of(recipe, rows):
    numbers = recipe.numbers(rows)
    return recipe.drawn(numbers, np.ones((1, len(numbers))))[0]


@pytest.mark.parametrize("name", OF_SEIZURES)
def test_metrics_of_seizure_detection_come_from_counts_of_recordings(name):
    recipe = recipe_for(name, SEIZURES, OF_SEIZURES[name])
    assert value_of(recipe, SEIZURES) == pytest.approx(OF_SEIZURES[name])


def test_metrics_of_pictures_come_from_counts_of_pixels():
    rows = [{"image": n, "tp": n, "fp": 1, "fn": 2, "tn": 30} for n in (3, 5)]
    for name, value in {
        "iou": 8 / 14, "val_iou": 8 / 14, "dice": 16 / 22, "recall": 8 / 12, "accuracy": 68 / 74,
        "precision": 8 / 10, "balanced_accuracy": (8 / 12 + 60 / 62) / 2,
    }.items():  # fmt: skip
        assert value_of(recipe_for(name, rows, value), rows) == pytest.approx(value)


labelled = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])), min_size=4, max_size=30
).filter(lambda pairs: len({label for label, _ in pairs}) == 2)


@given(labelled)
def test_metrics_of_recordings_come_from_their_classes(pairs):
    true = np.array([label for label, _ in pairs])
    p = np.array([p for _, p in pairs])
    names = np.array(["normal", "abnormal"])
    rows = [
        {
            "file": str(n), "true_label": str(names[int(t)]), "probability": float(q),
            "predicted_label": str(names[int(q > 0.5)]), "correct": bool(t == (q > 0.5)),
        }
        for n, (t, q) in enumerate(zip(true, p, strict=True))
    ]  # fmt: skip
    expected = {
        "accuracy": sk.accuracy_score(true, p > 0.5),
        "balanced_accuracy": sk.balanced_accuracy_score(true, p > 0.5),
        "f1": sk.f1_score(true, p > 0.5, zero_division=np.nan),
        "auroc": sk.roc_auc_score(true, p),
    }
    for name, value in expected.items():
        recipe = recipe_for(name, rows, value)
        assert value_of(recipe, rows) == pytest.approx(value, nan_ok=True), name


@given(labelled)
def test_metrics_over_both_classes_come_from_numbered_classes(pairs):
    true = np.array([int(label) for label, _ in pairs])
    p = np.array([p for _, p in pairs])
    predicted = (p > 0.5).astype(int)
    rows = [
        {"file": str(n), "true_label": int(t), "predicted_label": int(d), "prob_abnormal": float(q)}
        for n, (t, d, q) in enumerate(zip(true, predicted, p, strict=True))
    ]
    expected = {
        "val_acc": 100 * sk.accuracy_score(true, predicted),
        "val_recording_acc": 100 * sk.accuracy_score(true, predicted),
        "val_macro_f1": sk.f1_score(true, predicted, average="macro", zero_division=0),
        "val_weighted_f1": sk.f1_score(true, predicted, average="weighted", zero_division=0),
        "val_precision": sk.precision_score(true, predicted, average="macro", zero_division=0),
        "val_recall": sk.recall_score(true, predicted, average="macro", zero_division=0),
        "val_brier": sk.brier_score_loss(true, p),
        "val_recording_auroc": sk.roc_auc_score(true, p),
    }
    for name, value in expected.items():
        recipe = recipe_for(name, rows, value)
        assert value_of(recipe, rows) == pytest.approx(value), name
    assert recipe_for("brier", [{"true_label": "a"}, {"true_label": "b"}], 0.5) is None


def test_mean_of_a_column_leaves_out_what_is_undefined():
    rows = [
        {"id": "a", "error_mm": 4.0},
        {"id": "b", "error_mm": math.nan},
        {"id": "c", "error_mm": 6},
    ]
    assert value_of(recipe_for("error_mm", rows, 5.0), rows) == 5.0


@pytest.mark.parametrize(
    ("name", "rows", "recorded"),
    [
        ("sensitivity", SEIZURES, 0.51),
        ("auroc", SEIZURES, 0.9),
        ("f1", [], 0.5),
        ("iou", [{"tp": None, "fp": 1, "fn": 1}], 0.5),
        ("x", [{"x": "text"}], 0.5),
    ],
)
def test_what_does_not_give_the_recorded_value_is_no_recipe(name, rows, recorded):
    assert recipe_for(name, rows, recorded) is None


def test_items_that_are_drawn_twice_count_twice():
    positive, p = np.array([1.0, 0, 1, 0, 1]), np.array([0.9, 0.2, 0.2, 0.4, 0.6])
    weights = np.random.default_rng(0).integers(0, 4, (20, 5)).astype(float)
    weights[:, :2] += 1
    for one, found in zip(weights, _auroc(positive, p, weights), strict=True):
        times = one.astype(int)
        expected = sk.roc_auc_score(np.repeat(positive, times), np.repeat(p, times))
        assert found == pytest.approx(expected)


def test_swapped_items_change_sides():
    metric = RankMetric("true_label", "abnormal", "probability")
    first = np.array([[1.0, 0.9], [0.0, 0.8], [1.0, 0.3]])
    second = np.array([[1.0, 0.1], [0.0, 0.2], [1.0, 0.7]])
    swaps = np.array([[False] * 3, [True] * 3, [True, False, False]])
    one, two = metric.swapped(first, second, swaps)
    assert one[0] == two[1] == 0.5
    assert one[1] == two[0] == 0.5
    assert (one[2], two[2]) == (0.0, 1.0)

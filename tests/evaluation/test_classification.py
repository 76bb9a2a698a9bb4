import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import ScoringError
from neurorun.evaluation import (
    Classified,
    classification_metrics,
    confusion_counts,
    patient_intervals,
)

pytestmark = pytest.mark.unit

metrics = pytest.importorskip("sklearn.metrics")


def items(labels, probabilities, patients=None):
    names = tuple(str(i) for i in range(len(labels)))
    return Classified(
        names,
        tuple(patients or names),
        np.array(labels, np.int64),
        np.array(probabilities, np.float64),
    )


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda n: n / 20)),
        min_size=2,
        max_size=40,
    )
)
def test_metrics_are_those_of_scikit_learn(pairs):
    labels, probabilities = (list(one) for one in zip(*pairs, strict=True))
    found = classification_metrics(items(labels, probabilities))
    predicted = [int(p >= 0.5) for p in probabilities]
    both = [0, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weighted = {"average": "weighted", "labels": both, "zero_division": 0}
        wanted = {
            "accuracy": metrics.accuracy_score(labels, predicted),
            "weighted_f1": metrics.f1_score(labels, predicted, **weighted),
            "precision": metrics.precision_score(labels, predicted, **weighted),
            "recall": metrics.recall_score(labels, predicted, **weighted),
            "brier": np.mean((np.array(probabilities) - labels) ** 2),
        }
        if len(set(labels)) == 2:
            wanted |= {
                "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
                "macro_f1": metrics.f1_score(labels, predicted, average="macro"),
                "auroc": metrics.roc_auc_score(labels, probabilities),
                "auprc": metrics.average_precision_score(labels, probabilities),
            }
            if len(set(predicted)) == 2:
                wanted["mcc"] = metrics.matthews_corrcoef(labels, predicted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def test_one_class_gives_a_whole_matrix_and_undefined_measures():
    one = items([1, 1], [0.9, 0.2])
    assert confusion_counts(one) == ((0, 0), (1, 1))
    found = classification_metrics(one)
    undefined = ("specificity", "balanced_accuracy", "auroc", "mcc")
    assert all(math.isnan(found[name]) for name in undefined)
    assert found["sensitivity"] == 0.5


def test_windows_of_a_recording_are_averaged():
    windows = items([0, 1, 1], [0.2, 0.3, 0.9], ["p", "q", "q"])
    by = windows.by_recording(["a", "b", "b"])
    assert (by.names, by.patients) == (("a", "b"), ("p", "q"))
    assert by.probabilities.tolist() == pytest.approx([0.2, 0.6])
    with pytest.raises(ScoringError, match="Recording 'a' has windows of both classes"):
        windows.by_recording(["a", "a", "b"])


@pytest.mark.parametrize(
    ("labels", "probabilities", "patients", "message"),
    [
        ([0], [0.1, 0.2], ["a"], "1 labels and 2 probabilities were given"),
        ([2], [0.1], ["a"], r"Labels are \[2\]; 0 \(normal\) and 1 \(abnormal\)"),
        ([1], [math.nan], ["a"], r"Probabilities must lie in \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_refused(labels, probabilities, patients, message):
    with pytest.raises(ScoringError, match=message):
        items(labels, probabilities, patients)


def test_intervals_are_drawn_over_patients():
    rng = np.random.default_rng(0)
    labels = [0, 1] * 20
    guesses = [0.9 if i % 4 == 0 else float(label) for i, label in enumerate(labels)]
    patients = [str(i // 4) for i in range(40)]
    found = patient_intervals(items(labels, guesses, patients), rng=rng, n_resamples=100)
    accuracy = found["accuracy"]
    assert accuracy.low == accuracy.high == pytest.approx(0.75)  # every patient is alike
    free = patient_intervals(items(labels, guesses), rng=rng, n_resamples=100)["accuracy"]
    assert free.low < 0.75 < free.high


def test_one_patient_has_no_interval():
    found = patient_intervals(items([0, 1], [0, 1], ["a", "a"]), rng=np.random.default_rng(0))
    assert math.isnan(found["accuracy"].low)


def test_draws_without_a_class_are_left_out():
    found = patient_intervals(
        items([0, 1], [0.1, 0.9]), rng=np.random.default_rng(0), n_resamples=50
    )
    assert 0 < found["auroc"].n_resamples < 50
    only = patient_intervals(items([1, 1], [0.1, 0.9]), rng=np.random.default_rng(0), n_resamples=9)
    assert only["auroc"].n_resamples == 0

import math

import numpy as np
import pytest

from neurorun.core import ScoringError
from neurorun.evaluation import mean_over_both

pytestmark = pytest.mark.unit


def drawn(seed, *, n_trainings, n_patients, training_sd, patient_sd, noise_sd):
    """A table of random effects whose mean is 0."""
    rng = np.random.default_rng(seed)
    trainings = rng.normal(0, training_sd, (n_trainings, 1))
    patients = rng.normal(0, patient_sd, (1, n_patients))
    return trainings + patients + rng.normal(0, noise_sd, (n_trainings, n_patients))


@pytest.mark.parametrize(
    "effects",
    [
        {"training_sd": 0.0, "patient_sd": 1.0, "noise_sd": 0.5},
        {"training_sd": 1.0, "patient_sd": 0.0, "noise_sd": 0.5},
        {"training_sd": 1.0, "patient_sd": 3.0, "noise_sd": 0.5},
    ],
    ids=["patients", "trainings", "both"],
)
def test_the_interval_holds_the_truth_at_least_as_often_as_it_says(effects):
    """With many of both; the interval is then rather too wide than too narrow."""
    hits = 0
    for seed in range(200):
        values = drawn(seed, n_trainings=25, n_patients=40, **effects)
        found = mean_over_both(values, rng=np.random.default_rng(seed), n_draws=400)
        hits += found.low <= 0 <= found.high
    assert hits / 200 > 0.9


def test_the_value_is_the_mean_and_draws_are_repeatable():
    values = drawn(1, n_trainings=3, n_patients=7, training_sd=1, patient_sd=1, noise_sd=1)
    found = [mean_over_both(values, rng=np.random.default_rng(5)) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0].value == pytest.approx(values.mean())
    assert found[0].low < found[0].value < found[0].high
    assert found[0].n == 7


def test_patients_without_a_number_in_some_training_are_left_out():
    values = np.array([[1.0, 2.0, np.nan], [3.0, 4.0, 5.0]])
    found = mean_over_both(values, rng=np.random.default_rng(0))
    assert (found.value, found.n) == (2.5, 2)


@pytest.mark.parametrize("values", [np.ones((1, 5)), np.ones((5, 1)), np.full((3, 3), np.nan)])
def test_one_of_either_leaves_no_interval(values):
    found = mean_over_both(values, rng=np.random.default_rng(0))
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_nothing_has_no_mean():
    with pytest.raises(ScoringError, match="3 trainings and 0 patients have no mean; at least one"):
        mean_over_both(np.empty((3, 0)), rng=np.random.default_rng(0))

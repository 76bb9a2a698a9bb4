import math

import numpy as np
import pytest

from neurorun.core import ScoringError
from neurorun.evaluation.localization import ScoredExample, facet_values, mean_scores

pytestmark = pytest.mark.unit


def examples(*values, groups=None):
    return [
        ScoredExample(str(place), "MNE", group, {"SNR": f"{5 * place} dB"}, {"error": value})
        for place, (value, group) in enumerate(
            zip(values, groups or map(str, range(len(values))), strict=True)
        )
    ]


def summary(scored, n_resamples=500):
    rng = np.random.default_rng(0)
    return mean_scores(scored, ["error"], rng=rng, n_resamples=n_resamples)["error"]


def test_mean_leaves_out_what_is_undefined_and_counts_it():
    found = summary(examples(1.0, math.nan, 3.0))
    assert (found.mean, found.n_examples, found.n_groups) == (2.0, 3, 3)
    assert 1.0 <= found.interval.low <= 2.0 <= found.interval.high <= 3.0


def test_interval_is_that_of_drawn_means():
    values = np.random.default_rng(1).normal(size=40).tolist()
    found = summary(examples(*values), n_resamples=4000)
    rng = np.random.default_rng(2)
    drawn = [np.mean(rng.choice(values, 40)) for _ in range(4000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.interval.low == pytest.approx(low, abs=0.03)
    assert found.interval.high == pytest.approx(high, abs=0.03)


def test_groups_are_drawn_not_examples():
    scored = examples(*[0.0] * 10, *[1.0] * 10, groups=["a"] * 10 + ["b"] * 10)
    found = summary(scored)
    assert (found.interval.low, found.interval.high) == (0.0, 1.0)
    assert found.n_groups == 2


def test_one_group_has_no_interval():
    found = summary(examples(1.0, 2.0, groups=["a", "a"]))
    assert found.mean == 1.5
    assert math.isnan(found.interval.low)


def test_undefined_everywhere_is_undefined():
    found = summary(examples(math.nan, math.nan))
    assert math.isnan(found.mean)
    assert found.interval.n_resamples == 0


def test_no_example_is_refused():
    with pytest.raises(ScoringError, match=r"No example was scored"):
        summary([])


def test_facets_keep_their_order():
    assert facet_values(examples(1.0, 2.0), "SNR") == ("0 dB", "5 dB")

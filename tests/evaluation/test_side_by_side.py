import math

import numpy as np
import pytest

from neurorun.evaluation import ScoredModel, compare_models
from neurorun.evaluation.side_by_side import NO_RECIPE, NO_ROWS, NOT_AVERAGED

pytestmark = pytest.mark.unit

GROUPS = [f"p{n // 2}" for n in range(12)]


def model(found, missed=None):
    missed = [4 - n for n in found] if missed is None else missed
    rows = [{"tp": tp, "fn": fn} for tp, fn in zip(found, missed, strict=True)]
    return ScoredModel({"recall": sum(found) / (sum(found) + sum(missed)), "other": 0.5}, rows)


def compared(models, settings=None, **options):
    settings = settings or {name: [name] for name in models}
    return compare_models(
        ["recall"],
        models,
        settings=settings,
        groups=GROUPS,
        rng=np.random.default_rng(0),
        **options,
    )


GOOD, BAD = model([4, 3] * 6), model([1, 2] * 6)


def test_each_is_compared_with_the_first_or_all_with_all():
    models = {"A": GOOD, "B": BAD, "C": model([2, 2] * 6)}
    found = compared(models)
    assert [(one.first, one.second) for one in found.pairs] == [("A", "B"), ("A", "C")]
    every = compared(models, every_pair=True)
    assert [(one.first, one.second) for one in every.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert found.pairs[0].test.p_value == 2 / 2**6
    assert found.pairs[0].p_adjusted == 2 * 2 / 2**6
    assert found.of_models["A"]["recall"].value == 7 / 8
    assert found.of_models["A"]["recall"].n == 6


def test_same_seed_gives_the_same_numbers():
    assert compared({"A": GOOD, "B": BAD}) == compared({"A": GOOD, "B": BAD})


def test_trainings_of_the_same_settings_are_averaged_item_by_item():
    models = {"A1": GOOD, "A2": BAD, "B": BAD}
    found = compared(models, {"A": ["A1", "A2"], "B": ["B"]})
    (pair,) = found.pairs
    assert pair.test.difference == pytest.approx(3 / 8 - (7 / 8 + 3 / 8) / 2)
    mean = found.of_settings["A"]["recall"]
    assert (mean.value, mean.n) == (pytest.approx(5 / 8), 2)
    assert "B" not in found.of_settings


def test_what_cannot_be_tested_has_a_reason():
    bare = ScoredModel({"recall": 0.5}, [])
    found = compared({"A": GOOD, "B": bare})
    assert found.untested == {"recall": NO_ROWS}
    assert math.isnan(found.of_models["B"]["recall"].low)
    assert not math.isnan(found.of_models["A"]["recall"].low)
    among = compared({"A": GOOD, "B": bare, "C": BAD})
    assert [(one.first, one.second) for one in among.pairs] == [("A", "C")]
    wrong = ScoredModel({"recall": 0.123}, GOOD.rows)
    assert compared({"A": GOOD, "B": wrong}).untested == {"recall": NO_RECIPE}


def test_ranks_are_not_averaged_over_trainings():
    rows = [
        {"file": str(n), "true_label": "ab"[n % 2], "probability": 0.25 + 0.5 * (n % 2)}
        for n in range(12)
    ]
    one = ScoredModel({"auroc": 1.0}, rows)
    options = {"groups": GROUPS, "rng": np.random.default_rng(0), "n_swaps": 64}
    single = compare_models(
        ["auroc"], {"A": one, "B": one}, settings={"A": ["A"], "B": ["B"]}, **options
    )
    assert single.pairs[0].test.p_value == 1.0
    several = compare_models(
        ["auroc"], {"A": one, "B": one, "C": one}, settings={"A": ["A", "B"], "C": ["C"]}, **options
    )
    assert several.untested == {"auroc": NOT_AVERAGED}

"""Several models on the same items: intervals of metrics, tests of differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Int64

from neurorun.evaluation.item_metrics import ItemMetric, Numbers, Row, common_recipe, recipe_for
from neurorun.evaluation.paired import (
    LEVEL,
    N_DRAWS,
    N_SWAPS,
    Estimate,
    PairedTest,
    compare_paired,
    estimate_metric,
    group_indices,
    holm,
    mean_over_trainings,
)

NO_RECIPE = "its values cannot be made again from rows of single items"
NO_ROWS = "no rows of single items were kept"
NOT_AVERAGED = "it ranks items, which cannot be averaged over several trainings"


@dataclass(frozen=True)
class ScoredModel:
    """One trained model.

    Parameters
    ----------
    values : recorded metrics by name
    rows : one per scored item, in the same order for every model; empty where none were kept
    """

    values: Mapping[str, float]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class PairResult:
    """The difference of two settings in one metric.

    Parameters
    ----------
    first, second : names of the settings; the difference is second minus first
    p_adjusted : by Holm's method over all pairs and metrics tested
    """

    metric: str
    first: str
    second: str
    test: PairedTest
    p_adjusted: float


@dataclass(frozen=True)
class SideBySide:
    """What can be said about several models.

    Parameters
    ----------
    of_models : by model and metric, with an interval over groups of items where rows allow it
    of_settings : by settings that were trained more than once, and metric: mean over trainings
    pairs : tests of differences, adjusted together
    untested : metrics without a test, with the reason
    n_draws, level : how often groups were drawn for an interval, and the share inside it
    """

    of_models: Mapping[str, Mapping[str, Estimate]]
    of_settings: Mapping[str, Mapping[str, Estimate]]
    pairs: tuple[PairResult, ...]
    untested: Mapping[str, str]
    n_draws: int
    level: float


def compare_models(
    metrics: Sequence[str],
    models: Mapping[str, ScoredModel],
    *,
    settings: Mapping[str, Sequence[str]],
    groups: Sequence[str],
    rng: np.random.Generator,
    every_pair: bool = False,
    n_draws: int = N_DRAWS,
    n_swaps: int = N_SWAPS,
) -> SideBySide:
    """Measure models side by side.

    Several trainings of the same settings are compared with others through the mean of their
    counts per item; the intervals of differences tell how far these trained models would move
    with other patients, not with another training.

    Parameters
    ----------
    metrics : names
    models : by name
    settings : names of models by the settings that they share, first the reference
    groups : of every item, in the order of the rows
    rng : decides draws and swaps
    every_pair : test all pairs of settings, not only each against the first

    Examples
    --------
    >>> from neurorun.evaluation import ScoredModel, compare_models
    >>> rows = [[{"tp": n, "fn": 4 - n} for n in counts] for counts in ((1, 2), (3, 4))]
    >>> models = {
    ...     "A": ScoredModel({"recall": 3 / 8}, rows[0]),
    ...     "B": ScoredModel({"recall": 7 / 8}, rows[1]),
    ... }
    >>> found = compare_models(
    ...     ["recall"],
    ...     models,
    ...     settings={"A": ["A"], "B": ["B"]},
    ...     groups=["anna", "bert"],
    ...     rng=np.random.default_rng(0),
    ... )
    >>> found.pairs[0].test.difference, found.pairs[0].test.p_value
    (0.5, 0.5)
    """
    numbered = group_indices(groups)
    pairs, untested = [], {}
    for metric in metrics:
        made = _tests(
            metric, models, settings, numbered,
            rng=rng, every_pair=every_pair, n_draws=n_draws, n_swaps=n_swaps,
        )  # fmt: skip
        if isinstance(made, str):
            untested[metric] = made
        else:
            pairs += made
    adjusted = holm([pair.test.p_value for pair in pairs])
    return SideBySide(
        of_models={
            name: {
                metric: _estimate(model, metric, numbered, rng=rng, n_draws=n_draws)
                for metric in metrics
            }
            for name, model in models.items()
        },
        of_settings={
            name: {
                metric: mean_over_trainings([models[one].values[metric] for one in members])
                for metric in metrics
            }
            for name, members in settings.items()
            if len(members) > 1
        },
        pairs=tuple(replace(one, p_adjusted=p) for one, p in zip(pairs, adjusted, strict=True)),
        untested=untested,
        n_draws=n_draws,
        level=LEVEL,
    )


def _estimate(
    model: ScoredModel,
    metric: str,
    groups: Int64[np.ndarray, " items"],
    *,
    rng: np.random.Generator,
    n_draws: int,
) -> Estimate:
    value = model.values[metric]
    recipe = recipe_for(metric, model.rows, value) if len(model.rows) == len(groups) else None
    numbers = recipe.numbers(model.rows) if recipe else None
    if recipe is None or numbers is None:
        return Estimate(value, float("nan"), float("nan"), 0)
    return estimate_metric(recipe, numbers, groups, rng=rng, n_draws=n_draws)


def _tests(
    metric: str,
    models: Mapping[str, ScoredModel],
    settings: Mapping[str, Sequence[str]],
    groups: Int64[np.ndarray, " items"],
    *,
    rng: np.random.Generator,
    every_pair: bool,
    n_draws: int,
    n_swaps: int,
) -> list[PairResult] | str:
    """Tests of one metric, or why there are none."""
    settings = {
        name: members
        for name, members in settings.items()
        if all(models[one].rows for one in members)
    }
    if len(settings) < 2:
        return NO_ROWS
    tested = [models[one] for members in settings.values() for one in members]
    scored = [(model.rows, model.values[metric]) for model in tested]
    recipe = common_recipe(metric, scored)
    if recipe is None:
        return NO_RECIPE
    if not recipe.averages and any(len(members) > 1 for members in settings.values()):
        return NOT_AVERAGED
    numbers = {name: _mean_numbers(recipe, models, of) for name, of in settings.items()}
    return [
        PairResult(
            metric, first, second,
            compare_paired(
                recipe, numbers[first], numbers[second], groups,
                rng=rng, n_draws=n_draws, n_swaps=n_swaps,
            ),
            p_adjusted=float("nan"),
        )
        for first, second in _pairs_of(tuple(settings), every_pair=every_pair)
    ]  # fmt: skip


def _mean_numbers(
    recipe: ItemMetric, models: Mapping[str, ScoredModel], names: Sequence[str]
) -> Numbers:
    read = [recipe.numbers(models[name].rows) for name in names]
    found: np.ndarray = np.mean([numbers for numbers in read if numbers is not None], axis=0)
    return found


def _pairs_of(names: Sequence[str], *, every_pair: bool) -> Iterator[tuple[str, str]]:
    return (pair for pair in combinations(names, 2) if every_pair or pair[0] == names[0])

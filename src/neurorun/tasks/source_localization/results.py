"""What source localization measured on one split, and how a run folder keeps it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from torch import nn

from neurorun.core import SILENT, Progress
from neurorun.evaluation import (
    MeanScore,
    ScoredExample,
    facet_values,
    localization_metrics,
    mean_scores,
    peaks_of,
    strengths_of,
)
from neurorun.runs import Cell, Cortex, KeptEstimate, MethodEstimate, RunWriter
from neurorun.simulation import Anatomy, SourceExample, SourceExamples
from neurorun.tasks.source_localization.anatomy import cortex_of
from neurorun.tasks.source_localization.scoring import (
    MODEL,
    Bench,
    Estimate,
    Scored,
    estimates_of,
    groups_of,
    score_network,
    truth_of,
)

COMPARISON = "localization"
"""Name of the table of means by method, metric and circumstance."""
METHOD = "single estimates, mean over examples, groups drawn for intervals"


@dataclass(frozen=True)
class LocalizationResults:
    """Scores of a network on one split, linear inverses beside it.

    Parameters
    ----------
    split : the split, or the name of other data
    metrics : means over the examples, of the network
    methods : how they were measured
    rows : one per example
    comparison : means of every method, in all and by circumstance
    cortex, kept : for pictures; None and empty where there is nothing to draw on
    """

    split: str
    metrics: Mapping[str, float]
    methods: Mapping[str, str]
    rows: tuple[Mapping[str, Cell], ...]
    comparison: tuple[Mapping[str, Cell], ...]
    cortex: Cortex | None = None
    kept: tuple[KeptEstimate, ...] = ()

    def keep(self, record: RunWriter, *, epoch: int) -> None:
        """Write what the best checkpoint gives on the split into its run.

        The cortex is the same for every split and is kept once, with validation.

        Parameters
        ----------
        epoch : of the best checkpoint; the files tell it by the run's best epoch
        """
        del epoch
        record.write_predictions(self.rows, split=self.split)
        kept = record.of(self.split)
        kept.write_table(COMPARISON, self.comparison, caption=_caption(self.split))
        if self.cortex is not None and self.split == "validation":
            kept.write_cortex(self.cortex)
        for one in self.kept:
            kept.write_estimate(one)


def _caption(split: str) -> str:
    return (
        f"Means over the examples of {split}, in all and by circumstance, of the model and of "
        "linear inverses that know the level of the noise; intervals hold 95 % of the means that "
        "would have been found if other groups of examples had been drawn. The model was trained "
        "on examples of the same simulation, linear inverses on none: elsewhere it may gain less."
    )


def results_of(
    model: nn.Module,
    examples: SourceExamples,
    bench: Bench,
    *,
    split: str,
    seed: int,
    anatomy: Anatomy | None,
    progress: Progress = SILENT,
) -> LocalizationResults:
    """Score a network on a split with linear inverses beside it, and take some estimates to draw.

    Parameters
    ----------
    model : in evaluation mode
    split : the split, or the name of other data
    seed : of the draws behind the intervals
    anatomy : to draw on; without one no estimate is taken

    Raises
    ------
    DataError : no example has a source
    """
    groups = groups_of(examples, split)
    baselines, n_kept = bench.config.baselines, bench.config.save_estimates
    scored = score_network(model, examples, groups, bench, baselines=baselines, progress=progress)
    cortex = None if anatomy is None or not n_kept else cortex_of(anatomy)
    kept = () if cortex is None else _taken(model, examples, bench, scored, list(groups))
    return LocalizationResults(
        split=split,
        metrics=mean_metrics(scored, bench),
        methods={"localization": METHOD},
        rows=tuple(_row(one) for one in scored.of(MODEL)),
        comparison=tuple(_comparison(scored, bench, seed)),
        cortex=cortex,
        kept=kept,
    )


def _taken(
    model: nn.Module, examples: SourceExamples, bench: Bench, scored: Scored, names: Sequence[str]
) -> tuple[KeptEstimate, ...]:
    """Estimates of a few examples, by all methods."""
    rows = chosen_rows(scored, bench.config.save_estimates)
    found = estimates_of(model, examples, bench.batch_size, rows)
    return tuple(
        keep_example(
            names[row],
            example,
            {MODEL: estimate}
            | {one: bench.estimate(one, example) for one in bench.config.baselines},
            bench,
        )
        for row, example, estimate in found
    )


def mean_metrics(scored: Scored, bench: Bench) -> dict[str, float]:
    """Mean of every metric of the network over the examples in which it is defined."""
    examples = scored.of(MODEL)
    values = {name: np.array([one.scores[name] for one in examples]) for name in _names(bench)}
    means = {name: _mean(some[~np.isnan(some)]) for name, some in values.items()}
    return {**means, "mse": scored.mse, "mae": scored.mae}


def _mean(defined: Float64[np.ndarray, " some"]) -> float:
    return float(defined.mean()) if defined.size else math.nan


def _names(bench: Bench) -> list[str]:
    return [metric.name for metric in localization_metrics(bench.config)]


def _means(examples: Sequence[ScoredExample], bench: Bench, seed: int) -> dict[str, MeanScore]:
    rng = np.random.default_rng(seed)
    return mean_scores(examples, _names(bench), rng=rng, n_resamples=bench.config.n_resamples)


def _row(one: ScoredExample) -> dict[str, Any]:
    return {"example": one.example, "group": one.group, **one.facets, **one.scores}


def _comparison(scored: Scored, bench: Bench, seed: int) -> list[dict[str, Any]]:
    """One row per method, circumstance and metric; all methods see the same draws."""
    rows: list[dict[str, Any]] = []
    for method in dict.fromkeys(one.method for one in scored.examples):
        examples = scored.of(method)
        parts = {("all", "all"): examples}
        for facet in examples[0].facets:
            for value in sorted(facet_values(examples, facet), key=_in_order):
                parts[facet, value] = tuple(one for one in examples if one.facets[facet] == value)
        for (facet, value), some in parts.items():
            rows += [
                _mean_row(name, mean, method=method, by=facet, value=value)
                for name, mean in _means(some, bench, seed).items()
            ]
    return rows


def _in_order(value: str) -> tuple[float, str]:
    """Numbers by size, words by themselves."""
    first = value.partition(" ")[0]
    return (float(first) if first.lstrip("-").isdigit() else math.inf, value)


def _mean_row(name: str, mean: MeanScore, *, method: str, by: str, value: str) -> dict[str, Any]:
    return {
        "method": method,
        "by": by,
        "value": value,
        "metric": name,
        "mean": mean.mean,
        "low": mean.interval.low,
        "high": mean.interval.high,
        "n_examples": mean.n_examples,
        "n_groups": mean.n_groups,
    }


def chosen_rows(scored: Scored, n: int) -> list[int]:
    """Places of some examples, from the worst to the best by average precision of the network."""
    ranked = sorted(
        zip(scored.of(MODEL), scored.rows, strict=True),
        key=lambda one: one[0].scores["average_precision"],
    )
    places = np.linspace(0, len(ranked) - 1, min(n, len(ranked))).round().astype(int)
    return [ranked[place][1] for place in dict.fromkeys(places.tolist())]


def keep_example(
    name: str, example: SourceExample, estimates: Mapping[str, Estimate], bench: Bench
) -> KeptEstimate:
    """Keep maps of all methods, and courses near each source.

    Parameters
    ----------
    estimates : by method, the network's first
    bench : with an anatomy
    """
    truth = truth_of(example)
    centres = np.array([int(one[0]) for one in truth.sources])
    n_regions = len(example.target)
    return KeptEstimate(
        example=name,
        snr_db=example.snr_db,
        rate_hz=SourceExamples.rate_hz,
        centres=centres,
        active=np.flatnonzero(truth.active(n_regions)),
        strengths=strengths_of(example.target.T).astype(np.float32),
        at_centre=np.ascontiguousarray(example.target[centres]),
        methods=tuple(
            _kept_method(method, estimate, example, bench) for method, estimate in estimates.items()
        ),
    )


def _kept_method(
    method: str, estimate: Estimate, example: SourceExample, bench: Bench
) -> MethodEstimate:
    assert bench.space is not None
    truth, strengths = truth_of(example), strengths_of(estimate)
    peaks = np.array(
        [int(one[0]) for one in peaks_of(strengths, truth.sources, bench.space.distance_mm)]
    )
    centres = [int(one[0]) for one in truth.sources]
    return MethodEstimate(
        method=method,
        strengths=strengths.astype(np.float32),
        at_centre=estimate.T[centres].astype(np.float32),
        at_peak=estimate.T[peaks].astype(np.float32),
        peaks=peaks,
        error_mm=bench.score(estimate, example)["peak_error_mm"],
    )

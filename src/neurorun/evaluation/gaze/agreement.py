"""Agreement of attention with gaze, beside what it has to beat and what it cannot exceed.

A number alone says little: readers favour the same channels in every recording, and gaze agrees
only so far with itself. Each measure stands beside three baselines (the gaze of other recordings,
their mean map, the envelope of the signal) and a ceiling (one half of the fixations against the
other).

References
----------
.. [1] Bylinskii et al., see `neurorun.evaluation.gaze.measures`.
.. [2] Kümmerer, Wallis, Bethge, "Information-theoretic model comparison unifies saliency metrics",
   PNAS 112(52), 2015: maps become densities by mixing with a uniform one, the readers' own too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from neurorun.core import ScoringError
from neurorun.evaluation.gaze.measures import (
    divergence,
    gaze_correlation,
    information_gain,
    judd_area,
    scanpath_saliency,
    shuffled_area,
    similarity,
)

Grid = Float64[np.ndarray, "channels bins"]
_AnyGrid = Float64[np.ndarray, "_ _"]

GAZE_MEASURES = (
    "cc", "sim", "kl", "nss", "auc", "shuffled_auc", "information_gain", "cc_time", "cc_channels",
)  # fmt: skip
"""Names of the measures; ``cc_time`` and ``cc_channels`` are correlations of the marginals."""

EVENLY = 0.1
"""Share of every map, whosever it is, that is spread evenly before KL and information gain."""

GAZE_BASELINES = ("other_gaze", "mean_gaze", "envelope")
GAZE_SOURCES = ("model", *GAZE_BASELINES, "ceiling")
"""Whose map is compared with the gaze."""


@dataclass(frozen=True, eq=False)
class GazeComparison:
    """One window whose attention is to be compared with its reader's gaze.

    Parameters
    ----------
    name : of the window
    attention, gaze, fixations, envelope : on one grid; ``gaze`` is drawn from all fixations
    halves : gaze maps of every second fixation, and of the others
    half_fixations : counts of the same
    """

    name: str
    attention: _AnyGrid
    gaze: _AnyGrid
    fixations: _AnyGrid
    envelope: _AnyGrid
    halves: tuple[_AnyGrid, _AnyGrid]
    half_fixations: tuple[_AnyGrid, _AnyGrid]

    def __post_init__(self) -> None:
        shapes = {
            part.shape
            for part in (self.attention, self.gaze, self.fixations, self.envelope, *self.halves)
        }
        if len(shapes) != 1:
            raise ScoringError(
                f"The maps of '{self.name}' have the shapes {sorted(shapes)}; one grid is needed."
            )


Measured = Mapping[str, float]


@dataclass(frozen=True)
class GazeAgreement:
    """Measures of every window, by whose map was compared.

    Parameters
    ----------
    by_window : window, then source, then measure
    """

    by_window: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)

    def mean(self, source: str, measure: str) -> float:
        """Mean over windows in which it is defined; NaN if it is in none."""
        values = [found[source][measure] for found in self.by_window.values()]
        known = [value for value in values if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan

    def rows(self) -> list[dict[str, str | float]]:
        """One row per source, with the mean of every measure."""
        return [
            {"source": source, **{name: self.mean(source, name) for name in GAZE_MEASURES}}
            for source in (GAZE_SOURCES if self.by_window else ())
        ]


def measure_agreement(
    comparisons: Sequence[GazeComparison], *, mean_gaze: _AnyGrid | None = None
) -> GazeAgreement:
    """Compare attention, baselines and one half of the gaze with the gaze of every window.

    Parameters
    ----------
    comparisons : of windows with gaze
    mean_gaze : mean gaze map of the training recordings; None takes that of the other windows here
        Cut or repeated at its end where a window has another length.

    Returns
    -------
    With one window, measures that need others are NaN.
    """
    return GazeAgreement(
        {one.name: _measure(one, _others(one, comparisons), mean_gaze) for one in comparisons}
    )


def _others(one: GazeComparison, all_: Sequence[GazeComparison]) -> list[GazeComparison]:
    return [other for other in all_ if other.name != one.name]


def _measure(
    one: GazeComparison, others: Sequence[GazeComparison], mean_gaze: _AnyGrid | None
) -> dict[str, dict[str, float]]:
    n_bins = one.gaze.shape[1]
    elsewhere = sum((_fitted(o.fixations, n_bins) for o in others), np.zeros_like(one.gaze))
    if mean_gaze is None and others:
        mean_gaze = np.mean([_fitted(o.gaze, n_bins) for o in others], axis=0)
    reference = np.full_like(one.gaze, math.nan) if mean_gaze is None else mean_gaze
    reference = _fitted(reference, n_bins)
    measured = {
        "model": _all(one.attention, one.gaze, one.fixations, elsewhere, reference),
        "mean_gaze": _all(reference, one.gaze, one.fixations, elsewhere, reference),
        "envelope": _all(one.envelope, one.gaze, one.fixations, elsewhere, reference),
        "ceiling": _all(one.halves[0], one.halves[1], one.half_fixations[1], elsewhere, reference),
    }
    by_other = [
        _all(_fitted(o.gaze, n_bins), one.gaze, one.fixations, elsewhere, reference) for o in others
    ]
    measured["other_gaze"] = {name: _mean([m[name] for m in by_other]) for name in GAZE_MEASURES}
    return {source: measured[source] for source in GAZE_SOURCES}


def _all(
    attention: Grid, gaze: Grid, fixations: Grid, elsewhere: Grid, baseline: Grid
) -> dict[str, float]:
    if np.isnan(attention).any():
        return dict.fromkeys(GAZE_MEASURES, math.nan)
    over_time = (attention.mean(axis=0, keepdims=True), gaze.mean(axis=0, keepdims=True))
    over_channels = (attention.mean(axis=1, keepdims=True), gaze.mean(axis=1, keepdims=True))
    gain, density = math.nan, _as_density(attention)
    if not np.isnan(baseline).any():
        gain = information_gain(density, fixations, _as_density(baseline))
    return {
        "cc": gaze_correlation(attention, gaze),
        "sim": similarity(attention, gaze),
        "kl": divergence(density, gaze),
        "nss": scanpath_saliency(attention, fixations),
        "auc": judd_area(attention, fixations),
        "shuffled_auc": shuffled_area(attention, fixations, elsewhere),
        "information_gain": gain,
        "cc_time": gaze_correlation(*over_time),
        "cc_channels": gaze_correlation(*over_channels),
    }


def _as_density(values: Grid) -> Grid:
    """A tenth of every map is spread evenly, so that no cell is impossible to it [2]_.

    Without it one fixation on an empty cell of a sparse map, such as half of the gaze, would decide
    the logarithms of KL and information gain.
    """
    return np.asarray((1 - EVENLY) * values + EVENLY * values.mean())


def _fitted(grid: _AnyGrid, n_bins: int) -> _AnyGrid:
    """Cut a grid to some bins, or hold its last one."""
    missing = n_bins - grid.shape[1]
    return grid[:, :n_bins] if missing <= 0 else np.pad(grid, ((0, 0), (0, missing)), mode="edge")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan

"""Score estimates of a network, and of linear inverses beside it, example by example."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Integer
from torch import nn

from neurorun.core import SILENT, DataError, Progress, fingerprint_of
from neurorun.evaluation import (
    InverseName,
    LinearInverse,
    LocalizationConfig,
    ScoredExample,
    Sensors,
    SourceSpace,
    Truth,
    linear_inverse,
    score_estimate,
)
from neurorun.simulation import SourceExample, SourceExamples
from neurorun.tasks.source_localization.objective import figures

logger = logging.getLogger(__name__)

MODEL = "model"
"""What the trained network is called among the methods."""
SNR_STEP_DB = 5.0
"""Levels of noise by which examples are told apart."""


@dataclass(frozen=True)
class Bench:
    """Everything that examples of one leadfield are scored with.

    Parameters
    ----------
    leadfield : from regions to channels
    space : where the regions are; None if no anatomy is known
    config : the section ``evaluation``
    batch_size : examples that the network sees at once
    """

    leadfield: Float64[np.ndarray, "channels regions"]
    space: SourceSpace | None
    config: LocalizationConfig
    batch_size: int
    _inverses: dict[tuple[InverseName, float], LinearInverse] = field(default_factory=dict)

    def inverse(self, method: InverseName, snr_db: float) -> LinearInverse:
        """Linear inverse for white noise at the nearest whole decibel, made when first needed."""
        key = (method, float(round(snr_db)))
        if key not in self._inverses:
            self._inverses[key] = linear_inverse(self.leadfield, method, snr_db=key[1])
        return self._inverses[key]

    def estimate(self, method: InverseName, example: SourceExample) -> "Estimate":
        """Estimate of a linear inverse, which is told the level of the noise."""
        eeg = np.ascontiguousarray(example.eeg.T)
        return self.inverse(method, example.snr_db)(eeg)

    def score(self, estimate: "Estimate", example: SourceExample) -> dict[str, float]:
        """Measure an estimate of an example."""
        return score_estimate(
            estimate,
            truth_of(example),
            self.space,
            rate_hz=SourceExamples.rate_hz,
            sensors=Sensors(example.eeg.T, self.leadfield),
            config=self.config,
        )

    @cached_property
    def eccentricity_mm(self) -> Float64[np.ndarray, " regions"] | None:
        """Of every region; None without an anatomy."""
        return None if self.space is None else self.space.eccentricity_mm


Estimate = Float[np.ndarray, "samples regions"]


@dataclass(frozen=True)
class Scored:
    """What a network gave on a split.

    Parameters
    ----------
    mse, mae : mean squared and mean absolute error over all examples
    examples : scores of every example that has a source, by every method
    rows : place of each such example in its split
    """

    mse: float
    mae: float
    examples: tuple[ScoredExample, ...]
    rows: tuple[int, ...]

    def of(self, method: str) -> tuple[ScoredExample, ...]:
        """Scores of one method."""
        return tuple(one for one in self.examples if one.method == method)


def groups_of(examples: SourceExamples, split: str) -> dict[str, str]:
    """Names of the examples of a split, in their order, each with a hash of its sources' regions.

    Parameters
    ----------
    split : the names begin with it, since rows of several plans have the same numbers
    """
    plan, rows = examples.plan, examples.maker.row_ids.tolist()
    return {
        f"{split} row {row}": f"sources {_hash_of(plan.regions[place])}"
        for place, row in enumerate(rows)
    }


def _hash_of(regions: Integer[np.ndarray, "sources width"]) -> str:
    """Hash that knows neither how regions are filled up nor their width in memory."""
    listed = [row[row >= 0].tolist() for row in regions]
    return fingerprint_of(sorted(row for row in listed if row))[:12]


def truth_of(example: SourceExample) -> Truth:
    """What an example holds; two sources with one centre are one."""
    merged: dict[int, np.ndarray] = {}
    for centre, regions in zip(example.centres, example.patches, strict=True):
        others = regions[regions != centre]
        known = merged.get(centre, np.array([centre], dtype=np.int64))
        merged[centre] = np.concatenate([known, others[~np.isin(others, known)]])
    return Truth(tuple(merged.values()), example.target.T)


def score_network(
    model: nn.Module,
    examples: SourceExamples,
    groups: Mapping[str, str],
    bench: Bench,
    *,
    baselines: Sequence[InverseName] = (),
    progress: Progress = SILENT,
) -> Scored:
    """Score a network on every example of a split, and linear inverses beside it.

    Parameters
    ----------
    model : in evaluation mode
    groups : names of the examples, in their order, with what they have in common
    baselines : linear inverses

    Raises
    ------
    DataError : no example has a source
    """
    names = list(groups.items())
    found: list[ScoredExample] = []
    rows: list[int] = []
    losses: list[dict[str, float]] = []
    with progress.phase("Scoring examples", len(examples)) as advance:
        for row, example, estimate in estimates_of(model, examples, bench.batch_size):
            losses.append(_losses(estimate, example))
            if any(one.size for one in example.patches):
                rows.append(row)
                found += _scored(bench, example, estimate, names[row], baselines)
            advance()
    if not found:
        raise DataError(
            f"None of the {len(examples)} examples holds a source, so nothing can be scored; check "
            "the source plan and the waveforms that it names."
        )
    if len(rows) < len(examples):
        logger.warning("%d examples hold no source and are not scored.", len(examples) - len(rows))
    return Scored(
        mse=math.fsum(one["loss"] for one in losses) / len(losses),
        mae=math.fsum(one["mae"] for one in losses) / len(losses),
        examples=tuple(found),
        rows=tuple(rows),
    )


def estimates_of(
    model: nn.Module, examples: SourceExamples, batch_size: int, rows: Sequence[int] | None = None
) -> Iterator[tuple[int, SourceExample, Float32[np.ndarray, "samples regions"]]]:
    """Estimate examples of a split, always the same ones, in batches."""
    wanted = list(range(len(examples))) if rows is None else list(rows)
    device = next(model.parameters()).device
    for first in range(0, len(wanted), batch_size):
        places = wanted[first : first + batch_size]
        some = [examples.example(row) for row in places]
        eeg = torch.from_numpy(np.stack([one.eeg for one in some])).to(device)
        with torch.no_grad():
            estimates = model(eeg.transpose(1, 2)).float().cpu().numpy()
        yield from zip(places, some, estimates, strict=True)


def _losses(
    estimate: Float32[np.ndarray, "samples regions"], example: SourceExample
) -> dict[str, float]:
    found = figures(torch.from_numpy(estimate)[None], torch.from_numpy(example.target)[None])
    return {name: float(value) for name, value in found.items()}


def _scored(
    bench: Bench,
    example: SourceExample,
    estimate: Float32[np.ndarray, "samples regions"],
    named: tuple[str, str],
    baselines: Sequence[InverseName],
) -> Iterator[ScoredExample]:
    name, group = named
    facets = _facets(example, bench)
    yield ScoredExample(name, MODEL, group, facets, bench.score(estimate, example))
    for method in baselines:
        scores = bench.score(bench.estimate(method, example), example)
        yield ScoredExample(name, method, group, facets, scores)


def _facets(example: SourceExample, bench: Bench) -> dict[str, str]:
    n_sources = len(set(example.centres))
    facets = {
        "noise": f"{SNR_STEP_DB * round(example.snr_db / SNR_STEP_DB):g} dB",
        "sources": "1 source" if n_sources == 1 else f"{n_sources} sources",
    }
    if bench.space is not None and bench.eccentricity_mm is not None:
        deepest = float(min(bench.eccentricity_mm[centre] for centre in example.centres))
        facets["deepest source"] = bench.space.third_of(deepest)
    return facets

"""Tables of the page: scores, operating points, confusion, data, origin."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neurorun.core import Metric
from neurorun.reporting.facts import Facts
from neurorun.reporting.words import (
    count_in_words,
    duration_in_words,
    number_in_words,
    percent,
    unit_in_words,
)
from neurorun.runs import ChosenPoint, Metadata


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One metric as the page shows it, with its value on every split."""

    name: str
    values: tuple[str, ...]
    unit: str
    better: str
    definition: str
    monitored: bool


@dataclass(frozen=True, slots=True)
class PointLine:
    """One operating point as the page shows it; no values where it was not reached.

    Parameters
    ----------
    allowed : stated rate of false alarms
    values : threshold at which events start, below which they end; then per split the sensitivity
        and the rate that was measured
    """

    allowed: str
    values: tuple[str, ...]
    monitored: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A cell of the confusion table: an amount, and its share of the row in 0 to 1."""

    amount: str
    percent: str
    share: float


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """Per annotated class, how much of it was taken for each class."""

    dataset: str
    epoch: int
    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Share, ...]], ...]
    as_time: bool


def score_lines(facts: Facts) -> list[ScoreLine]:
    """Declared metrics on validation at the best epoch, and on every other split.

    Metrics at operating points are left out where the table of these points shows them.
    """
    shown = {metric.name for point in facts.points for metric in metrics_at(point, facts)}
    others = [scores.metrics for scores in facts.scores.values()]
    validation = {metric.name: value for metric, value in facts.validation.items()}
    return [
        ScoreLine(
            name=metric.name,
            values=tuple(_cell(metric.name, found) for found in (validation, *others)),
            unit=unit_in_words(metric.unit),
            better=metric.better,
            definition=metric.definition,
            monitored=metric.name == facts.record.monitor,
        )
        for metric in facts.record.metrics
        if metric.name not in shown and any(metric.name in one for one in (validation, *others))
    ]


def _cell(name: str, found: Mapping[str, float]) -> str:
    return number_in_words(found[name]) if name in found else "not measured"


def metrics_at(point: ChosenPoint, facts: Facts) -> list[Metric]:
    """The metrics that were measured at an operating point; their names end alike."""
    ending = point.metric[point.metric.index("_at_") :] if "_at_" in point.metric else point.metric
    return [metric for metric in facts.record.metrics if metric.name.endswith(ending)]


def point_lines(facts: Facts) -> list[PointLine]:
    """The thresholds chosen for stated rates of false alarms, and what they gave on every split."""
    return [_point_line(point, facts) for point in facts.points]


def _point_line(point: ChosenPoint, facts: Facts) -> PointLine:
    metrics = metrics_at(point, facts)
    values = [point.tau_on, point.tau_off, point.sensitivity, point.false_alarms_per_day]
    cells = [number_in_words(value) for value in values]
    rates = [metric.name for metric in metrics if metric.name != point.metric]
    for scores in facts.scores.values():
        cells.append(_cell(point.metric, scores.metrics))
        cells.append(_cell(rates[0], scores.metrics) if rates else "not measured")
    return PointLine(
        allowed=f"{point.fa_rate:g}",
        values=tuple(cells) if point.reached else (),
        monitored=facts.record.monitor in {metric.name for metric in metrics},
    )


def point_definition(facts: Facts) -> str:
    """What the first row of the table of operating points is, in the words of its metric."""
    point = facts.points[0]
    found = [metric for metric in facts.record.metrics if metric.name == point.metric]
    if not found:
        return f"Events are counted by {point.method}."
    return f"The sensitivity of the first row is {point.metric}: {found[0].definition}"


def confusion_table(facts: Facts, *, as_time: bool) -> ConfusionTable | None:
    """What was taken for what on the split that the page shows first, else on the first.

    It is told as time where samples were counted, at the rate of the settings.
    """
    if not facts.confusions:
        return None
    shown = facts.shown[0].split
    of_shown = (one for one in facts.confusions if one.dataset.partition(",")[0] == shown)
    matrix = next(of_shown, facts.confusions[0])
    rate_hz = facts.number("data.sampling_rate") if as_time else None
    rows = tuple(
        (label, tuple(_share(count, sum(row), rate_hz) for count in row))
        for label, row in zip(matrix.classes, matrix.matrix, strict=True)
    )
    return ConfusionTable(
        matrix.dataset, matrix.epoch, matrix.classes, rows, as_time=rate_hz is not None
    )


def _share(count: int, total: int, rate_hz: float | None) -> Share:
    share = count / total if total else math.nan
    amount = f"{count:,}" if rate_hz is None else duration_in_words(count / rate_hz)
    return Share(amount, percent(share), 0.0 if math.isnan(share) else share)


def split_lines(facts: Facts) -> list[tuple[str, int, int]]:
    """Recordings and patients of every split; empty if they were not kept."""
    if facts.splits is None:
        return []
    patients = facts.splits.n_patients
    return [(name, len(some), patients[name]) for name, some in facts.splits.by_name.items()]


def example_sentences(facts: Facts, example: str) -> list[str]:
    """How many examples of which kind every dataset holds."""
    return [
        f"{one.dataset.replace('_', ' ')}: "
        + ", ".join(f"{count:,} {kind}" for kind, count in one.distribution.items() if count)
        + f" ({count_in_words(one.total_samples, example)})"
        for one in facts.examples
    ]


def left_out_items(facts: Facts) -> list[tuple[str, str]]:
    """What could not be used, each with the reason."""
    data = {} if facts.metadata is None else facts.metadata.data
    found = [*_left_out(data.get("caches", {})), *_left_out({"all": data})]
    return sorted({(str(name), str(reason)) for name, reason in found})


def _left_out(caches: Any) -> Iterator[tuple[Any, Any]]:
    """Find the left out in what a task recorded of its caches; other tasks record other things."""
    for cache in caches.values() if isinstance(caches, Mapping) else ():
        left_out = cache.get("left_out") if isinstance(cache, Mapping) else None
        if isinstance(left_out, Mapping):
            yield from left_out.items()


def origin_lines(facts: Facts) -> dict[str, str]:
    """Where and from what the run was made."""
    record = facts.record
    lines = {
        "run": record.run_id,
        "command": " ".join(record.command) or "not recorded",
        "started": _moment(record.started_at),
        "ended": _moment(record.finished_at) if record.finished_at else "not yet",
        "training took": _took(facts),
        "taken up again": _resumptions(facts),
        "seed": "not recorded" if record.seed is None else str(record.seed),
        "neurorun": record.neurorun_version,
    }
    return lines | (_surroundings(facts.metadata) if facts.metadata else {})


def _moment(timestamp: str) -> str:
    """Time to the second, in UTC as it was recorded.

    >>> _moment("2026-01-14T09:30:12.123456+00:00")
    '2026-01-14 09:30:12 UTC'
    """
    return f"{timestamp[:19].replace('T', ' ')} UTC"


def _took(facts: Facts) -> str:
    elapsed_s = facts.epochs[-1].values.get("elapsed_s", math.nan) if facts.epochs else math.nan
    return "not measured" if math.isnan(elapsed_s) else duration_in_words(elapsed_s)


def _resumptions(facts: Facts) -> str:
    found = [f"{_moment(one.at)} after epoch {one.after_epoch}" for one in facts.record.resumptions]
    return "; ".join(found) or "never"


def _surroundings(metadata: Metadata) -> dict[str, str]:
    environment, source = metadata.environment, metadata.source
    torch = environment.torch
    gpus = [gpu.name for gpu in torch.gpus] if torch else []
    return {
        "Python": environment.python,
        "PyTorch": torch.version if torch else "not recorded",
        "machine": f"{environment.os}, {environment.cpu}",
        "GPU": ", ".join(gpus) or "none recorded",
        "source": _commit(source.commit, source.state),
    }


def _commit(commit: str | None, state: str) -> str:
    return f"commit {commit}, {state}" if commit else state

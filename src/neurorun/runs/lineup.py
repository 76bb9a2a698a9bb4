"""Several runs side by side: what is compared, in what they differ, and why some may not be.

Numbers of two runs mean the same only if they answer the same question on the same items by the
same definition. What is known to differ there is refused; what was not recorded is said.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorun.core import Metric, NeurorunError, RunError, nearest_of, to_json
from neurorun.runs.difference import ABSENT, flat
from neurorun.runs.run import Run, open_run
from neurorun.runs.splits import SPLITS
from neurorun.runs.table import Cell

NOT_OF_RESULT = (
    "experiment.seed", "experiment.name", "experiment.description", "experiment.output_dir",
    "experiment.run_name", "experiment.log_level", "experiment.wandb", "experiment.mlflow",
    "logging", "seed", "evaluation.save_plots", "evaluation.save_predictions",
)  # fmt: skip
"""Settings, and sections, that change no number but by chance; runs that differ in them alone are
trainings of the same settings."""

_OF_REFERENCE = ("duration_s", "observed_s", "n_reference", "true_label")
"""Columns of scored items that annotation alone decides."""


@dataclass(frozen=True, eq=False)
class Contender:
    """One run of a comparison.

    Parameters
    ----------
    label : short name: a letter for its settings, with a number where these were trained again
    metrics : by name, on the split that is compared
    items : one row per scored item by name of the item; empty where none were kept
    """

    label: str
    run: Run
    metrics: Mapping[str, float]
    items: Mapping[str, Mapping[str, Cell]]


@dataclass(frozen=True, eq=False)
class Lineup:
    """Runs that may be compared.

    Parameters
    ----------
    split : on which they are
    metrics : declarations, the monitored one of the first run first
    contenders : in the order given
    settings : runs with the same settings but for the seed, by letter
    differing : keys of settings, with the value of each run
    groups : patient (or other group) of every item, by item; empty where no run kept items
    notices : what limits the comparison, in sentences
    """

    split: str
    metrics: tuple[Metric, ...]
    contenders: tuple[Contender, ...]
    settings: Mapping[str, tuple[Contender, ...]]
    differing: Mapping[str, tuple[Any, ...]]
    groups: Mapping[str, str]
    notices: tuple[str, ...]


def line_up(
    folders: Sequence[Path | str], *, metrics: Sequence[str] = (), split: str | None = None
) -> Lineup:
    """Open runs and make sure that their numbers may be compared.

    Parameters
    ----------
    folders : of two runs or more
    metrics : names to compare; by default all that every run declares and has measured
    split : by default ``test`` if all runs were scored on it, otherwise ``validation``

    Raises
    ------
    RunError : fewer than two runs, one twice, or runs with another task, other items, other
        definitions or scoring methods; the message says which
    """
    runs = [open_run(folder) for folder in folders]
    _check_distinct(runs)
    _check_same("task", [run.config.get("task") for run in runs], runs)
    chosen = split or ("test" if all("test" in run.scored_splits for run in runs) else "validation")
    measured = [_measured(run, chosen) for run in runs]
    declared = _comparable_metrics(runs, measured, metrics)
    _check_methods(runs, chosen)
    _check_members(runs, chosen)
    items = [_items_of(run, chosen) for run in runs]
    _check_items(runs, items)
    labels = _labels(runs)
    contenders = tuple(
        Contender(label, run, values, rows)
        for label, run, values, rows in zip(labels, runs, measured, items, strict=True)
    )
    return Lineup(
        split=chosen,
        metrics=declared,
        contenders=contenders,
        settings=_by_letter(contenders),
        differing=_differing(runs),
        groups=_groups(runs[0], items, chosen),
        notices=tuple(_notices(contenders, chosen)),
    )


def _check_distinct(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise RunError(f"{len(runs)} run was given; a comparison needs two. Give more folders.")
    seen: dict[str, Run] = {}
    for run in runs:
        if run.record.run_id in seen:
            raise RunError(
                f"'{run.path}' is the same run as '{seen[run.record.run_id].path}'; each run can "
                "stand in a comparison once. Leave one out."
            )
        seen[run.record.run_id] = run


def _check_same(what: str, found: Sequence[Any], runs: Sequence[Run]) -> None:
    for run, value in zip(runs[1:], found[1:], strict=True):
        if value != found[0]:
            raise RunError(
                f"Run '{runs[0].name}' has the {what} {found[0]}, run '{run.name}' has {value}; "
                f"only runs of one {what} can be compared. Leave one of them out."
            )


def _measured(run: Run, split: str) -> Mapping[str, float]:
    found = run.metrics.get(split)
    if not found:
        have = ", ".join(run.metrics) or "nothing"
        raise RunError(
            f"Run '{run.name}' ({run.status}) has no numbers on '{split}', only on {have}; all "
            "runs need them. Score it with `neurorun evaluate`, choose another split, or leave "
            "it out."
        )
    return found


def _comparable_metrics(
    runs: Sequence[Run], measured: Sequence[Mapping[str, float]], names: Sequence[str]
) -> tuple[Metric, ...]:
    first = runs[0].record
    order = sorted(first.metrics, key=lambda metric: metric.name != first.monitor)
    common = {m.name: m for m in order if all(m.name in values for values in measured)}
    if not common:
        raise RunError(
            f"Runs '{runs[0].name}' and others have no metric in common; at least one is needed. "
            "Compare runs of one kind of experiment."
        )
    for name in names:
        if name not in common:
            raise RunError(f"'{name}' is not measured in all runs. {nearest_of(name, common)}")
    kept = tuple(common[name] for name in (names or common))
    for metric in kept:
        for run in runs[1:]:
            _check_definition(metric, runs[0], run)
    return kept


def _check_definition(metric: Metric, first: Run, second: Run) -> None:
    other = next((one for one in second.record.metrics if one.name == metric.name), None)
    if other is not None and other != metric:
        raise RunError(
            f"Metric '{metric.name}' of run '{first.name}' is: {metric.definition} "
            f"({metric.better} is better, unit {metric.unit}); of run '{second.name}': "
            f"{other.definition} ({other.better} is better, unit {other.unit}). Only equal "
            "definitions can be compared. Name the metrics that are alike with --metric, or score "
            "both with the same settings."
        )


def _check_methods(runs: Sequence[Run], split: str) -> None:
    """Refuse other scoring methods, or versions of them, where a run recorded them."""
    known = [(run, run.scores(split).methods) for run in runs if split in run.scored_splits]
    for run, methods in known[1:]:
        first, expected = known[0]
        for name in sorted(methods.keys() & expected.keys()):
            if methods[name] != expected[name]:
                raise RunError(
                    f"Run '{first.name}' was scored by {name} {expected[name]}, run '{run.name}' "
                    f"by {name} {methods[name]}; only one version can be compared. Score the older "
                    "one again with `neurorun evaluate`."
                )


def _check_members(runs: Sequence[Run], split: str) -> None:
    """Refuse other members of the split, where runs recorded them."""
    known = [(run, run.splits.by_name[split]) for run in runs if _has_split(run, split)]
    for run, members in known[1:]:
        first, expected = known[0]
        if members != expected:
            _refuse_items(first, set(expected), run, set(members), split)


def _has_split(run: Run, split: str) -> bool:
    return (run.path / SPLITS).is_file() and bool(run.splits.by_name.get(split))


def _refuse_items(
    first: Run, expected: set[str], second: Run, found: set[str], split: str = "items"
) -> None:
    odd = sorted(expected ^ found)
    example = f", for example '{odd[0]}' in one only" if odd else ", of other patients"
    raise RunError(
        f"Run '{first.name}' was scored on {len(expected)} items of '{split}', run "
        f"'{second.name}' on {len(found)}, of which {len(expected & found)} are the same{example}; "
        "only numbers on the same items can be compared. Score both on the same data with "
        "`neurorun evaluate RUN DATA`."
    )


def items_of(run: Run, split: str) -> tuple[list[Mapping[str, Cell]], list[str]]:
    """Rows of the items that a run scored on a split, and the group of each.

    The group is the patient (or ``group``) of the row, or of `splits.json`; an item of unknown
    group stands for itself. Both are empty where no rows were kept.
    """
    items = _items_of(run, split)
    groups = _groups(run, [items], split)
    return list(items.values()), list(groups.values())


def _items_of(run: Run, split: str) -> dict[str, Mapping[str, Cell]]:
    """Rows of scored items by the text of their first column; empty if that is no name."""
    rows = run.scored_items(split)
    if not rows:
        return {}
    column = next(iter(rows[0]))
    found = {str(row[column]): row for row in rows}
    return dict(found) if len(found) == len(rows) else {}


def _check_items(runs: Sequence[Run], items: Sequence[Mapping[str, Mapping[str, Cell]]]) -> None:
    known = [(run, rows) for run, rows in zip(runs, items, strict=True) if rows]
    for run, rows in known[1:]:
        first, expected = known[0]
        if rows.keys() != expected.keys():
            _refuse_items(first, set(expected), run, set(rows))
        for name, row in rows.items():
            for column in _OF_REFERENCE:
                one, two = expected[name].get(column), row.get(column)
                if one != two and column in row and column in expected[name]:
                    raise RunError(
                        f"Item '{name}' has {column} {one} in run '{first.name}' and {two} in run "
                        f"'{run.name}': it was annotated differently. Score both against the same "
                        "annotations with `neurorun evaluate`."
                    )


def _groups(
    run: Run, items: Sequence[Mapping[str, Mapping[str, Cell]]], split: str
) -> dict[str, str]:
    """Group of every item, the item itself where none is known; empty if no run kept items."""
    rows = next(filter(None, items), {})
    members = run.splits.by_name.get(split, {}) if (run.path / SPLITS).is_file() else {}

    def group(name: str, row: Mapping[str, Cell]) -> str:
        for column in ("patient", "group"):
            if isinstance(row.get(column), str):
                return str(row[column])
        return members.get(name, name)

    return {name: group(name, row) for name, row in rows.items()}


def _labels(runs: Sequence[Run]) -> list[str]:
    """A letter for each kind of settings, with a number where several runs have them."""
    kinds = [to_json(dict(sorted(_of_result(run).items()))) for run in runs]
    letters = {kind: _letter(place) for place, kind in enumerate(dict.fromkeys(kinds))}
    labels = []
    for place, kind in enumerate(kinds):
        number = str(kinds[: place + 1].count(kind)) if kinds.count(kind) > 1 else ""
        labels.append(letters[kind] + number)
    return labels


def _letter(place: int) -> str:
    """A, B, ..., Z, AA, AB ...

    >>> _letter(0), _letter(25), _letter(26)
    ('A', 'Z', 'AA')
    """
    more, last = divmod(place, 26)
    return (_letter(more - 1) if more else "") + chr(ord("A") + last)


def _of_result(run: Run) -> dict[str, Any]:
    settings = {
        key: value
        for key, value in flat(run.config).items()
        if not any(key == name or key.startswith(f"{name}.") for name in NOT_OF_RESULT)
    }
    return settings | {"neurorun": run.record.neurorun_version}


def _by_letter(contenders: Sequence[Contender]) -> dict[str, tuple[Contender, ...]]:
    found: dict[str, tuple[Contender, ...]] = {}
    for one in contenders:
        letter = one.label.rstrip("0123456789")
        found[letter] = (*found.get(letter, ()), one)
    return found


def _differing(runs: Sequence[Run]) -> dict[str, tuple[Any, ...]]:
    told = [_told(run) for run in runs]
    keys = dict.fromkeys(key for settings in told for key in settings)
    values = {key: tuple(settings.get(key, ABSENT) for settings in told) for key in keys}
    return {key: found for key, found in values.items() if len({to_json([v]) for v in found}) > 1}


def _told(run: Run) -> dict[str, Any]:
    """Settings but for names, which tell runs apart anyway; the seed stands once."""
    settings = {key: value for key, value in flat(run.config).items() if key not in _NAMES}
    if "experiment.seed" not in settings:
        settings["seed"] = run.record.seed
    return settings | {"neurorun": run.record.neurorun_version}


_NAMES = ("experiment.name", "experiment.output_dir", "experiment.run_name")


def _notices(contenders: Sequence[Contender], split: str) -> Iterator[str]:
    for one in contenders:
        if one.run.status != "completed":
            yield f"Run {one.label} is {one.run.status}; its numbers may still change."
    without = [one.label for one in contenders if not one.items]
    if without:
        yield (
            f"{_runs(without)} kept no rows of single items on {split}, so there are no intervals "
            "for them, and no paired test."
        )
    unknown = [one.label for one in contenders if not _has_split(one.run, split) and not one.items]
    if unknown:
        yield f"Whether r{_runs(unknown)[1:]} used the same items as the others was not recorded."
    if split == "validation":
        yield (
            "These are numbers on validation, where the best epoch of each run was chosen; they "
            "are too good, and more so the more epochs and settings were tried."
        )
    if len(_commits(contenders)) > 1:
        yield "The runs were made from different states of the source code."
    monitors = {one.run.record.monitor for one in contenders}
    if len(monitors) > 1:
        yield f"Best epochs were chosen by different metrics: {', '.join(sorted(monitors))}."
    undefined = [one.label for one in contenders if any(map(math.isnan, one.metrics.values()))]
    if undefined:
        yield f"Some numbers of {_runs(undefined)} are undefined: there was nothing to divide by."


def _runs(labels: Sequence[str]) -> str:
    return f"{'Run' if len(labels) == 1 else 'Runs'} {', '.join(labels)}"


def _commits(contenders: Sequence[Contender]) -> set[Any]:
    found = set()
    for one in contenders:
        try:
            source = one.run.metadata.source
        except NeurorunError:
            continue
        found.add((source.commit, source.state))
    return found

"""The model card of a run: what the model is, what made it, how good it is, where it ends.

Everything comes from the run folder. What nobody recorded is said to be so; in particular nothing
is claimed about uses that nobody stated.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from neurorun.core import write_text
from neurorun.reporting.comparison import with_interval
from neurorun.reporting.exports import Table, markdown_text, table_of, to_markdown
from neurorun.reporting.facts import Facts, read_facts
from neurorun.reporting.sections import page_of_task
from neurorun.reporting.statistics import Estimated
from neurorun.reporting.summary import honesty_sentence, status_sentence, summary_sentences
from neurorun.reporting.tables import (
    example_sentences,
    left_out_items,
    origin_lines,
    split_lines,
)
from neurorun.reporting.words import count_in_words, number_in_words, unit_in_words
from neurorun.runs import Cell, flat, open_run

Estimates = Mapping[str, Mapping[str, Estimated]]
"""By split and metric: a value with its interval."""


def write_card(folder: Path, output: Path, *, estimates: Estimates | None = None) -> Path:
    """Write the model card of a run as Markdown and return where.

    Parameters
    ----------
    estimates : values with intervals, where these were computed; others stand without

    Raises
    ------
    RunError : the folder is not a run
    DataError : the file cannot be written
    """
    write_text(output, render_card(read_facts(open_run(folder)), estimates or {}))
    return output


def render_card(facts: Facts, estimates: Estimates) -> str:
    """The card as text."""
    sections = {
        "What it is": _what(facts),
        "Intended use": _use(facts),
        "Data": _data(facts),
        "How good it is": _metrics(facts, estimates),
        "Limits": _limits(facts, estimates),
        "How to use it": _loading(facts),
        "Where it comes from": _origin(facts),
    }
    parts = [f"## {title}\n\n" + "\n\n".join(texts) for title, texts in sections.items()]
    head = f"---\n{_front_matter(facts)}---\n\n# {markdown_text(facts.record.experiment)}\n"
    return "\n".join([head, *(f"{part.rstrip()}\n" for part in parts)])


def _front_matter(facts: Facts) -> str:
    """Fields that model hubs read; a licence is the owner's to choose."""
    tags = ["neurorun", *([facts.task] if facts.task else [])]
    told = {"library_name": "neurorun", "tags": tags, "model_name": facts.record.name}
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


def _what(facts: Facts) -> Iterator[str]:
    description = facts.setting("experiment.description")
    if isinstance(description, str) and description.strip():
        yield markdown_text(description)
    task = facts.task or "not named; it was trained by a loop of its own"
    yield f"Task: {markdown_text(task)}. {markdown_text(status_sentence(facts))}"
    model = {key: value for key, value in flat(facts.setting("model") or {}).items() if key}
    if model:
        yield "Settings of the model: " + markdown_text(
            ", ".join(f"{key} = {value}" for key, value in model.items()) + "."
        )


def _use(facts: Facts) -> Iterator[str]:
    stated = facts.setting("experiment.intended_use")
    if isinstance(stated, str) and stated.strip():
        yield markdown_text(stated)
    else:
        yield "No intended use is stated in the settings of this run."
    yield (
        "The run records measurements on the data below and nothing else: no clinical trial, no "
        "use in care, no approval as a medical device."
    )


def _data(facts: Facts) -> Iterator[str]:
    task = page_of_task(facts)
    lines = split_lines(facts)
    if lines:
        rows: list[dict[str, Cell]] = [
            {"split": name, f"{task.item}s": n_items, f"{task.group}s": n_groups}
            for name, n_items, n_groups in lines
        ]
        yield _table(table_of("splits", f"What each split holds, in {task.item}s.", rows))
    else:
        yield "Which items it was trained, validated and tested on is not recorded."
    if facts.examples:
        yield "\n".join(f"- {markdown_text(one)}" for one in example_sentences(facts, task.example))
    identity = facts.metadata.data if facts.metadata else {}
    plain = {key: value for key, value in flat(identity).items() if _is_short(value)}
    if plain:
        yield "\n".join(
            f"- {markdown_text(key)}: {markdown_text(str(value))}" for key, value in plain.items()
        )
    n_left_out = len(left_out_items(facts))
    if n_left_out:
        yield f"{count_in_words(n_left_out, task.item)} could not be used; the run names them."


def _is_short(value: object) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= 120


def _table(table: Table) -> str:
    return to_markdown(table).rstrip()


def _metrics(facts: Facts, estimates: Estimates) -> Iterator[str]:
    task = page_of_task(facts)
    for sentence in summary_sentences(facts, task):
        yield markdown_text(sentence)
    found = {"validation": {m.name: value for m, value in facts.validation.items()}}
    found |= {name: dict(scores.metrics) for name, scores in facts.scores.items()}
    rows: list[dict[str, Cell]] = [
        {
            "metric": metric.name,
            **{
                split: _value(values.get(metric.name), estimates.get(split, {}).get(metric.name))
                for split, values in found.items()
            },
            "unit": unit_in_words(metric.unit),
            "better": metric.better,
            "definition": metric.definition,
        }
        for metric in facts.record.metrics
        if any(metric.name in values for values in found.values())
    ]
    if rows:
        yield _table(
            table_of("metrics", f"Brackets: 95 % bootstrap interval over {task.group}s.", rows)
        )
    for point in facts.points:
        if point.reached:
            yield (
                f"At {point.fa_rate:g} allowed false alarms per 24 h (thresholds "
                f"{number_in_words(point.tau_on)} and {number_in_words(point.tau_off)}, chosen on "
                f"{markdown_text(point.chosen_on)}): sensitivity "
                f"{number_in_words(point.sensitivity)}."
            )
        else:
            yield f"{point.fa_rate:g} false alarms per 24 h could not be reached by any threshold."


def _value(value: float | None, estimate: Estimated | None) -> str:
    if value is None:
        return "not measured"
    return number_in_words(value) if estimate is None else with_interval(estimate)


def _limits(facts: Facts, estimates: Estimates) -> Iterator[str]:
    task = page_of_task(facts)
    yield markdown_text(honesty_sentence(facts, task))
    if "test" not in facts.scores:
        yield (
            "It was not tested on data apart: the best epoch was chosen by the very validation "
            "data that the numbers come from, so they are too good."
        )
    others = [name for name in facts.scores if name not in ("validation", "test")]
    if others:
        yield f"It was also scored on: {markdown_text(', '.join(others))}."
    else:
        yield "It was not scored on data of another origin."
    if not estimates:
        yield "No interval could be computed: no rows of single items were kept."
    yield "One training with one seed is described; how much another would differ is not known."
    undefined = [m.name for m, value in facts.validation.items() if math.isnan(value)]
    if undefined:
        yield f"Undefined on validation, for want of anything to divide by: {', '.join(undefined)}."
    for what, reason in facts.damaged.items():
        yield f"The {markdown_text(what)} could not be read: {markdown_text(reason)}"


def _loading(facts: Facts) -> Iterator[str]:
    best = facts.run.path / "best_model.pth"
    if not best.is_file():
        yield "There are no weights in the run folder."
        return
    yield (
        "The weights are in `best_model.pth`. Loading them runs no code of the file:\n\n"
        "```python\nfrom neurorun.runs import open_run\n\n"
        f'run = open_run("{facts.run.path.name}")\nweights = run.checkpoint()\n```'
    )


def _origin(facts: Facts) -> Iterator[str]:
    lines = origin_lines(facts)
    yield "\n".join(f"- {name}: {markdown_text(value)}" for name, value in lines.items())
    yield "Every setting is in `config.yaml`, every package in `metadata.json` of the run folder."

"""What came out of a run, for a reader who was not there: a few sentences and figures."""

from dataclasses import dataclass

from neurorun.core import Metric
from neurorun.reporting.facts import Facts
from neurorun.reporting.sections import TaskPage
from neurorun.reporting.words import count_in_words, metric_in_words, number_in_words, whole

_N_HEADLINES = 4


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure that is shown large, with its name above and a remark below."""

    name: str
    value: str
    remark: str


def status_sentence(facts: Facts) -> str:
    """How the run stands, and how far it came."""
    record = facts.record
    done = _epochs_done(facts)
    if facts.status == "running":
        return f"This run is still going on: {done}. Everything below is provisional."
    if facts.status == "interrupted":
        return (
            f"This run was interrupted: {done}. The command neurorun train --resume, followed by "
            "its folder, goes on with it."
        )
    if facts.status == "failed":
        fault = f" with {record.error.type}: {record.error.message}" if record.error else ""
        return f"This run failed{fault}. Before that, {done}."
    return f"This run is complete: {record.exit_reason or done}."


def _epochs_done(facts: Facts) -> str:
    n_epochs, planned = len(facts.epochs), facts.record.epochs_planned
    if "epochs" in facts.damaged:
        return "nobody knows how many epochs ended"
    if planned is None:
        return f"{count_in_words(n_epochs, 'epoch')} ended"
    return f"{whole(n_epochs)} of {count_in_words(planned, 'planned epoch')} ended"


def summary_sentences(facts: Facts, task: TaskPage) -> list[str]:
    """What was measured on how much, and how far it can be trusted."""
    if facts.best is None:
        return [_nothing_best(facts)]
    if told := task.sentences(facts):
        return [*told, honesty_sentence(facts, task)]
    so_far = " so far" if facts.status == "running" else ""
    best = f"The best epoch{so_far} is {facts.best.epoch}, by {facts.record.monitor}"
    if facts.predictions:
        scored = f"scored on {count_in_words(len(facts.predictions), task.item)}"
        return [f"{best}, {scored}.", honesty_sentence(facts, task)]
    return [f"{best}; no {task.item} has been scored by itself."]


def _nothing_best(facts: Facts) -> str:
    if "epochs" in facts.damaged:
        return "What was measured cannot be read, so nothing is told of it."
    if not facts.epochs:
        return "Nothing has been measured yet: no epoch has ended."
    n = count_in_words(len(facts.epochs), "finished epoch")
    return (
        f"Nothing has been scored: {facts.record.monitor}, which chooses the best epoch, was "
        f"undefined in each of {n}."
    )


def honesty_sentence(facts: Facts, task: TaskPage) -> str:
    """Whether groups that were scored were trained on, too, as far as it is recorded."""
    if facts.splits is None:
        return f"Whether some of these {task.group}s were trained on, too, is not recorded."
    train, validation, test = (
        set(some.values())
        for some in (facts.splits.train, facts.splits.validation, facts.splits.test)
    )
    n_shared = len(train & (validation | test if facts.kept["test"] else validation))
    if n_shared:
        were = "was" if n_shared == 1 else "were"
        return (
            f"{n_shared} of these {task.group}s {were} trained on, too, so the scores are too good."
        )
    return f"None of these {task.group}s was trained on."


def headlines(facts: Facts, task: TaskPage) -> list[Headline]:
    """The monitored metric and those that the task shows first; empty if nothing was scored."""
    measured = facts.validation
    by_name = {metric.name: metric for metric in measured}
    names = dict.fromkeys((*task.headlines, *by_name))
    first = [name for name in names if name in by_name and name != facts.record.monitor]
    shown = [name for name in (facts.record.monitor, *first) if name in by_name][:_N_HEADLINES]
    order = sorted(shown, key=list(names).index)
    return [_headline(by_name[name], measured[by_name[name]], facts, task) for name in order]


def _headline(metric: Metric, value: float, facts: Facts, task: TaskPage) -> Headline:
    remarks = [task.remark(metric, facts)]
    if metric.name == facts.record.monitor:
        remarks.append("chose the best epoch")
    remarks.append(_on_test(metric, facts))
    remark = ", ".join(filter(None, remarks)) or f"{metric.better} is better"
    return Headline(metric_in_words(metric.name), number_in_words(value), remark)


def _on_test(metric: Metric, facts: Facts) -> str:
    """The same on the test split, by which nothing was chosen; empty if it was not scored."""
    test = facts.scores.get("test")
    if test is None or metric.name not in test.metrics:
        return ""
    return f"{number_in_words(test.metrics[metric.name])} on test"

"""What came out of a run, for a reader who was not there: a few sentences and figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from neurorun.core import Metric
from neurorun.reporting.facts import Facts
from neurorun.reporting.recordings import ScoredRecording, in_total
from neurorun.reporting.words import (
    count_in_words,
    duration_in_words,
    metric_in_words,
    number_in_words,
    percent,
    whole,
)

_HEADLINES = ("sensitivity", "false_alarms_per_24h", "precision", "auroc")
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


def summary_sentences(facts: Facts, recordings: Sequence[ScoredRecording]) -> list[str]:
    """What was measured on how much, and how far it can be trusted."""
    if facts.best is None:
        return [_nothing_best(facts)]
    if not recordings:
        so_far = " so far" if facts.status == "running" else ""
        best = f"The best epoch{so_far} is {facts.best.epoch}, by {facts.record.monitor}"
        return [f"{best}; no recording has been scored by itself."]
    sentences = [_extent(recordings), _outcome(facts, recordings), _chosen_point(facts)]
    return [sentence for sentence in (*sentences, honesty_sentence(facts)) if sentence]


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


def _extent(recordings: Sequence[ScoredRecording]) -> str:
    total = in_total(recordings)
    n_patients = len({one.patient for one in recordings})
    return (
        f"The detector was validated on {count_in_words(len(recordings), 'recording')} of "
        f"{count_in_words(n_patients, 'patient')}: {duration_in_words(total.observed_s)} of EEG "
        f"with {count_in_words(total.seizures, 'seizure')}."
    )


def _outcome(facts: Facts, recordings: Sequence[ScoredRecording]) -> str:
    total = in_total(recordings)
    alarms = count_in_words(total.false_alarms, "false alarm")
    by_name = {metric.name: value for metric, value in facts.validation.items()}
    rate = by_name.get("false_alarms_per_24h")
    per_day = "" if rate is None else f" ({number_in_words(rate)} per 24 hours)"
    threshold = "" if facts.threshold is None else f" of {facts.threshold:g}"
    return (
        f"It {_found(total)} and raised {alarms}{per_day}, at the configured threshold{threshold}."
    )


def _found(total: ScoredRecording) -> str:
    if total.seizures == 0:
        return "had no seizure to find"
    if total.seizures == 1:
        return "found the only seizure" if total.found else "missed the only seizure"
    return f"found {whole(total.found)} of the {whole(total.seizures)} seizures"


def _chosen_point(facts: Facts) -> str:
    """The strictest operating point that was reached."""
    reached = [point for point in facts.points if point.reached]
    if not facts.points:
        return ""
    if not reached:
        return "No threshold kept to any of the stated rates of false alarms."
    point = min(reached, key=lambda one: one.fa_rate)
    alarms = f"{point.fa_rate:g} false alarm{'' if point.fa_rate == 1 else 's'}"
    return (
        f"With a threshold of {point.tau_on:g} it raises at most {alarms} per 24 hours and finds "
        f"{percent(point.sensitivity)} of the seizures; that threshold was chosen on these same "
        "recordings."
    )


def honesty_sentence(facts: Facts) -> str:
    """Whether patients that were validated on were trained on, too, as far as it is recorded."""
    if facts.splits is None:
        return "Whether some of these patients were trained on, too, is not recorded."
    train, validation = (
        set(some.values()) for some in (facts.splits.train, facts.splits.validation)
    )
    n_shared = len(train & validation)
    if n_shared:
        were = "was" if n_shared == 1 else "were"
        return f"{n_shared} of these patients {were} trained on, too, so the scores are too good."
    return "None of these patients was trained on."


def headlines(facts: Facts, recordings: Sequence[ScoredRecording]) -> list[Headline]:
    """The monitored metric and those that are asked for first; empty if nothing was scored."""
    measured = facts.validation
    by_name = {metric.name: metric for metric in measured}
    names = dict.fromkeys((*_HEADLINES, *by_name))
    first = [name for name in names if name in by_name and name != facts.record.monitor]
    shown = [name for name in (facts.record.monitor, *first) if name in by_name][:_N_HEADLINES]
    order = sorted(shown, key=list(names).index)
    return [_headline(by_name[name], measured[by_name[name]], facts, recordings) for name in order]


def _headline(
    metric: Metric, value: float, facts: Facts, recordings: Sequence[ScoredRecording]
) -> Headline:
    remarks = [_counts_behind(metric, recordings)] if recordings else []
    if metric.name == facts.record.monitor:
        remarks.append("chose the best epoch")
    remark = ", ".join(filter(None, remarks)) or f"{metric.better} is better"
    return Headline(metric_in_words(metric.name), number_in_words(value), remark)


def _counts_behind(metric: Metric, recordings: Sequence[ScoredRecording]) -> str:
    """The counts that a metric is made of, where they are known."""
    total = in_total(recordings)
    if metric.name == "sensitivity":
        return f"{whole(total.found)} of {count_in_words(total.seizures, 'seizure')}"
    if metric.name == "false_alarms_per_24h":
        return f"{whole(total.false_alarms)} in {duration_in_words(total.observed_s)}"
    return ""

"""What a task adds to the report of its runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from neurorun.core import Metric
from neurorun.reporting.facts import Facts


def _nothing(facts: Facts) -> dict[str, Any]:
    del facts
    return {}


def _no_sentences(facts: Facts) -> list[str]:
    del facts
    return []


def _no_remark(metric: Metric, facts: Facts) -> str:
    del metric, facts
    return ""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """The part of a report that only one task has.

    Parameters
    ----------
    template : extends ``report.html.jinja`` and fills the blocks that it has more to say in
    item, group : what is scored one by one, and what never lies in two splits
    examples : heading of the counts of examples, and what one of them is called
    headlines : names of the metrics that are shown large, the first first
    confusion_as_time : counts are samples, and are told as time at ``data.sampling_rate``
    contents : further values for the template
    sentences : what was measured on how much; empty if nothing was scored
    remark : the counts behind a metric, in words; empty if they are not known
    """

    template: str = "report.html.jinja"
    item: str = "item"
    group: str = "group"
    examples: str = "Examples, by class"
    example: str = "example"
    headlines: tuple[str, ...] = ()
    confusion_as_time: bool = False
    contents: Callable[[Facts], Mapping[str, Any]] = _nothing
    sentences: Callable[[Facts], list[str]] = _no_sentences
    remark: Callable[[Metric, Facts], str] = _no_remark

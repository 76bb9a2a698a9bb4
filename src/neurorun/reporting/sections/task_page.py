"""What a task adds to the report of its runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurorun.core import Metric
from neurorun.reporting.facts import Facts
from neurorun.reporting.pictures import DPI
from neurorun.runs import EpochRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curves = Callable[[Sequence[EpochRow], int | None], "Figure | None"]
"""Draws the epochs of a run; takes the best epoch, too."""


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
    curves : of all epochs, the best marked; None draws losses, monitored metric and learning rate
    confusion_in : width and height of the picture of the confusion matrix in inches; None fits it
    dpi : dots per inch of the figures in the run folder
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
    curves: Curves | None = None
    confusion_in: tuple[float, float] | None = None
    dpi: int = DPI
    confusion_as_time: bool = False
    contents: Callable[[Facts], Mapping[str, Any]] = _nothing
    sentences: Callable[[Facts], list[str]] = _no_sentences
    remark: Callable[[Metric, Facts], str] = _no_remark

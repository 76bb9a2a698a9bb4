"""What each task adds to the report: one module and one template each."""

from neurorun.reporting.facts import Facts
from neurorun.reporting.sections.seizure_detection import SEIZURE_DETECTION_PAGE
from neurorun.reporting.sections.task_page import TaskPage

PAGES: dict[str, TaskPage] = {"seizure_detection": SEIZURE_DETECTION_PAGE}
"""By the name of the task."""

ANY_PAGE = TaskPage()
"""For runs of somebody else's loop."""


def page_of_task(facts: Facts) -> TaskPage:
    """What the task of a run adds to its report."""
    return ANY_PAGE if facts.task is None else PAGES.get(facts.task, ANY_PAGE)


__all__ = ["ANY_PAGE", "PAGES", "TaskPage", "page_of_task"]

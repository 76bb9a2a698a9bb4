"""What each task adds to the report: one module and one template each."""

from neurorun.reporting.facts import Facts
from neurorun.reporting.sections.abnormality import ABNORMALITY_PAGE
from neurorun.reporting.sections.crack_segmentation import CRACK_SEGMENTATION_PAGE
from neurorun.reporting.sections.seizure_detection import SEIZURE_DETECTION_PAGE
from neurorun.reporting.sections.source_localization import SOURCE_LOCALIZATION_PAGE
from neurorun.reporting.sections.task_page import TaskPage

PAGES: dict[str, TaskPage] = {
    "abnormality": ABNORMALITY_PAGE,
    "seizure_detection": SEIZURE_DETECTION_PAGE,
    "crack_segmentation": CRACK_SEGMENTATION_PAGE,
    "source_localization": SOURCE_LOCALIZATION_PAGE,
}
"""By the name of the task."""

ANY_PAGE = TaskPage()
"""For runs of somebody else's loop."""


def page_of_task(facts: Facts) -> TaskPage:
    """What the task of a run adds to its report."""
    return ANY_PAGE if facts.task is None else PAGES.get(facts.task, ANY_PAGE)


__all__ = ["ANY_PAGE", "PAGES", "TaskPage", "page_of_task"]

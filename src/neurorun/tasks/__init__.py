"""The clinical questions, one folder each, and what they share."""

from neurorun.tasks.results import Results
from neurorun.tasks.seizure_detection import (
    SEIZURE_DETECTION,
    SeizureDetectionSections,
    frozen_points,
    predictor_of,
    sections_of,
)
from neurorun.tasks.task import PreparedTask, Task

TASKS: dict[str, Task] = {task.name: task for task in (SEIZURE_DETECTION,)}
"""Every task by its name in ``task:``."""

__all__ = [
    "SEIZURE_DETECTION",
    "TASKS",
    "PreparedTask",
    "Results",
    "SeizureDetectionSections",
    "Task",
    "frozen_points",
    "predictor_of",
    "sections_of",
]

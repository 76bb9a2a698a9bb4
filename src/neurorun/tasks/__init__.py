"""The clinical questions, one module each, and what they share."""

from neurorun.tasks.recording_scores import predictor_of, results_of
from neurorun.tasks.results import Cell, Excerpt, Results
from neurorun.tasks.seizure_detection import SEIZURE_DETECTION
from neurorun.tasks.seizure_sections import (
    SeizureDetectionSections,
    sections_of,
)
from neurorun.tasks.task import PreparedTask, Task

TASKS: dict[str, Task] = {task.name: task for task in (SEIZURE_DETECTION,)}
"""Every task by its name in ``task:``."""

__all__ = [
    "SEIZURE_DETECTION",
    "TASKS",
    "Cell",
    "Excerpt",
    "PreparedTask",
    "Results",
    "SeizureDetectionSections",
    "Task",
    "predictor_of",
    "results_of",
    "sections_of",
]

"""The clinical questions, one folder each, and what they share."""

from neurorun.tasks.abnormality import (
    ABNORMALITY,
    abnormality_sections,
    collect_maps,
    scored_examples,
)
from neurorun.tasks.crack_segmentation import CRACK_SEGMENTATION
from neurorun.tasks.results import OtherData, Results
from neurorun.tasks.seizure_detection import (
    SEIZURE_DETECTION,
    SeizureDetectionSections,
    frozen_points,
    predictor_of,
    sections_of,
)
from neurorun.tasks.source_localization import SOURCE_LOCALIZATION
from neurorun.tasks.task import LooksAtData, PreparedTask, Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (SEIZURE_DETECTION, CRACK_SEGMENTATION, ABNORMALITY, SOURCE_LOCALIZATION)
}
"""Every task by its name in ``task:``."""

__all__ = [
    "ABNORMALITY",
    "CRACK_SEGMENTATION",
    "SEIZURE_DETECTION",
    "SOURCE_LOCALIZATION",
    "TASKS",
    "LooksAtData",
    "OtherData",
    "PreparedTask",
    "Results",
    "SeizureDetectionSections",
    "Task",
    "abnormality_sections",
    "collect_maps",
    "frozen_points",
    "predictor_of",
    "scored_examples",
    "sections_of",
]

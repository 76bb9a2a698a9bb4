"""Where in an EEG are seizures? One probability per sample, scored over whole recordings."""

from neurorun.tasks.seizure_detection.recording_scores import predictor_of
from neurorun.tasks.seizure_detection.results import frozen_points
from neurorun.tasks.seizure_detection.sections import SeizureDetectionSections, sections_of
from neurorun.tasks.seizure_detection.task import SEIZURE_DETECTION

__all__ = [
    "SEIZURE_DETECTION",
    "SeizureDetectionSections",
    "frozen_points",
    "predictor_of",
    "sections_of",
]

"""Is an EEG normal? Classification guided by where a reader looked, with attention maps."""

from neurorun.tasks.abnormality.attention import collect_maps
from neurorun.tasks.abnormality.front import main
from neurorun.tasks.abnormality.losses import gaze_loss
from neurorun.tasks.abnormality.sections import sections_of as abnormality_sections
from neurorun.tasks.abnormality.task import ABNORMALITY, scored_examples

__all__ = [
    "ABNORMALITY",
    "abnormality_sections",
    "collect_maps",
    "gaze_loss",
    "main",
    "scored_examples",
]

"""Where on the cortex is activity? Region activity from EEG, learned from simulated sources."""

from neurorun.tasks.source_localization.task import SOURCE_LOCALIZATION

__all__ = ["SOURCE_LOCALIZATION"]

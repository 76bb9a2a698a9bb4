"""Long windows of recordings that are normal or abnormal as a whole, with a reader's gaze."""

from neurorun.data.abnormality.annotations import annotations_of
from neurorun.data.abnormality.cache import WindowCache, prepare_windows
from neurorun.data.abnormality.config import (
    AbnormalityDataConfig,
    AbnormalityPreprocessingConfig,
)
from neurorun.data.abnormality.corpus import (
    CLASSES,
    AbnormalityEntry,
    find_abnormality_recordings,
    split_abnormality,
)
from neurorun.data.abnormality.examples import (
    GazeBatch,
    GazeExample,
    GazeExamples,
    GazeTargets,
)
from neurorun.data.abnormality.segments import (
    PreparedWindow,
    WindowPlace,
    place_windows,
    prepare_window,
)
from neurorun.data.abnormality.window_files import StoredWindow, WindowRow, window_id

__all__ = [
    "CLASSES",
    "AbnormalityDataConfig",
    "AbnormalityEntry",
    "AbnormalityPreprocessingConfig",
    "GazeBatch",
    "GazeExample",
    "GazeExamples",
    "GazeTargets",
    "PreparedWindow",
    "StoredWindow",
    "WindowCache",
    "WindowPlace",
    "WindowRow",
    "annotations_of",
    "find_abnormality_recordings",
    "place_windows",
    "prepare_window",
    "prepare_windows",
    "split_abnormality",
    "window_id",
]

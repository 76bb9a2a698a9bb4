"""The nouns and the errors that every room shares."""

from neurorun.core.config import (
    Config,
    nearest_of,
    override_settings,
    parse_yaml,
    read_settings,
    validate_settings,
)
from neurorun.core.errors import (
    ConfigError,
    DataError,
    FormatError,
    MissingExtraError,
    NeurorunError,
    RunError,
    ScoringError,
    TrainingError,
)
from neurorun.core.events import (
    BACKGROUND,
    NON_EPILEPTIC,
    SEIZURE,
    Event,
    Timeline,
    events_to_mask,
    merge_touching,
)
from neurorun.core.extras import require
from neurorun.core.files import (
    atomic_write,
    fingerprint_of,
    read_json,
    sha256_of,
    to_json,
    write_json,
    write_text,
)
from neurorun.core.metric import Metric
from neurorun.core.progress import SILENT, Advance, Progress
from neurorun.core.recording import Recording, Stretch, gaps_between, whole_recording
from neurorun.core.units import nearest_sample, whole_samples

__all__ = [
    "BACKGROUND",
    "NON_EPILEPTIC",
    "SEIZURE",
    "SILENT",
    "Advance",
    "Config",
    "ConfigError",
    "DataError",
    "Event",
    "FormatError",
    "Metric",
    "MissingExtraError",
    "NeurorunError",
    "Progress",
    "Recording",
    "RunError",
    "ScoringError",
    "Stretch",
    "Timeline",
    "TrainingError",
    "atomic_write",
    "events_to_mask",
    "fingerprint_of",
    "gaps_between",
    "merge_touching",
    "nearest_of",
    "nearest_sample",
    "override_settings",
    "parse_yaml",
    "read_json",
    "read_settings",
    "require",
    "sha256_of",
    "to_json",
    "validate_settings",
    "whole_recording",
    "whole_samples",
    "write_json",
    "write_text",
]

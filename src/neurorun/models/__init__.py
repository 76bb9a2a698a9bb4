"""Networks: tensors in, tensors out; no files, no metrics, no configuration files."""

from neurorun.models.build import build_detector, count_parameters
from neurorun.models.detector import SeizureDetector
from neurorun.models.detector_config import (
    DecoderConfig,
    EncoderConfig,
    MambaConfig,
    ResCnnConfig,
    SeizureDetectorConfig,
)
from neurorun.models.mamba2 import Mamba2
from neurorun.models.stream import DetectorStream

__all__ = [
    "DecoderConfig",
    "DetectorStream",
    "EncoderConfig",
    "Mamba2",
    "MambaConfig",
    "ResCnnConfig",
    "SeizureDetector",
    "SeizureDetectorConfig",
    "build_detector",
    "count_parameters",
]

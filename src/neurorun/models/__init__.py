"""Networks: tensors in, tensors out; no files, no metrics, no configuration files."""

from neurorun.models.braindecode_adapter import SegmentClassifier
from neurorun.models.braindecode_config import BraindecodeConfig
from neurorun.models.build import build_detector, build_network, count_parameters
from neurorun.models.crack_network import CrackNetworkConfig, build_crack_network
from neurorun.models.crack_swin import CrackSwin, CrackSwinConfig
from neurorun.models.crack_unet import CrackUNet, CrackUNetConfig
from neurorun.models.deepsif import DeepSIFNet
from neurorun.models.detector import SeizureDetector
from neurorun.models.detector_config import (
    DecoderConfig,
    EncoderConfig,
    MambaConfig,
    ResCnnConfig,
    SeizureDetectorConfig,
)
from neurorun.models.mamba2 import Mamba2
from neurorun.models.neurogate import (
    NeuroGATE_Gaze_MultiRes,
    NeuroGATE_Gaze_MultiRes_Simple,
    build_neurogate,
)
from neurorun.models.neurogate_config import NeuroGateConfig
from neurorun.models.source_build import build_source_model
from neurorun.models.source_config import (
    DeepSIFConfig,
    SourceModelConfig,
    SourceTransformerConfig,
)
from neurorun.models.source_transformer import SourceTransformer
from neurorun.models.stream import DetectorStream

__all__ = [
    "BraindecodeConfig",
    "CrackNetworkConfig",
    "CrackSwin",
    "CrackSwinConfig",
    "CrackUNet",
    "CrackUNetConfig",
    "DecoderConfig",
    "DeepSIFConfig",
    "DeepSIFNet",
    "DetectorStream",
    "EncoderConfig",
    "Mamba2",
    "MambaConfig",
    "NeuroGATE_Gaze_MultiRes",
    "NeuroGATE_Gaze_MultiRes_Simple",
    "NeuroGateConfig",
    "ResCnnConfig",
    "SegmentClassifier",
    "SeizureDetector",
    "SeizureDetectorConfig",
    "SourceModelConfig",
    "SourceTransformer",
    "SourceTransformerConfig",
    "build_crack_network",
    "build_detector",
    "build_network",
    "build_neurogate",
    "build_source_model",
    "count_parameters",
]

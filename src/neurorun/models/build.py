"""Models from their settings."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from neurorun.models.braindecode_adapter import build_braindecode
from neurorun.models.detector import SeizureDetector
from neurorun.models.detector_config import SeizureDetectorConfig


def build_detector(
    config: SeizureDetectorConfig, n_channels: int, *, rng: np.random.Generator | None = None
) -> SeizureDetector:
    """Make a detector with new weights, on the CPU.

    Parameters
    ----------
    n_channels : channels of EEG in the data, > 0
    rng : where the weights come from; None is PyTorch's own generator in the state it has

    Examples
    --------
    >>> config = SeizureDetectorConfig(preset="small")
    >>> detector = build_detector(config, 19, rng=np.random.default_rng(0))
    >>> detector(torch.zeros(2, 19, 1000)).shape
    torch.Size([2, 1000])
    """
    if rng is None:
        return SeizureDetector(config, n_channels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        return SeizureDetector(config, n_channels)


def build_network(
    config: SeizureDetectorConfig, channels: Sequence[str], *, rate_hz: float, n_samples: int
) -> nn.Module:
    """Make the network of a configuration: our own, or one of braindecode.

    Weights come from the global generator of PyTorch.

    Parameters
    ----------
    channels : of the montage
    rate_hz : samples per second
    n_samples : of a window

    Raises
    ------
    MissingExtraError : the network comes from a library that is not installed
    ConfigError : it cannot be made for these data

    Examples
    --------
    >>> config = SeizureDetectorConfig(preset="small")
    >>> network = build_network(config, ["C3", "C4"], rate_hz=256.0, n_samples=2560)
    >>> network(torch.zeros(1, 2, 2560)).shape
    torch.Size([1, 2560])
    """
    if config.braindecode.name is None:
        return SeizureDetector(config, len(channels))
    return build_braindecode(config.braindecode, channels, rate_hz=rate_hz, n_samples=n_samples)


def count_parameters(model: nn.Module) -> int:
    """Numbers that training can change.

    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)

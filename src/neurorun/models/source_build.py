"""Networks that localize sources, from their settings."""

from torch import nn

from neurorun.models.deepsif import DeepSIFNet
from neurorun.models.source_config import SourceModelConfig
from neurorun.models.source_transformer import SourceTransformer


def build_source_model(config: SourceModelConfig, *, n_channels: int, n_regions: int) -> nn.Module:
    """Make a network with new weights from PyTorch's own generator, on the CPU.

    Parameters
    ----------
    n_channels, n_regions : of the leadfield, > 0

    Examples
    --------
    >>> import torch
    >>> config = SourceModelConfig(name="deepsif", preset="small")
    >>> net = build_source_model(config, n_channels=75, n_regions=994)
    >>> net(torch.zeros(2, 500, 75)).shape
    torch.Size([2, 500, 994])
    """
    if config.name == "deepsif":
        return DeepSIFNet(config.deepsif, n_channels=n_channels, n_regions=n_regions)
    return SourceTransformer(config.transformer, n_channels=n_channels, n_regions=n_regions)

"""The network of crack segmentation from its settings: the section ``model`` of that task."""

from typing import Literal

from torch import nn

from neurorun.core import Config
from neurorun.models.crack_swin import CrackSwin, CrackSwinConfig
from neurorun.models.crack_unet import CrackUNet, CrackUNetConfig


class CrackNetworkConfig(Config):
    """Which network looks for cracks."""

    name: Literal["unet", "swinv2"] = "unet"
    """``unet``: small, of convolutions. ``swinv2``: transformer, atrous pyramid and decoder, from
    the extra ``segmentation``."""
    unet: CrackUNetConfig = CrackUNetConfig()
    """The U-Net."""
    swinv2: CrackSwinConfig = CrackSwinConfig()
    """The SwinV2."""


def build_crack_network(config: CrackNetworkConfig, *, trained: bool = True) -> nn.Module:
    """Make the network, on the CPU: pictures of 0 to 1 in, one logit per pixel out.

    Parameters
    ----------
    trained : whether weights that the settings name are loaded; not needed where those of a run
        follow

    Examples
    --------
    >>> type(build_crack_network(CrackNetworkConfig())).__name__
    'CrackUNet'
    """
    if config.name == "unet":
        return CrackUNet(config.unet)
    swinv2 = config.swinv2 if trained else config.swinv2.model_copy(update={"weights": None})
    return CrackSwin(swinv2)

"""A U-Net for pictures [1]_: one logit per pixel, for pictures of any size.

Groups of channels are normalized instead of batches: crops are few per batch and whole pictures are
predicted one at a time, so statistics of batches would be those of other pictures.

References
----------
.. [1] Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image
   segmentation", MICCAI 2015.
.. [2] Wu, He, "Group normalization", ECCV 2018.
"""

import itertools
from collections.abc import Sequence
from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from neurorun.core import Config
from neurorun.models.pictures import StandardizedColours, padded_to, rare_logits

_GROUP = 8


class CrackUNetConfig(Config):
    """The U-Net: as many stages as there are widths."""

    channels: tuple[Annotated[int, Field(ge=1, le=2048)], ...] = Field(
        default=(16, 32, 64, 128), min_length=1, max_length=7
    )
    """Width of each stage; every stage but the first halves height and width."""
    dropout: float = Field(default=0.1, ge=0.0, le=0.9)
    """Share of the channels silenced at the lowest stage while training."""


class _TwoConvolutions(nn.Sequential):
    """Convolve, normalize groups, keep the positive part; twice."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(*_convolution(n_in, n_out), *_convolution(n_out, n_out))


def _convolution(n_in: int, n_out: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    n_groups = n_out // _GROUP if n_out % _GROUP == 0 else 1
    return convolution, nn.GroupNorm(n_groups, n_out), nn.ReLU(inplace=True)


class CrackUNet(nn.Module):
    """Pictures in, one logit per pixel out.

    Pictures are padded with their border pixels to whole steps of the lowest stage, and the logits
    cut again.

    Parameters
    ----------
    config : widths and dropout

    Examples
    --------
    >>> network = CrackUNet(CrackUNetConfig(channels=(8, 16)))
    >>> network(torch.rand(2, 3, 33, 20)).shape
    torch.Size([2, 33, 20])
    """

    def __init__(self, config: CrackUNetConfig | None = None) -> None:
        super().__init__()
        config = config or CrackUNetConfig()
        widths = config.channels
        self.factor = 2 ** (len(widths) - 1)
        self.colours = StandardizedColours()
        self.down = nn.ModuleList(
            _TwoConvolutions(n_in, n_out) for n_in, n_out in _pairs((3, *widths))
        )
        self.dropout = nn.Dropout2d(config.dropout)
        upwards = _pairs(widths[::-1])
        self.lengthen = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in upwards)
        self.up = nn.ModuleList(_TwoConvolutions(2 * width, width) for _, width in upwards)
        self.head = rare_logits(widths[0])

    def forward(
        self, pictures: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch height width"]:
        """Logits at the size of the pictures, whose colours lie in 0 to 1."""
        height, width = pictures.shape[-2:]
        x = padded_to(self.colours(pictures), self.factor)
        x = x.contiguous(memory_format=torch.channels_last)
        copies: list[Tensor] = []
        for place, stage in enumerate(self.down):
            x = stage(functional.max_pool2d(x, 2) if place else x)
            copies.append(x)
        x = self.dropout(copies.pop())
        for lengthen, stage in zip(self.lengthen, self.up, strict=True):
            x = stage(torch.cat([lengthen(x), copies.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits[:, 0, :height, :width]


def _pairs(widths: Sequence[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(widths))

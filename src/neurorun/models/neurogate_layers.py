"""The layers of NeuroGATE: residual convolutions, gated dilated convolutions, attention heads.

Names of submodules are those of the original implementation, so that its state dicts load.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_NEW_FEATURES = (8, 16)
GROWTH = sum(_NEW_FEATURES)
"""Channels that a residual block adds to those it is given."""

_HEAD_WIDTH, _CHANNEL_WIDTH = 32, 64


class ResConv(nn.Module):
    """Two convolutions whose outputs are put in front of what they were made from."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        first, second = _NEW_FEATURES
        self.conv1 = nn.Conv1d(in_channels, first, kernel_size=5, padding=2)
        self.bn1 = nn.BatchNorm1d(first)
        self.conv2 = nn.Conv1d(in_channels + first, second, kernel_size=5, padding=2)
        self.bn2 = nn.BatchNorm1d(second)
        for convolution in (self.conv1, self.conv2):
            nn.init.xavier_uniform_(convolution.weight)

    def forward(
        self, x: Float[Tensor, "batch channels steps"]
    ) -> Float[Tensor, "batch more steps"]:
        """Return 24 new channels, followed by the given ones."""
        once = torch.cat((functional.relu(self.bn1(self.conv1(x))), x), dim=1)
        return torch.cat((functional.relu(self.bn2(self.conv2(once))), once), dim=1)


class GateDilateLayer(nn.Module):
    """A causal dilated convolution through a gate, added to its input."""

    def __init__(self, channels: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.padding = (kernel_size - 1) * dilation
        self.conv = nn.Conv1d(
            channels, channels, kernel_size, padding=self.padding, dilation=dilation
        )
        self.filter = nn.Conv1d(channels, channels, 1)
        self.gate = nn.Conv1d(channels, channels, 1)
        self.conv2 = nn.Conv1d(channels, channels, 1)
        for convolution in (self.conv, self.filter, self.gate, self.conv2):
            nn.init.xavier_uniform_(convolution.weight)

    def forward(
        self, x: Float[Tensor, "batch channels steps"]
    ) -> Float[Tensor, "batch channels steps"]:
        """Each step sees itself and what came before it."""
        seen = self.conv(x)[..., : x.shape[-1]]
        gated: Tensor = torch.tanh(self.filter(seen)) * torch.sigmoid(self.gate(seen))
        added: Tensor = x + self.conv2(gated)
        return added


class GateDilate(nn.Module):
    """Gated layers whose dilation doubles; eight of kernel 3 see 511 steps."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, n_layers: int
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            GateDilateLayer(out_channels, kernel_size, 2**i) for i in range(n_layers)
        )
        self.conv1d = nn.Conv1d(in_channels, out_channels, 1)
        nn.init.xavier_uniform_(self.conv1d.weight)

    def forward(self, x: Float[Tensor, "batch channels steps"]) -> Float[Tensor, "batch out steps"]:
        """Change the number of channels, then apply the layers."""
        x = self.conv1d(x)
        for layer in self.layers:
            x = layer(x)
        return x


class MultiResolutionAttention(nn.Module):
    """Attention over time from features of three resolutions, and over channels.

    Parameters
    ----------
    n_channels : rows of the map
    widths : channels of the features, from the finest to the coarsest
    n_samples : columns of the map
    head : ``outer`` (weights of channels times weights of instants) or ``per_channel``
    """

    def __init__(
        self,
        n_channels: int,
        *,
        widths: tuple[int, int, int],
        n_samples: int,
        head: Literal["outer", "per_channel"],
    ) -> None:
        super().__init__()
        self.n_samples, self.head = n_samples, head
        rows = 1 if head == "outer" else n_channels
        self.temporal_3000 = _temporal_head(widths[0], rows)
        self.temporal_600 = _temporal_head(widths[1], rows)
        self.temporal_120 = _temporal_head(widths[2], rows)
        if head == "outer":
            self.spatial_attention = nn.Sequential(
                nn.AdaptiveAvgPool1d(1),
                nn.Flatten(1),
                nn.Linear(widths[2], _CHANNEL_WIDTH),
                nn.ReLU(),
                nn.Dropout(0.5),
                nn.Linear(_CHANNEL_WIDTH, n_channels),
                nn.Sigmoid(),
            )
        self.scale_weights = nn.Parameter(torch.ones(3) / 3)

    def factors(
        self,
        fine: Float[Tensor, "batch _ fine"],
        middle: Float[Tensor, "batch _ middle"],
        coarse: Float[Tensor, "batch _ coarse"],
    ) -> tuple[Tensor, Tensor | None]:
        """Weights over time ``(batch, rows, samples)`` and, for ``outer``, over channels."""
        scales = (
            self.temporal_3000(fine), self.temporal_600(middle), self.temporal_120(coarse),
        )  # fmt: skip
        stretched = torch.stack(
            [
                functional.interpolate(
                    scale, size=self.n_samples, mode="linear", align_corners=False
                )
                for scale in scales
            ]
        )
        shares = functional.softmax(self.scale_weights, dim=0).reshape(3, 1, 1, 1)
        channels = self.spatial_attention(coarse) if self.head == "outer" else None
        return (shares * stretched).sum(dim=0), channels

    def forward(
        self,
        fine: Float[Tensor, "batch _ fine"],
        middle: Float[Tensor, "batch _ middle"],
        coarse: Float[Tensor, "batch _ coarse"],
    ) -> Float[Tensor, "batch channels samples"]:
        """Attention map in [0, 1]."""
        over_time, over_channels = self.factors(fine, middle, coarse)
        if over_channels is not None:
            over_time = over_time * over_channels.unsqueeze(-1)
        return torch.clamp(over_time, 0, 1)


def _temporal_head(width: int, rows: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(width, _HEAD_WIDTH, kernel_size=3, padding=1),
        nn.BatchNorm1d(_HEAD_WIDTH),
        nn.ReLU(),
        nn.Conv1d(_HEAD_WIDTH, rows, kernel_size=3, padding=1),
        nn.Sigmoid(),
    )

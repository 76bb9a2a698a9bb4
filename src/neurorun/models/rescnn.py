"""Residual block of convolutions with several kernels side by side.

Short kernels follow spikes, long ones follow rhythm; the width is divided among them and a
convolution of one step mixes what they found [1]_ [2]_.

References
----------
.. [1] Szegedy et al., "Going deeper with convolutions", CVPR 2015.
.. [2] He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from neurorun.models.memory import Memory
from neurorun.models.unet import Convolution


class ResidualBlock(nn.Module):
    """``relu(x + dropout(mix(branches(x))))``.

    Parameters
    ----------
    width : channels in and out; divided evenly among the kernels, the last takes the remainder
    kernel_sizes : odd
    dropout : probability with which a channel of what is added is silenced
    """

    def __init__(
        self, width: int, kernel_sizes: Sequence[int], *, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        share = width // len(kernel_sizes)
        last = width - share * (len(kernel_sizes) - 1)
        widths = [share] * (len(kernel_sizes) - 1) + [last]
        self.branches = nn.ModuleList(
            Convolution(width, n_out, kernel_size, causal=causal)
            for n_out, kernel_size in zip(widths, kernel_sizes, strict=True)
        )
        self.mix = nn.Sequential(
            nn.Conv1d(width, width, 1), nn.BatchNorm1d(width), nn.Dropout1d(dropout)
        )

    def forward(
        self, x: Float[Tensor, "batch width steps"], memory: Memory | None = None
    ) -> Float[Tensor, "batch width steps"]:
        """Run over a signal, or over its next piece if a memory is given."""
        found = torch.cat([branch(x, memory) for branch in self.branches], dim=1)
        return relu(x + self.mix(found))

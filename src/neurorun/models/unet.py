"""The way down and up again: a U-Net along time [1]_.

Every stage of the encoder convolves twice, hands a copy to the decoder, and shortens the signal;
every stage of the decoder lengthens it and joins it with the copy of the same length.

Shortening takes blocks of ``factor`` steps that do not overlap, lengthening gives such blocks
back. In the causal network all other layers look at the past alone; so a step of it knows the
signal up to the end of the block it lies in, and nothing after.

References
----------
.. [1] Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image
   segmentation", MICCAI 2015.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from neurorun.models.memory import Memory, after_past


class Convolution(nn.Module):
    """Convolution that keeps the length, batch norm, and the positive part.

    Parameters
    ----------
    n_in, n_out : widths
    kernel_size : odd
    causal : look at the step itself and those before it; else at as many before as after
    """

    def __init__(self, n_in: int, n_out: int, kernel_size: int, *, causal: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, kernel_size, padding=0 if causal else kernel_size // 2)
        self.norm = nn.BatchNorm1d(n_out)
        self.n_past = kernel_size - 1 if causal else 0
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(
        self, x: Float[Tensor, "batch {self.conv.in_channels} steps"], memory: Memory | None = None
    ) -> Float[Tensor, "batch {self.conv.out_channels} steps"]:
        """Convolve a signal, or its next piece if a memory is given."""
        if self.n_past:
            x = after_past(self.conv, x, self.n_past, memory=memory)
        return relu(self.norm(self.conv(x)), inplace=True)


class EncoderStage(nn.Module):
    """Two convolutions, and a third that makes the signal ``factor`` times shorter."""

    def __init__(
        self, n_in: int, n_out: int, *, kernel_size: int, factor: int, causal: bool
    ) -> None:
        super().__init__()
        self.first = Convolution(n_in, n_out, kernel_size, causal=causal)
        self.second = Convolution(n_out, n_out, kernel_size, causal=causal)
        self.down = nn.Conv1d(n_out, n_out, factor, stride=factor)

    def forward(
        self, x: Float[Tensor, "batch channels steps"], memory: Memory | None = None
    ) -> tuple[Float[Tensor, "batch width steps"], Float[Tensor, "batch width fewer"]]:
        """Copy for the decoder at full length, and the shorter signal.

        The number of steps must be a multiple of ``factor``.
        """
        copy = self.second(self.first(x, memory), memory)
        return copy, self.down(copy)


class Lengthening(nn.Module):
    """Transposed convolution that makes a signal exactly ``factor`` times longer.

    Parameters
    ----------
    n_in, n_out : widths
    kernel_size : at least ``factor``; if longer, blocks of neighbouring steps overlap and add up
    causal : cut the overhang of the last steps; else of both ends
    """

    def __init__(
        self, n_in: int, n_out: int, *, kernel_size: int, factor: int, causal: bool
    ) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose1d(n_in, n_out, kernel_size, stride=factor)
        self.factor = factor
        self.n_past = (kernel_size - 1) // factor if causal else 0
        self.first = self.n_past * factor if causal else (kernel_size - factor) // 2

    def forward(
        self, x: Float[Tensor, "batch channels steps"], memory: Memory | None = None
    ) -> Float[Tensor, "batch width more"]:
        """Lengthen a signal, or its next piece if a memory is given."""
        n_samples = x.shape[-1] * self.factor
        if self.n_past:
            x = after_past(self.conv, x, self.n_past, memory=memory)
        longer: Tensor = self.conv(x)
        return longer[..., self.first : self.first + n_samples]


class DecoderStage(nn.Module):
    """Lengthen, join with the encoder's copy, convolve twice.

    Parameters
    ----------
    n_in, n_copy, n_out : widths of the input, of the copy and of the output
    kernel_size : of the convolutions
    up_kernel_size : of the transposed convolution
    """

    def __init__(
        self,
        n_in: int,
        n_copy: int,
        n_out: int,
        *,
        kernel_size: int,
        up_kernel_size: int,
        factor: int,
        causal: bool,
    ) -> None:
        super().__init__()
        self.up = Lengthening(n_in, n_out, kernel_size=up_kernel_size, factor=factor, causal=causal)
        self.first = Convolution(n_out + n_copy, n_out, kernel_size, causal=causal)
        self.second = Convolution(n_out, n_out, kernel_size, causal=causal)

    def forward(
        self,
        x: Float[Tensor, "batch channels fewer"],
        copy: Float[Tensor, "batch copied steps"],
        memory: Memory | None = None,
    ) -> Float[Tensor, "batch width steps"]:
        """Signal at the length of the copy."""
        joined = torch.cat([self.up(x, memory), copy], dim=1)
        result: Tensor = self.second(self.first(joined, memory), memory)
        return result

"""Mamba-2: a selective state-space layer, in PyTorch alone.

Parameters have the names and shapes of `mamba-ssm` and of `transformers`, so weights move between
the three unchanged.

References
----------
.. [1] Dao, Gu, "Transformers are SSMs: generalized models and efficient algorithms through
   structured state space duality", ICML 2024, section 7 and figure 6.
.. [2] https://github.com/state-spaces/mamba, ``mamba_ssm/modules/mamba2.py``, release 2.2.2:
   initial values and their ranges.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, silu, softplus

from neurorun.core import ConfigError
from neurorun.models.memory import Memory, after_past
from neurorun.models.ssd import ssd_chunked

_NORM_EPSILON = 1e-5
_STEP_RANGE = (1e-3, 1e-1)
_SHORTEST_STEP = 1e-4
_FADE_RANGE = (1.0, 16.0)


class GatedNorm(nn.Module):
    """Root-mean-square normalization of a gated signal.

    Parameters
    ----------
    width : length of the last axis
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(
        self, x: Float[Tensor, "batch steps width"], gate: Float[Tensor, "batch steps width"]
    ) -> Float[Tensor, "batch steps width"]:
        """Gate, then divide by the root mean square over the width."""
        gated = x * silu(gate)
        # By the length: fewer passes over memory than PyTorch's rms_norm takes on CPUs.
        length = torch.linalg.vector_norm(gated, dim=-1, keepdim=True)
        scale = torch.rsqrt(length.square() / len(self.weight) + _NORM_EPSILON)
        return gated * scale * self.weight


class Mamba2(nn.Module):
    """One Mamba-2 layer: every step sees itself and what came before.

    Under autocast the projections run in the lower precision; the convolution, the recurrence
    and the norm between them stay in float32.

    Parameters
    ----------
    d_model : width of input and output
    d_state : numbers that each column of a head carries along the signal
    conv_kernel : steps that the short convolution before the recurrence looks at
    expand : inner width is ``expand * d_model``
    head_dim : width of one head; must divide the inner width
    chunk : steps per matrix product, see `ssd_chunked`

    Raises
    ------
    ConfigError : the inner width is no multiple of ``head_dim``
    """

    def __init__(
        self,
        d_model: int,
        *,
        d_state: int = 16,
        conv_kernel: int = 4,
        expand: int = 2,
        head_dim: int = 64,
        chunk: int = 32,
    ) -> None:
        super().__init__()
        inner = expand * d_model
        if inner % head_dim:
            raise ConfigError(
                f"Inner width {inner} ({expand} times d_model {d_model}) is no multiple of "
                f"head_dim {head_dim}; choose a head_dim that divides it."
            )
        self.d_state, self.head_dim, self.chunk = d_state, head_dim, chunk
        n_heads, mixed = inner // head_dim, inner + 2 * d_state
        self.in_proj = nn.Linear(d_model, inner + mixed + n_heads, bias=False)
        self.conv1d = nn.Conv1d(mixed, mixed, conv_kernel, groups=mixed)
        self.dt_bias = nn.Parameter(_initial_step_bias(n_heads))
        self.A_log = nn.Parameter(torch.empty(n_heads).uniform_(*_FADE_RANGE).log())
        self.D = nn.Parameter(torch.ones(n_heads))
        self.norm = GatedNorm(inner)
        self.out_proj = nn.Linear(inner, d_model, bias=False)

    def forward(
        self, u: Float[Tensor, "batch steps d_model"], memory: Memory | None = None
    ) -> Float[Tensor, "batch steps d_model"]:
        """Run over a signal, or over its next piece if a memory is given."""
        projected = self.in_proj(u)
        precise = torch.promote_types(projected.dtype, torch.float32)
        with torch.autocast(u.device.type, enabled=False):
            mixed = self._mix(projected.to(precise), memory)
        y: Tensor = self.out_proj(mixed)
        return y

    def _mix(
        self, projected: Float[Tensor, "batch steps projected"], memory: Memory | None
    ) -> Float[Tensor, "batch steps inner"]:
        n_heads, inner = len(self.D), len(self.D) * self.head_dim
        sizes = [inner, inner + 2 * self.d_state, n_heads]
        gate, mixed, dt = torch.split(projected, sizes, dim=-1)
        sizes = [inner, self.d_state, self.d_state]
        x, b, c = torch.split(self._convolve(mixed, memory), sizes, dim=-1)
        y, state = ssd_chunked(
            torch.unflatten(x, -1, (n_heads, self.head_dim)),
            softplus(dt + self.dt_bias),
            -torch.exp(self.A_log),
            b=b,
            c=c,
            d=self.D,
            state=None if memory is None else memory.recall(self),
            chunk=self.chunk,
        )
        if memory is not None:
            memory.keep(self, state)
        normed: Tensor = self.norm(y.flatten(2), gate)
        return normed

    def _convolve(
        self, mixed: Float[Tensor, "batch steps mixed"], memory: Memory | None
    ) -> Float[Tensor, "batch steps mixed"]:
        weight, bias = self.conv1d.weight.unsqueeze(2), self.conv1d.bias
        assert bias is not None
        # As an image one row high: for images there are convolutions whose channels lie side by
        # side, as the projection leaves them. On CPUs they are quick and save the transposes.
        on_cpu = mixed.device.type == "cpu"
        order = torch.channels_last if on_cpu else torch.contiguous_format
        n_past = weight.shape[-1] - 1
        row = after_past(self.conv1d, mixed.mT.unsqueeze(2), n_past, memory=memory)
        convolved = conv2d(row.contiguous(memory_format=order), weight, groups=len(weight))
        return silu(convolved.squeeze(2).mT + bias)


def _initial_step_bias(n_heads: int) -> Float[Tensor, " heads"]:
    """Bias for which steps start log-uniform in their range: softplus of it is the step."""
    shortest, longest = (math.log(step) for step in _STEP_RANGE)
    steps = torch.empty(n_heads).uniform_(shortest, longest).exp().clamp(min=_SHORTEST_STEP)
    return steps + torch.log(-torch.expm1(-steps))

"""What the layers of a causal network remember between two pieces of one signal.

A layer that looks back asks its memory for the past of the piece in hand. Without a memory, or at
the start of a signal, the past is silence; so a signal in one piece and the same signal in many
pieces run through the same arithmetic.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad


class Memory:
    """Tensors that layers keep for the next piece of the signal, each under the layer it is of."""

    def __init__(self) -> None:
        self._kept: dict[nn.Module, Tensor] = {}

    def recall(self, layer: nn.Module) -> Tensor | None:
        """What the layer kept last; None at the start of a signal."""
        return self._kept.get(layer)

    def keep(self, layer: nn.Module, tensor: Tensor) -> None:
        """Put something in the place of what the layer kept before.

        It is copied, for as a view it would hold the whole piece in memory.
        """
        self._kept[layer] = tensor.clone()


def after_past(
    layer: nn.Module,
    piece: Float[Tensor, "batch *channels steps"],
    n_past: int,
    *,
    memory: Memory | None,
) -> Float[Tensor, "batch *channels steps+{n_past}"]:
    """Put the last ``n_past`` steps of the signal so far before the piece.

    Examples
    --------
    >>> memory, layer, ones = Memory(), nn.Identity(), torch.ones(1, 1, 2)
    >>> after_past(layer, ones, 3, memory=memory).tolist()
    [[[0.0, 0.0, 0.0, 1.0, 1.0]]]
    >>> after_past(layer, 2 * ones, 3, memory=memory).tolist()
    [[[0.0, 1.0, 1.0, 2.0, 2.0]]]
    """
    past = None if memory is None else memory.recall(layer)
    joined = pad(piece, (n_past, 0)) if past is None else torch.cat([past, piece], dim=-1)
    if memory is not None:
        memory.keep(layer, joined[..., joined.shape[-1] - n_past :])
    return joined

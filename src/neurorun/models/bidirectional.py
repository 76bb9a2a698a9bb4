"""One state-space stage of the detector: Mamba-2 over the signal, in both directions or in one.

Two layers with weights of their own read the signal forwards and backwards; what they say is
merged, and added to the signal. The causal stage has the forward layer alone.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurorun.models.detector_config import MambaConfig, SsmBackend
from neurorun.models.memory import Memory
from neurorun.models.ssm_backends import build_ssm


class StateSpaceStage(nn.Module):
    """``norm(x + dropout(merge(forwards(x), backwards(x))))``.

    Parameters
    ----------
    config : sizes of the layers
    backend : whose Mamba-2 to run
    causal : only forwards, and without the merge
    """

    def __init__(self, config: MambaConfig, *, backend: SsmBackend, causal: bool) -> None:
        super().__init__()
        width = config.d_model
        self.forwards = build_ssm(config, backend)
        self.backwards = None if causal else build_ssm(config, backend)
        self.merge = nn.Identity() if causal else nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "batch steps width"], memory: Memory | None = None
    ) -> Float[Tensor, "batch steps width"]:
        """Run over a signal, or over its next piece if the stage is causal and has a memory."""
        y = self.forwards(x) if memory is None else self.forwards(x, memory)
        if self.backwards is not None:
            y = torch.cat([y, self.backwards(x.flip(1)).flip(1)], dim=-1)
        result: Tensor = self.norm(x + self.dropout(self.merge(y)))
        return result

"""A transformer from EEG to region activity: every sample may look at every other.

References
----------
.. [1] Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurorun.models.source_config import SourceTransformerConfig

_EARLIER_TABLE = "pos_encoder.pe"
"""Weights of the earlier program hold its table of positions, which is a formula here."""


class SourceTransformer(nn.Module):
    """Encoder over the samples of an example: 6,040,034 parameters for 75 channels and 994 regions.

    Its weights are called as in the program that introduced it, whose ``state_dict`` it loads.

    Parameters
    ----------
    config : sizes
    n_channels, n_regions : of the leadfield

    Examples
    --------
    >>> net = SourceTransformer(SourceTransformerConfig(), n_channels=75, n_regions=994)
    >>> sum(parameter.numel() for parameter in net.parameters())
    6040034
    """

    def __init__(self, config: SourceTransformerConfig, *, n_channels: int, n_regions: int) -> None:
        super().__init__()
        width, inner = config.d_model, config.dim_feedforward
        self.input_projection = nn.Linear(n_channels, width)
        self.dropout = nn.Dropout(config.dropout)
        layer = nn.TransformerEncoderLayer(
            width,
            config.n_heads,
            dim_feedforward=inner,
            dropout=config.dropout,
            batch_first=True,
        )
        self.transformer_encoder = nn.TransformerEncoder(
            layer, config.n_layers, enable_nested_tensor=False
        )
        self.output_projection = nn.Sequential(
            nn.Linear(width, inner),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(inner, n_regions),
        )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self, eeg: Float[Tensor, "batch samples channels"]
    ) -> Float[Tensor, "batch samples regions"]:
        """Estimate region activity.

        Parameters
        ----------
        eeg : any unit; trained on EEG whose largest absolute value is 1
        """
        projected = self.input_projection(eeg)
        placed = projected + positions(*projected.shape[1:]).to(projected)
        found: Tensor = self.output_projection(self.transformer_encoder(self.dropout(placed)))
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Take weights, those of the earlier program without their table of positions."""
        own = {name: value for name, value in state_dict.items() if name != _EARLIER_TABLE}
        return super().load_state_dict(own, strict=strict, assign=assign)


def positions(n_samples: int, width: int) -> Float[Tensor, "samples width"]:
    """Sines and cosines that tell one sample from another [1]_.

    Parameters
    ----------
    n_samples : > 0
    width : values per sample, even; sines in even places, cosines of the same rate beside them

    References
    ----------
    .. [1] Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5.

    Examples
    --------
    >>> positions(2, 4)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(n_samples)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)

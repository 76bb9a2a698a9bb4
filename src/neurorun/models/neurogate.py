"""NeuroGATE with multi-resolution attention: normal or abnormal, and where the network looked.

Five minutes of 22 channels at 50 Hz become features at 10, 2 and 0.4 Hz. An attention map at the
rate of the EEG is made of all three; averaged over channels it weighs the coarsest features, whose
mean over time decides. State dicts of the original implementation load.

What the network cannot do: with the original head the map is a product of one factor over time and
one over channels; only the mean over channels enters the decision, so which channels light up is
shaped by the reader's gaze alone and does not explain the decision; and with the original gate the
decision depends on whether the map is asked for.
"""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from neurorun.core import ConfigError
from neurorun.models.neurogate_config import AttentionHead, GateMode, NeuroGateConfig
from neurorun.models.neurogate_layers import (
    GROWTH,
    GateDilate,
    MultiResolutionAttention,
    ResConv,
)

POOL = 5
STEPS_PER_FEATURE = POOL**3
"""Samples that become one step of the coarsest features."""

_WIDTH, _HEADS, _ENCODER_LAYERS, _DROPOUT = 20, 4, 2, 0.5
_KERNEL, _GATED_LAYERS = 3, 8


class Features(NamedTuple):
    """What the network computes on the way, from the finest to the coarsest."""

    fine: Float[Tensor, "batch twice fine"]
    middle: Float[Tensor, "batch width middle"]
    coarse: Float[Tensor, "batch width coarse"]


class NeuroGATE_Gaze_MultiRes(nn.Module):  # noqa: N801 - the name that users import
    """Classify long EEG windows and show an attention map.

    Parameters
    ----------
    n_chan : channels of EEG
    n_outputs : classes
    original_time_length : samples of a window, a multiple of 125
    attention_head, gate : see `NeuroGateConfig`; the defaults are the original network

    Raises
    ------
    ConfigError : the window is no multiple of 125 samples

    Examples
    --------
    >>> model = NeuroGATE_Gaze_MultiRes(n_chan=22, n_outputs=2, original_time_length=15000)
    >>> sum(parameter.numel() for parameter in model.parameters())
    527250
    """

    def __init__(
        self,
        n_chan: int = 22,
        n_outputs: int = 2,
        original_time_length: int = 15000,
        *,
        attention_head: AttentionHead = "outer",
        gate: GateMode = "original",
    ) -> None:
        super().__init__()
        if original_time_length < STEPS_PER_FEATURE or original_time_length % STEPS_PER_FEATURE:
            raise ConfigError(
                f"A window of {original_time_length} samples was asked of NeuroGATE, which divides "
                f"by {STEPS_PER_FEATURE}; choose a multiple of it (2.5 s at 50 Hz)."
            )
        self.n_chan, self.n_outputs = n_chan, n_outputs
        self.original_time_length, self.gate = original_time_length, gate
        fused, grown = 2 * n_chan, _WIDTH + GROWTH
        self.res_conv1 = ResConv(fused)
        self.gate_dilate1 = GateDilate(fused, fused + GROWTH, _KERNEL, _GATED_LAYERS)
        self.conv1 = nn.Conv1d(fused + GROWTH, _WIDTH, kernel_size=3, padding=1)
        self.res_conv2 = ResConv(_WIDTH)
        self.gate_dilate2 = GateDilate(_WIDTH, grown, _KERNEL, _GATED_LAYERS)
        self.res_conv3 = ResConv(_WIDTH)
        self.bn1 = nn.BatchNorm1d(fused)
        self.bn2 = nn.BatchNorm1d(_WIDTH)
        self.conv2 = nn.Conv1d(grown, _WIDTH, kernel_size=3, padding=1)
        self.bn3 = nn.BatchNorm1d(_WIDTH)
        self.conv3 = nn.Conv1d(grown, _WIDTH, kernel_size=3, padding=1)
        self.bn4 = nn.BatchNorm1d(_WIDTH)
        layer = nn.TransformerEncoderLayer(_WIDTH, _HEADS, dropout=_DROPOUT, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, _ENCODER_LAYERS)
        self.attention_layer = MultiResolutionAttention(
            n_chan,
            widths=(fused, _WIDTH, _WIDTH),
            n_samples=original_time_length,
            head=attention_head,
        )
        self.fc = nn.Linear(_WIDTH, n_outputs)
        for module in (self.conv1, self.conv2, self.conv3, self.fc):
            nn.init.xavier_uniform_(module.weight)

    def forward(
        self, x: Float[Tensor, "batch channels samples"], return_attention: bool = False
    ) -> Any:
        """Classify windows.

        Returns
        -------
        Logits ``(batch, classes)``; or, with ``return_attention``, a dictionary of ``logits``,
        ``attention_map`` ``(batch, channels, samples)`` in [0, 1], and ``features``.
        """
        features = self.encode(x)
        if not return_attention and self.gate == "original":
            return self.fc(features.coarse.mean(dim=2))
        attention = self.attention_layer(*features)
        logits = self.decide(features.coarse, attention)
        if not return_attention:
            return logits
        return {"logits": logits, "attention_map": attention, "features": features.coarse}

    def encode(self, x: Float[Tensor, "batch channels samples"]) -> Features:
        """Compute the features of all three resolutions."""
        pooled = torch.cat(
            (functional.avg_pool1d(x, POOL, POOL), functional.max_pool1d(x, POOL, POOL)), dim=1
        )
        fine = self.bn1(pooled)
        x = self.res_conv1(fine) + self.gate_dilate1(fine)
        x = functional.dropout1d(x, _DROPOUT, training=self.training)
        x = functional.max_pool1d(x, POOL, POOL)
        middle = functional.relu(self.bn2(self.conv1(x)))
        x = self.bn3(self.conv2(self.res_conv2(middle) + self.gate_dilate2(middle)))
        x = functional.max_pool1d(self.res_conv3(x), POOL, POOL)
        x = self.bn4(self.conv3(x))
        coarse = self.encoder(x.transpose(1, 2)).transpose(1, 2)
        return Features(fine, middle, coarse)

    def decide(
        self,
        coarse: Float[Tensor, "batch width coarse"],
        attention: Float[Tensor, "batch channels samples"],
    ) -> Float[Tensor, "batch classes"]:
        """Logits of features that are weighed by a map's mean over channels."""
        weights = functional.avg_pool1d(attention, STEPS_PER_FEATURE, STEPS_PER_FEATURE)
        weights = weights.mean(dim=1, keepdim=True)
        if self.gate == "normalized":
            weights = weights / weights.mean(dim=2, keepdim=True).clamp_min(1e-6)
        logits: Tensor = self.fc((coarse * weights).mean(dim=2))
        return logits

    def get_attention(
        self, x: Float[Tensor, "batch channels samples"]
    ) -> Float[Tensor, "batch channels samples"]:
        """Attention map, without gradients."""
        with torch.no_grad():
            attention: Tensor = self.attention_layer(*self.encode(x))
        return attention

    def get_features(
        self, x: Float[Tensor, "batch channels samples"]
    ) -> Float[Tensor, "batch width coarse"]:
        """Coarsest features, without gradients."""
        with torch.no_grad():
            return self.encode(x).coarse


class NeuroGATE_Gaze_MultiRes_Simple(nn.Module):  # noqa: N801 - the name that users import
    """The same network, which returns a tuple where the map is asked for."""

    def __init__(
        self, n_chan: int = 22, n_outputs: int = 2, original_time_length: int = 15000
    ) -> None:
        super().__init__()
        self.model = NeuroGATE_Gaze_MultiRes(n_chan, n_outputs, original_time_length)

    def forward(
        self, x: Float[Tensor, "batch channels samples"], return_attention: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits, or logits and attention map."""
        if not return_attention:
            logits: Tensor = self.model(x)
            return logits
        found = self.model(x, return_attention=True)
        return found["logits"], found["attention_map"]


def build_neurogate(
    config: NeuroGateConfig, *, n_channels: int, n_samples: int, n_classes: Literal[2] = 2
) -> NeuroGATE_Gaze_MultiRes:
    """Make the network that a configuration asks for, on the CPU."""
    return NeuroGATE_Gaze_MultiRes(
        n_channels,
        n_classes,
        n_samples,
        attention_head=config.attention_head,
        gate=config.gate,
    )

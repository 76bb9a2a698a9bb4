"""Losses over samples: one logit and one target of 0 or 1 per sample, averaged over all of them.

They take logits, not probabilities: the logarithm is taken without forming the probability, so no
clamp is needed and a confident mistake keeps its gradient.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Bool, Float, Integer, Shaped
from torch import Tensor
from torch.nn import functional

LossName = Literal["bce", "focal"]
PositiveWeight = Literal["none", "batch", "dataset", "sqrt"]


def binary_cross_entropy(
    logits: Float[Tensor, "*samples"],
    targets: Float[Tensor, "*samples"],
    *,
    positive_weight: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Mean of ``-w t log p - (1 - t) log(1 - p)``, with ``p`` the sigmoid of the logit.

    Parameters
    ----------
    logits : any shape
    targets : 0 to 1, of the same shape
    positive_weight : w, > 0; None means 1

    Examples
    --------
    >>> round(float(binary_cross_entropy(torch.zeros(2, 5), torch.ones(2, 5))), 4)
    0.6931
    """
    return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=positive_weight)


def focal_loss(
    logits: Float[Tensor, "*samples"],
    targets: Float[Tensor, "*samples"],
    *,
    alpha: float,
    gamma: float,
    positive_weight: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Mean of ``-a (1 - q)^gamma log q``, with ``q`` the probability given to the truth [1]_.

    Parameters
    ----------
    logits : any shape
    targets : 0 or 1, of the same shape
    alpha : 0 to 1; ``a`` is alpha for positive and ``1 - alpha`` for negative samples
    gamma : >= 0; 0 gives half the cross-entropy at alpha 0.5
    positive_weight : factor on positive samples, > 0; None means 1

    References
    ----------
    .. [1] Lin, Goyal, Girshick, He, Dollar, "Focal loss for dense object detection", ICCV 2017,
       equation 5.

    Examples
    --------
    >>> sure = torch.tensor([8.0, -8.0])
    >>> float(focal_loss(sure, torch.tensor([1.0, 0.0]), alpha=0.5, gamma=2.0)) < 1e-9
    True
    """
    towards_truth = logits * (2 * targets - 1)
    hardness = torch.exp(gamma * functional.logsigmoid(-towards_truth))
    balance = alpha * targets + (1 - alpha) * (1 - targets)
    if positive_weight is not None:
        balance = balance * (1 + (positive_weight - 1) * targets)
    return -(balance * hardness * functional.logsigmoid(towards_truth)).mean()


class SampleLoss:
    """The configured loss: called with logits and targets, remembers the weight that it used.

    Parameters
    ----------
    name, alpha, gamma : see `binary_cross_entropy` and `focal_loss`
    weighting : ``none``; ``batch`` weighs positives by (1 - p) / p of every batch; ``dataset`` by
        (1 - p) / p of all training examples; ``sqrt`` by its root, and never below 1
    positive_fraction : share p of positive samples in the training examples, for ``dataset`` and
        ``sqrt``
    mean_over_processes : averages a tensor over all processes, so that ``batch`` sees the joint
        batch
    """

    def __init__(
        self,
        name: LossName = "bce",
        *,
        alpha: float = 0.5,
        gamma: float = 2.0,
        weighting: PositiveWeight = "none",
        positive_fraction: float = math.nan,
        mean_over_processes: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._name = name
        self._alpha = alpha
        self._gamma = gamma
        self._weighting = weighting
        self._mean_over_processes = mean_over_processes
        self._fixed_weight = fixed_positive_weight(weighting, positive_fraction)
        self.last_weight: Tensor | float = self._fixed_weight

    def __call__(
        self,
        logits: Float[Tensor, "*samples"],
        targets: Bool[Tensor, "*samples"] | Integer[Tensor, "*samples"] | Float[Tensor, "*samples"],
    ) -> Float[Tensor, ""]:
        """Mean loss over all samples, in the precision of the logits."""
        truth = targets.to(logits.dtype)
        weight = self._positive_weight(truth)
        if self._name == "bce":
            return binary_cross_entropy(logits, truth, positive_weight=weight)
        return focal_loss(
            logits, truth, alpha=self._alpha, gamma=self._gamma, positive_weight=weight
        )

    def for_validation(self) -> "SampleLoss":
        """Return the same loss with a weight that does not change from batch to batch.

        ``batch`` weighs by what happens to be drawn; validation is not drawn, so its loss is
        then unweighted.
        """
        loss = SampleLoss(self._name, alpha=self._alpha, gamma=self._gamma)
        loss._fixed_weight = loss.last_weight = self._fixed_weight
        return loss

    def _positive_weight(self, truth: Shaped[Tensor, "*samples"]) -> Tensor | None:
        if self._weighting == "batch":
            positive = truth.mean(dtype=torch.float32)
            if self._mean_over_processes is not None:
                positive = self._mean_over_processes(positive)
            mixed = (positive > 0) & (positive < 1)
            weight = torch.where(mixed, (1 - positive) / positive.clamp(min=1e-12), 1.0)
            self.last_weight = weight.detach()
            return weight.to(truth.dtype)
        if self._fixed_weight == 1.0:
            return None
        return torch.tensor(self._fixed_weight, dtype=truth.dtype, device=truth.device)


def fixed_positive_weight(weighting: PositiveWeight, positive_fraction: float) -> float:
    """Weight of positive samples that holds for the whole training; 1 for ``none`` and ``batch``.

    >>> fixed_positive_weight("dataset", 0.2), fixed_positive_weight("sqrt", 0.2)
    (4.0, 2.0)
    """
    if weighting in ("none", "batch"):
        return 1.0
    ratio = (1 - positive_fraction) / positive_fraction
    return ratio if weighting == "dataset" else max(1.0, math.sqrt(ratio))

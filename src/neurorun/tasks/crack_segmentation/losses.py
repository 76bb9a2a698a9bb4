"""The loss of crack segmentation: a loss of single pixels, and one of whole masks.

The first is the criterion of training (``training.loss``: cross-entropy or focal loss), the second
Dice; together they are what others call BCE-Dice and Focal-Dice. Both take logits.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from neurorun.core import Config


class CrackLossConfig(Config):
    """How much of the loss is Dice; the rest is ``training.loss``, ``bce`` or ``focal``."""

    dice_weight: float = Field(default=0.5, ge=0, le=1)
    """Share of Dice; 0.5 with ``bce`` is BCE-Dice, 0.4 to 0.5 with ``focal`` Focal-Dice."""
    dice_over: Literal["image", "batch"] = "image"
    """Whether Dice is taken of every image and averaged, or of all images of a batch together."""
    dice_smooth: float = Field(default=1.0, gt=0)
    """Pixels added to the intersection and to half the sum, so that an empty mask has a Dice."""


def dice_loss(
    logits: Float[Tensor, "batch height width"],
    targets: Float[Tensor, "batch height width"] | Bool[Tensor, "batch height width"],
    *,
    over: Literal["image", "batch"] = "image",
    smooth: float = 1.0,
) -> Float[Tensor, ""]:
    """One minus the soft Dice ``(2 sum pt + s) / (sum p + sum t + s)`` [1]_, in 0 to 1.

    Parameters
    ----------
    targets : 0 or 1
    over : of every image, then the mean; or of all together
    smooth : s, > 0

    References
    ----------
    .. [1] Milletari, Navab, Ahmadi, "V-Net: fully convolutional neural networks for volumetric
       medical image segmentation", 3DV 2016, section 3, without squares and with smoothing.

    Examples
    --------
    >>> mask = torch.eye(4)[None]
    >>> round(float(dice_loss(40 * mask - 20, mask)), 6)
    0.0
    """
    probabilities, truth = torch.sigmoid(logits.float()), targets.float()
    axes = (1, 2) if over == "image" else (0, 1, 2)
    shared = (probabilities * truth).sum(axes)
    total = probabilities.sum(axes) + truth.sum(axes)
    return (1 - (2 * shared + smooth) / (total + smooth)).mean()


class CrackLoss:
    """Both parts, weighed.

    Parameters
    ----------
    config : share and kind of Dice
    criterion : logits and targets in, mean over their pixels out

    Examples
    --------
    >>> from torch.nn.functional import binary_cross_entropy_with_logits
    >>> loss = CrackLoss(CrackLossConfig(), binary_cross_entropy_with_logits)
    >>> sorted(loss(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)))
    ['dice_loss', 'loss', 'pixel_loss']
    """

    def __init__(
        self, config: CrackLossConfig, criterion: Callable[[Tensor, Tensor], Tensor]
    ) -> None:
        self._config, self._criterion = config, criterion

    def __call__(
        self,
        logits: Float[Tensor, "batch height width"],
        targets: Float[Tensor, "batch height width"],
    ) -> dict[str, Tensor]:
        """``loss`` and its two parts, means over the batch."""
        config = self._config
        pixel_loss = self._criterion(logits, targets)
        dice = dice_loss(logits, targets, over=config.dice_over, smooth=config.dice_smooth)
        share = config.dice_weight
        return {
            "loss": (1 - share) * pixel_loss + share * dice,
            "pixel_loss": pixel_loss,
            "dice_loss": dice,
        }

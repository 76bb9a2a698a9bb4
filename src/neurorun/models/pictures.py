"""What networks for pictures share: colours as they expect them, and sizes that they can halve."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_RARE = 0.05


class StandardizedColours(nn.Module):
    """Colours of 0 to 1 with the mean and deviation of photographs taken out [1]_.

    A part of the network, so that nobody who uses its weights can forget it.

    References
    ----------
    .. [1] Mean and deviation of the training pictures of ImageNet, with which weights for pictures
       are commonly trained.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        mean = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
        deviation = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("deviation", deviation, persistent=False)

    def forward(
        self, pictures: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Standardize each colour."""
        return (pictures - self.mean) / self.deviation


def rare_logits(n_in: int) -> nn.Conv2d:
    """The last layer: one logit per pixel, which begins by calling few pixels positive [1]_.

    References
    ----------
    .. [1] Lin, Goyal, Girshick, He, Dollar, "Focal loss for dense object detection", ICCV 2017,
       section 4.1: otherwise the many negative pixels rule the first steps.

    Examples
    --------
    >>> round(torch.sigmoid(rare_logits(4).bias).item(), 2)
    0.05
    """
    layer = nn.Conv2d(n_in, 1, 1)
    assert layer.bias is not None
    nn.init.constant_(layer.bias, -math.log((1 - _RARE) / _RARE))
    return layer


def padded_to(
    pictures: Float[Tensor, "batch channels height width"], factor: int
) -> Float[Tensor, "batch channels taller wider"]:
    """Repeat the last row and column until both sides are multiples of ``factor``.

    >>> padded_to(torch.zeros(1, 3, 33, 20), 4).shape
    torch.Size([1, 3, 36, 20])
    """
    height, width = pictures.shape[-2:]
    bottom, right = -height % factor, -width % factor
    if not (bottom or right):
        return pictures
    return functional.pad(pictures, (0, right, 0, bottom), mode="replicate")

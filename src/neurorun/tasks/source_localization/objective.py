"""What training minimizes: the mean squared error over all regions and samples.

Targets are given whole, or as the rows of the few active regions; both give the same figures.
"""

import torch
from jaxtyping import Float, Integer
from torch import Tensor

Sparse = tuple[Integer[Tensor, "batch active"], Float[Tensor, "batch active samples"]]
"""Active regions of every example, filled up with -1, and their activity."""


def figures(
    estimate: Float[Tensor, "batch samples regions"],
    targets: Float[Tensor, "batch regions samples"] | Sparse,
) -> dict[str, Tensor]:
    """Mean squared and mean absolute error over all regions, samples and examples.

    Parameters
    ----------
    estimate : of a network
    targets : true activity; in the sparse form all regions that are not listed are silent

    Examples
    --------
    >>> found = figures(torch.zeros(1, 2, 3), torch.ones(1, 3, 2))
    >>> float(found["loss"]), float(found["mae"])
    (1.0, 1.0)
    """
    estimate = estimate.float()
    if isinstance(targets, tuple):
        return _sparse_figures(estimate, *targets)
    error = estimate - targets.transpose(1, 2)
    return {"loss": error.square().mean(), "mae": error.abs().mean().detach()}


def _sparse_figures(
    estimate: Float[Tensor, "batch samples regions"],
    regions: Integer[Tensor, "batch active"],
    activity: Float[Tensor, "batch active samples"],
) -> dict[str, Tensor]:
    """What all regions would cost if they were silent, corrected where they are not."""
    listed = (regions >= 0)[:, None, :]
    places = regions.clamp(min=0).long()[:, None, :].expand(-1, estimate.shape[1], -1)
    there = torch.where(listed, estimate.gather(2, places), 0.0)
    error = torch.where(listed, there - activity.transpose(1, 2), 0.0)
    squares = estimate.square().sum() - there.square().sum() + error.square().sum()
    sizes = estimate.abs().sum() - there.abs().sum() + error.abs().sum()
    return {"loss": squares / estimate.numel(), "mae": sizes.detach() / estimate.numel()}

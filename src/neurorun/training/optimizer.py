"""Optimizers, with weight decay only where it means something.

Matrices and kernels are decayed; biases, gains of normalization layers and other vectors are not.
A parameter's number of axes decides, never its name.
"""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn

OptimizerName = Literal["adamw", "adam", "sgd"]
SGD_MOMENTUM = 0.9


def build_optimizer(
    parameters: Iterable[nn.Parameter],
    name: OptimizerName,
    *,
    learning_rate: float,
    weight_decay: float,
    fused: bool = False,
) -> torch.optim.Optimizer:
    """Make an optimizer of two groups: decayed parameters first, the others after them.

    Parameters
    ----------
    parameters : as from ``model.parameters()``; those without gradient are left out
    name : ``adamw`` (decoupled decay), ``adam`` (decay added to the gradient), or ``sgd`` with
        Nesterov momentum 0.9
    learning_rate : the full rate; the schedule multiplies it
    weight_decay : of the decayed group, >= 0
    fused : one pass over memory for each parameter; for CPUs and CUDA

    Examples
    --------
    >>> model = nn.Linear(3, 2)
    >>> optimizer = build_optimizer(
    ...     model.parameters(), "adamw", learning_rate=1e-3, weight_decay=0.05
    ... )
    >>> [(len(group["params"]), group["weight_decay"]) for group in optimizer.param_groups]
    [(1, 0.05), (1, 0.0)]
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if name == "sgd":
        return torch.optim.SGD(
            groups, lr=learning_rate, momentum=SGD_MOMENTUM, nesterov=True, fused=fused
        )
    kind = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    return kind(groups, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the same learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate

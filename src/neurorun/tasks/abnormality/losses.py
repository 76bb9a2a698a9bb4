"""How far an attention map is from a gaze map, per window.

``kl`` compares distributions: both maps are made to sum to one. Of a map that is zero in 98 % of
its cells, mean squared error is smallest for a map of almost nothing; a distribution has to go
where the reader looked. ``kl_softmax`` is what earlier code called kl: a softmax over 330,000
values in [0, 1] is flat, so it hardly says anything; it is here for comparison.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

GazeLossName = Literal["mse", "weighted_mse", "cosine", "kl", "kl_softmax", "cc", "combined"]

Maps = Float[Tensor, "batch cells"]
PerWindow = Float[Tensor, " batch"]
_EPSILON = 1e-8
_SHARE_OF_COSINE = 0.5


def gaze_loss(
    attention: Float[Tensor, "batch channels samples"],
    gaze: Float[Tensor, "batch channels samples"],
    valid: Float[Tensor, "batch samples"],
    *,
    kind: GazeLossName,
) -> PerWindow:
    """Distance of attention from gaze in every window; the padding takes no part.

    Parameters
    ----------
    attention, gaze : >= 0
    valid : 1 where the EEG was recorded, 0 in the padding
    kind : which distance; all are 0 or smallest for equal maps

    Examples
    --------
    >>> maps = torch.rand(2, 22, 500)
    >>> bool((gaze_loss(maps, maps, torch.ones(2, 500), kind="cc") < 1e-5).all())
    True
    """
    inside = valid[:, None, :].expand_as(gaze).flatten(1)
    first, second = attention.float().flatten(1) * inside, gaze.float().flatten(1) * inside
    return _LOSSES[kind](first, second, inside)


def _mse(attention: Maps, gaze: Maps, inside: Maps) -> PerWindow:
    return _mean((attention - gaze).square(), inside)


def _weighted_mse(attention: Maps, gaze: Maps, inside: Maps) -> PerWindow:
    return _mean((2 * gaze + 0.1) * (attention - gaze).square(), inside)


def _mean(values: Maps, inside: Maps) -> PerWindow:
    return (values * inside).sum(dim=1) / inside.sum(dim=1)


def _cosine(attention: Maps, gaze: Maps, inside: Maps) -> PerWindow:
    del inside
    return 1 - torch.nn.functional.cosine_similarity(attention, gaze, dim=1)


def _kl(attention: Maps, gaze: Maps, inside: Maps) -> PerWindow:
    p = (attention + _EPSILON) * inside
    p = p / p.sum(dim=1, keepdim=True)
    q = gaze / gaze.sum(dim=1, keepdim=True).clamp_min(_EPSILON)
    return torch.where(q > 0, q * (q.clamp_min(1e-30).log() - p.clamp_min(1e-30).log()), 0.0).sum(
        dim=1
    )


def _kl_softmax(attention: Maps, gaze: Maps, inside: Maps) -> PerWindow:
    outside = torch.where(inside > 0, 0.0, -torch.inf)
    log_p = torch.log_softmax(attention + outside, dim=1)
    log_q = torch.log_softmax(gaze + outside, dim=1)
    return torch.where(inside > 0, log_q.exp() * (log_q - log_p), 0.0).sum(dim=1)


def _cc(attention: Maps, gaze: Maps, inside: Maps) -> PerWindow:
    n = inside.sum(dim=1, keepdim=True)
    first = (attention - attention.sum(dim=1, keepdim=True) / n) * inside
    second = (gaze - gaze.sum(dim=1, keepdim=True) / n) * inside
    size = first.square().sum(dim=1) * second.square().sum(dim=1)
    return 1 - (first * second).sum(dim=1) / size.clamp_min(1e-12).sqrt()


def _combined(attention: Maps, gaze: Maps, inside: Maps) -> PerWindow:
    return _mse(attention, gaze, inside) + _SHARE_OF_COSINE * _cosine(attention, gaze, inside)


_LOSSES: dict[GazeLossName, Callable[[Maps, Maps, Maps], PerWindow]] = {
    "mse": _mse,
    "weighted_mse": _weighted_mse,
    "cosine": _cosine,
    "kl": _kl,
    "kl_softmax": _kl_softmax,
    "cc": _cc,
    "combined": _combined,
}

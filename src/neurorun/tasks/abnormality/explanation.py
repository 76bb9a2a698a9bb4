"""Whether an attention map explains: randomised weights, deletion and insertion, a second opinion.

A map that looks the same with random weights shows the signal, not the model. A map explains a
decision as far as taking out what it points at changes the decision sooner than taking out cells at
random, and as far as it agrees with integrated gradients of the input.

References
----------
.. [1] Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018.
.. [2] Petsiuk, Das, Saenko, "RISE: Randomized input sampling for explanation of black-box models",
   BMVC 2018: deletion and insertion.
.. [3] Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017.
"""

import copy
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor, nn

from neurorun.evaluation import (
    area_under,
    gaze_correlation,
    removal_curve,
    removal_order,
    to_grid,
)
from neurorun.runs import Cell
from neurorun.tasks.abnormality.predicting import Predictions, chosen_windows
from neurorun.tasks.abnormality.sections import AbnormalitySections

N_STEPS = 16
"""Points on the path of integrated gradients, by the rule of Gauss and Legendre."""

_SEED = 0

Grid = Float64[np.ndarray, "channels bins"]


def explain(
    model: nn.Module, found: Predictions, sections: AbnormalitySections
) -> list[Mapping[str, Cell]]:
    """Check the maps of some windows, the same number of each outcome as far as there are any.

    Returns
    -------
    One row per window; none where `n_explained` is 0
    """
    chosen = chosen_windows(found, sections.evaluation.n_explained)
    random_model = randomised(model) if chosen else model
    return [_explain_one(model, random_model, found, index, sections) for index in chosen]


def randomised(model: nn.Module) -> nn.Module:
    """Copy a model with weights drawn anew, the buffers of its normalization kept."""
    other = copy.deepcopy(model).eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        for module in other.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                running = {name: buffer.clone() for name, buffer in module.named_buffers()}
                reset()
                for name, buffer in running.items():
                    module.get_buffer(name).copy_(buffer)
    return other


def _explain_one(
    model: nn.Module,
    random_model: nn.Module,
    found: Predictions,
    index: int,
    sections: AbnormalitySections,
) -> Mapping[str, Cell]:
    example, grid = found.examples[index], found.grids[index]
    signal = example.window.standardized()
    n_valid, size = example.row.n_valid, sections.samples_per_bin
    predicted = int(found.abnormal[index] >= 0.5)
    decide = partial(_probability, model, predicted)
    gradients = to_grid(
        np.abs(integrated_gradients(model, signal, predicted)), size, n_valid=n_valid
    )
    other = to_grid(_attention(random_model, signal), size, n_valid=n_valid)
    n_whole = grid.shape[1] * size
    rng = np.random.default_rng(_SEED)
    orders = {
        "": removal_order(grid),
        "_gradients": removal_order(gradients),
        "_random": rng.permutation(grid.size).astype(np.int64),
    }
    return {
        "window": example.row.window_id,
        "predicted_label": predicted,
        "probability": decide(signal),
        "cc_randomised": gaze_correlation(grid, other),
        "cc_gradients": gaze_correlation(grid, gradients),
        **{
            f"{kind}{name}": _area(decide, signal, order, n_whole, size, insert=kind == "insertion")
            for kind in ("deletion", "insertion")
            for name, order in orders.items()
        },
    }


def _area(
    decide: "partial[float]",
    signal: Float32[np.ndarray, "channels samples"],
    order: np.ndarray,
    n_whole: int,
    size: int,
    *,
    insert: bool,
) -> float:
    """Area under a curve of the part of the signal that lies in whole bins."""
    length = signal.shape[1]

    def padded(part: Float32[np.ndarray, "channels samples"]) -> float:
        return decide(np.pad(part, ((0, 0), (0, length - part.shape[1]))))

    curve = removal_curve(
        np.ascontiguousarray(signal[:, :n_whole]),
        order,
        padded,
        samples_per_bin=size,
        insert=insert,
    )
    return area_under(curve)


def _probability(
    model: nn.Module, label: int, signal: Float32[np.ndarray, "channels samples"]
) -> float:
    with torch.no_grad():
        logits = model(_tensor(model, signal), True)["logits"].float()
    return float(torch.softmax(logits, dim=1)[0, label])


def _attention(
    model: nn.Module, signal: Float32[np.ndarray, "channels samples"]
) -> Float32[np.ndarray, "channels samples"]:
    with torch.no_grad():
        attention: Tensor = model(_tensor(model, signal), True)["attention_map"]
    return attention[0].float().cpu().numpy()


def _tensor(model: nn.Module, signal: np.ndarray) -> Tensor:
    return torch.from_numpy(signal)[None].to(next(model.parameters()).device)


def integrated_gradients(
    model: nn.Module,
    signal: Float32[np.ndarray, "channels samples"],
    label: int,
    *,
    n_steps: int = N_STEPS,
) -> Float32[np.ndarray, "channels samples"]:
    """How much each sample adds to a logit, from a silent signal to this one [1]_.

    The points lie as in captum (Gauss and Legendre), with which the result agrees. The attributions
    add up to the difference of the logits, the better the more steps.

    References
    ----------
    .. [1] Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017.
    """
    points, weights = np.polynomial.legendre.leggauss(n_steps)
    whole = _tensor(model, signal)
    total = torch.zeros_like(whole)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        scaled = (float(point) * whole).requires_grad_()
        with torch.enable_grad():
            logit = model(scaled, True)["logits"][0, label]
            (gradient,) = torch.autograd.grad(logit, scaled)
        total += float(weight) * gradient
    attributed: Float32[np.ndarray, "channels samples"] = (total * whole)[0].float().cpu().numpy()
    return attributed

"""A model goes over windows: probabilities, losses and coarse attention, batch by batch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from neurorun.core import SILENT, Progress
from neurorun.data import GazeExamples, GazeTargets, electrode_shares
from neurorun.evaluation import (
    Classified,
    GazeComparison,
    counts_on_grid,
    envelope_on_grid,
    to_grid,
)
from neurorun.tasks.abnormality.losses import gaze_loss
from neurorun.tasks.abnormality.sections import AbnormalitySections


@dataclass(frozen=True)
class TotalLoss:
    """Classification loss plus weighted gaze loss: one formula for training and validation.

    Parameters
    ----------
    sections : kind and weight of the gaze loss
    class_weights : of the cross-entropy, counted from the training windows
    """

    sections: AbnormalitySections
    class_weights: tuple[float, float] = (1.0, 1.0)

    def per_window(
        self,
        logits: Float[Tensor, "batch classes"],
        attention: Float[Tensor, "batch channels samples"],
        targets: Mapping[str, Tensor],
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """Weighted cross-entropy and raw gaze loss of every window; the latter 0 without gaze."""
        labels = targets["label"]
        weights = torch.tensor(self.class_weights, device=logits.device, dtype=torch.float32)
        entropy = torch.nn.functional.cross_entropy(logits.float(), labels, reduction="none")
        samples = torch.arange(attention.shape[-1], device=logits.device)
        valid = (samples < targets["n_valid"][:, None]).float()
        has_gaze = targets["has_gaze"].float()
        distance = torch.zeros_like(entropy)
        looked_at = has_gaze > 0
        if bool(looked_at.any()):
            distance = distance.masked_scatter(
                looked_at,
                gaze_loss(
                    attention[looked_at],
                    targets["gaze"][looked_at],
                    valid[looked_at],
                    kind=self.sections.gaze.gaze_loss_type,
                ),
            )
        return weights[labels] * entropy, distance

    @property
    def gaze_weight(self) -> float:
        """Weight of the gaze loss in the total."""
        return self.sections.gaze.gaze_weight


@dataclass
class Predictions:
    """What a model said about some windows.

    Parameters
    ----------
    abnormal : probability per window
    cls_losses, gaze_losses : per window, raw
    grids : attention on the coarse grid
    """

    examples: GazeExamples
    abnormal: list[float] = field(default_factory=list)
    cls_losses: list[float] = field(default_factory=list)
    gaze_losses: list[float] = field(default_factory=list)
    grids: list[Float64[np.ndarray, "channels bins"]] = field(default_factory=list)

    @property
    def items(self) -> Classified:
        """Windows with class and probability."""
        rows = [example.row for example in self.examples]
        return Classified(
            names=tuple(row.window_id for row in rows),
            patients=tuple(row.patient for row in rows),
            labels=self.examples.labels,
            probabilities=np.clip(np.array(self.abnormal, np.float64), 0, 1),
        )

    @property
    def recordings(self) -> tuple[str, ...]:
        """Recording of every window."""
        return tuple(example.row.recording_id for example in self.examples)

    def losses(self, loss: TotalLoss) -> dict[str, float]:
        """Mean losses; the gaze loss is averaged over windows with gaze, NaN if there are none."""
        has_gaze = self.examples.has_gaze
        cls_loss = float(np.mean(self.cls_losses))
        gaze = float(np.mean(np.array(self.gaze_losses)[has_gaze])) if has_gaze.any() else np.nan
        weighted = loss.gaze_weight * gaze
        return {
            "loss": cls_loss + (0.0 if np.isnan(weighted) else weighted),
            "cls_loss": cls_loss,
            "gaze_loss": gaze,
            "gaze_loss_weighted": weighted,
        }


def chosen_windows(found: Predictions, n: int) -> list[int]:
    """Places of some windows to look at: those with gaze first, both classes in turns."""
    has_gaze = found.examples.has_gaze
    order = sorted(range(len(found.examples)), key=lambda index: not has_gaze[index])
    by_class = [[i for i in order if found.examples.labels[i] == label] for label in (1, 0)]
    turns = [i for pair in zip(*by_class, strict=False) for i in pair]
    return (turns + [i for i in order if i not in turns])[:n]


def as_arrays(targets: GazeTargets) -> dict[str, np.ndarray]:
    """The targets of a batch by name."""
    return {
        "label": targets["label"],
        "gaze": targets["gaze"],
        "has_gaze": targets["has_gaze"],
        "n_valid": targets["n_valid"],
    }


def groups_of(n_examples: int, batch_size: int) -> list[list[int]]:
    """Places of the examples of every batch, in order."""
    return [
        list(range(start, min(start + batch_size, n_examples)))
        for start in range(0, n_examples, batch_size)
    ]


def forward_batches(
    model: nn.Module, examples: GazeExamples, *, batch_size: int, n_ahead: int = 0
) -> Iterator[tuple[list[int], Mapping[str, Tensor], GazeTargets]]:
    """Yield places, what the model gives for them, and their targets; without gradients."""
    device = next(model.parameters()).device
    groups = groups_of(len(examples), batch_size)
    batches = examples.batches(groups, n_ahead=n_ahead)
    with torch.no_grad():
        for group, (inputs, targets) in zip(groups, batches, strict=True):
            yield group, model(torch.from_numpy(inputs).to(device), True), targets


def predict(
    model: nn.Module,
    examples: GazeExamples,
    loss: TotalLoss,
    *,
    progress: Progress = SILENT,
    title: str = "Validating",
) -> Predictions:
    """Let a model, in evaluation mode, say what it thinks of every window."""
    found = Predictions(examples)
    data = loss.sections.data
    with progress.phase(title, len(examples)) as advance:
        for group, output, targets in forward_batches(
            model, examples, batch_size=data.batch_size, n_ahead=data.num_workers
        ):
            _add(found, group, output, targets, loss)
            advance(len(group))
    return found


def _add(
    found: Predictions,
    group: Sequence[int],
    output: Mapping[str, Tensor],
    targets: GazeTargets,
    loss: TotalLoss,
) -> None:
    logits, attention = output["logits"].float(), output["attention_map"].float()
    tensors = {
        name: torch.from_numpy(value).to(logits.device)
        for name, value in as_arrays(targets).items()
    }
    cls_loss, distance = loss.per_window(logits, attention, tensors)
    found.abnormal += torch.softmax(logits, dim=1)[:, 1].tolist()
    found.cls_losses += cls_loss.tolist()
    found.gaze_losses += distance.tolist()
    maps = attention.cpu().numpy()
    for place, index in enumerate(group):
        n_valid = found.examples[index].row.n_valid
        found.grids.append(to_grid(maps[place], loss.sections.samples_per_bin, n_valid=n_valid))


def comparisons(found: Predictions, sections: AbnormalitySections) -> tuple[GazeComparison, ...]:
    """Attention beside gaze for every window that has gaze, on the coarse grid."""
    return tuple(
        _comparison(found, index, sections)
        for index in range(len(found.examples))
        if found.examples.has_gaze[index]
    )


def _comparison(found: Predictions, index: int, sections: AbnormalitySections) -> GazeComparison:
    example, attention = found.examples[index], found.grids[index]
    gaze, fixations = gaze_on_grid(found.examples, index, sections)
    halves = [
        gaze_on_grid(found.examples, index, sections, part=part)
        for part in (slice(0, None, 2), slice(1, None, 2))
    ]
    return GazeComparison(
        name=example.row.window_id,
        attention=attention,
        gaze=gaze,
        fixations=fixations,
        envelope=envelope_on_grid(
            example.window.standardized(), sections.samples_per_bin, n_valid=example.row.n_valid
        ),
        halves=(halves[0][0], halves[1][0]),
        half_fixations=(halves[0][1], halves[1][1]),
    )


def gaze_on_grid(
    examples: GazeExamples,
    index: int,
    sections: AbnormalitySections,
    *,
    part: slice = slice(None),
) -> tuple[Float64[np.ndarray, "channels bins"], Float64[np.ndarray, "channels bins"]]:
    """Gaze map and fixation counts of some of the fixations of a window."""
    example = examples[index]
    fixations = example.fixations[part]
    drawn = examples.draw(index, fixations)
    gaze = to_grid(drawn.values, sections.samples_per_bin, n_valid=example.row.n_valid)
    rows = np.zeros((len(fixations), len(sections.channels)), np.float32)
    for place, fixation in enumerate(fixations):
        for name in fixation.channels:
            rows[place] += electrode_shares(name, sections.channels, midline=sections.gaze.midline)
    counts = counts_on_grid(
        np.minimum(rows, 1),
        np.array([f.x_s - example.row.onset_s for f in fixations], np.float64),
        n_bins=gaze.shape[1],
        bin_s=sections.evaluation.bin_s,
    )
    return gaze, counts


def mean_gaze(
    examples: GazeExamples, sections: AbnormalitySections
) -> Float64[np.ndarray, "channels bins"] | None:
    """Mean gaze map of the windows that have gaze; None without any."""
    grids = [
        gaze_on_grid(examples, int(index), sections)[0]
        for index in np.flatnonzero(examples.has_gaze)
    ]
    if not grids:
        return None
    n_bins = max(grid.shape[1] for grid in grids)
    padded = [np.pad(g, ((0, 0), (0, n_bins - g.shape[1])), mode="edge") for g in grids]
    mean: Float64[np.ndarray, "channels bins"] = np.mean(padded, axis=0)
    return mean

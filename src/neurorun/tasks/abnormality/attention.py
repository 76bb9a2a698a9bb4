"""Attention maps of a trained model, batch by batch, straight to the disk.

Memory does not grow with the number of recordings. The table of contents is written after every
batch, so that it is true whenever the process dies; maps that are there already, made by the same
weights, are not made again.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from neurorun.core import SILENT, Progress
from neurorun.data import GazeExamples
from neurorun.models import NeuroGATE_Gaze_MultiRes
from neurorun.runs import (
    AttentionMap,
    Kept,
    KeptWriter,
    MapEntry,
    MapOrigin,
    RunWriter,
    is_sound,
)
from neurorun.tasks.abnormality.predicting import groups_of
from neurorun.tasks.abnormality.sections import AbnormalitySections

MOST_AT_ONCE = 8
"""Windows per batch: more would only cost memory, half a gigabyte for 32."""


def weights_sha256(model: nn.Module) -> str:
    """Hash of all weights, by name."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def collect_maps(
    model: nn.Module,
    examples: GazeExamples,
    sections: AbnormalitySections,
    record: RunWriter,
    *,
    split: str,
    progress: Progress = SILENT,
) -> int:
    """Write the attention map of every window that has none yet, and return how many were made.

    Parameters
    ----------
    model : in evaluation mode, on its device
    record : the run; maps of other windows in it stay

    Raises
    ------
    RunError : a map is not finite, or the disk refuses
    """
    sha256 = weights_sha256(model)
    kept = record.of(split)
    done = _done(kept, sha256)
    names = [example.row.window_id for example in examples]
    left = [index for index, name in enumerate(names) if name not in done]
    size = min(sections.data.batch_size, MOST_AT_ONCE)
    with progress.phase(f"Attention maps of {split}", len(names)) as advance:
        advance(len(names) - len(left))
        for places in groups_of(len(left), size):
            group = [left[place] for place in places]
            entries = [
                kept.write_attention_map(one)
                for one in _maps(model, examples, group, sections, sha256=sha256, split=split)
            ]
            kept.write_attention_index(entries)
            advance(len(group))
    if not left and names:
        kept.write_attention_index()
    return len(left)


def _done(kept: KeptWriter, sha256: str) -> set[str]:
    entries: tuple[MapEntry, ...] = Kept(kept.folder).attention_entries
    return {
        entry.file_id
        for entry in entries
        if entry.model_sha256 == sha256 and is_sound(kept.folder, entry)
    }


def _maps(
    model: nn.Module,
    examples: GazeExamples,
    group: list[int],
    sections: AbnormalitySections,
    *,
    sha256: str,
    split: str,
) -> list[AttentionMap]:
    output = attend(model, examples, group)
    return [
        _map(output, place, examples, index, sections, sha256=sha256, split=split)
        for place, index in enumerate(group)
    ]


def attend(model: nn.Module, examples: GazeExamples, group: list[int]) -> dict[str, np.ndarray]:
    """Maps, factors where there are any, and probabilities of some windows."""
    device = next(model.parameters()).device
    inputs, _ = examples.batch(group)
    with torch.no_grad():
        tensors = _forward(model, torch.from_numpy(inputs).to(device))
    return {name: value.float().cpu().numpy() for name, value in tensors.items()}


def _forward(model: nn.Module, inputs: Tensor) -> Mapping[str, Tensor]:
    output: Mapping[str, Tensor] = model(inputs, True)
    found = {
        "attention_map": output["attention_map"],
        "abnormal": torch.softmax(output["logits"].float(), dim=1)[:, 1],
    }
    if isinstance(model, NeuroGATE_Gaze_MultiRes):
        over_time, over_channels = model.attention_layer.factors(*model.encode(inputs))
        if over_channels is not None:
            found |= {"time_factor": over_time[:, 0], "channel_factor": over_channels}
    return found


def _map(
    output: Mapping[str, np.ndarray],
    place: int,
    examples: GazeExamples,
    index: int,
    sections: AbnormalitySections,
    *,
    sha256: str,
    split: str,
) -> AttentionMap:
    row = examples[index].row
    p = float(output["abnormal"][place])
    factors: dict[str, Any] = {
        name: _without_padding(output[name][place], row.n_valid if name == "time_factor" else None)
        for name in ("time_factor", "channel_factor")
        if name in output
    }
    return AttentionMap(
        file_id=row.window_id,
        attention_map=_without_padding(output["attention_map"][place], row.n_valid),
        sampling_rate=sections.data.sampling_rate,
        channels=sections.channels,
        origin=MapOrigin(
            montage=sections.preprocessing.montage,
            segment_start_s=row.onset_s,
            n_valid=row.n_valid,
            true_label=row.label,
            predicted_label=int(p >= 0.5),
            prob_abnormal=p,
            dataset=split,
            model_sha256=sha256,
        ),
        **factors,
    )


def _without_padding(
    values: Float32[np.ndarray, "..."], n_valid: int | None
) -> Float32[np.ndarray, "..."]:
    """The map where EEG was recorded, zero after it: padding deserves no attention."""
    kept = np.ascontiguousarray(values)
    if n_valid is not None:
        kept[..., n_valid:] = 0
    return kept

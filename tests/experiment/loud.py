"""A detector of milliseconds that calls loud signal a seizure, and the program that measures it."""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neurorun.evaluation import PostprocessingConfig
from neurorun.experiment import Detector
from neurorun.tasks import SeizureDetectionSections

RATE_HZ = 64


class Loud(nn.Module):
    """Logits from the loudness around each sample; windows disagree a little about it."""

    def __init__(self, width: int = 65) -> None:
        super().__init__()
        self.width = nn.Parameter(torch.tensor(float(width)))

    def forward(self, eeg: Tensor) -> Tensor:
        width = int(self.width)
        loud = eeg.abs().mean(dim=1, keepdim=True)
        smooth = nn.functional.avg_pool1d(loud, width, stride=1, padding=width // 2)[:, 0]
        return 6 * (smooth - 1.2 * smooth.mean(dim=1, keepdim=True))


def detector(batch_size: int = 3, model: nn.Module | None = None, **sections: Any) -> Detector:
    settings = {
        "data": {"window_size": 10, "stride": 4, "sampling_rate": RATE_HZ},
        "preprocessing": {"montage": ["C3", "C4"], "bandpass": [0.5, 25], "notch_freq": None},
        "postprocessing": {
            "hysteresis": {
                "tau_on": 0.7, "tau_off": 0.5, "min_onset_samples": 4, "min_offset_samples": 4
            },
            "duration": {"min_duration_s": 0.5},
            "events": {"tau_merge": 0.5},
        },
    }  # fmt: skip
    for name, section in sections.items():
        settings[name] = {**settings.get(name, {}), **section}
    chosen = SeizureDetectionSections.model_validate(settings)
    assert isinstance(chosen.postprocessing, PostprocessingConfig)
    return Detector((model or Loud()).eval(), chosen, chosen.postprocessing, batch_size)


def measure(path: Path, channels: list[str]) -> None:
    """Print how many events a recording has, and how far the memory rose, in megabytes."""
    torch.set_num_threads(1)
    found = detector(
        batch_size=16,
        data={"window_size": 60, "stride": 10, "sampling_rate": 256},
        preprocessing={"montage": channels, "bandpass": [0.5, 100]},
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    timeline = found.detect_stream(found.stream(path))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(
        json.dumps({"n_events": len(timeline.events), "rise_mb": (after - before) / 1024})
    )


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2].split(","))

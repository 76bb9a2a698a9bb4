"""The settings of seizure detection, and what follows from them without touching data."""

from typing import Any

from torch import nn

from neurorun.core import Config
from neurorun.data import FOLDER_OF_SPLIT, DataConfig, PreprocessingConfig, montage_channels
from neurorun.evaluation import EvaluationConfig, PostprocessingConfig, metric_declarations
from neurorun.models import SeizureDetectorConfig, build_network, count_parameters


class SeizureDetectionSections(Config):
    """The sections of a configuration that belong to seizure detection."""

    data: DataConfig = DataConfig()
    """Recordings, splits, windows, sampling."""
    preprocessing: PreprocessingConfig = PreprocessingConfig()
    """Montage, filters, standardization."""
    model: SeizureDetectorConfig = SeizureDetectorConfig()
    """The network."""
    postprocessing: PostprocessingConfig = PostprocessingConfig()
    """From probabilities to events."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """What is measured and kept."""


def sections_of(settings: Any) -> SeizureDetectionSections:
    """Take the task's own sections out of all settings."""
    names = SeizureDetectionSections.model_fields
    return SeizureDetectionSections(**{name: getattr(settings, name) for name in names})


def new_detector(sections: SeizureDetectionSections) -> nn.Module:
    """Make the network for the channels of the montage."""
    data = sections.data
    return build_network(
        sections.model,
        montage_channels(sections.preprocessing.montage),
        rate_hz=data.sampling_rate,
        n_samples=data.window_samples,
    )


def describe_sections(sections: SeizureDetectionSections) -> dict[str, str]:
    """The facts that follow from the settings, in words."""
    data = sections.data
    channels = montage_channels(sections.preprocessing.montage)
    n_parameters = count_parameters(new_detector(sections))
    folders = ", ".join(f"{data.cache_dir}/{folder}" for folder in FOLDER_OF_SPLIT.values())
    return {
        "task": "seizure detection: one probability per sample",
        "recordings": f"layout {data.dataset} in {data.data_dir}, labels {data.labels}",
        "splits": f"{data.split_policy}, seed {data.split_seed}",
        "channels": f"{len(channels)}: {' '.join(channels)}",
        "signal": _signal_in_words(sections.preprocessing, data.sampling_rate),
        "windows": (
            f"{data.window_size:g} s every {data.stride:g} s: "
            f"{data.window_samples} samples at {data.sampling_rate:g} Hz"
        ),
        "caches": folders,
        "model": f"{sections.model.title}, {n_parameters:,} parameters",
        "metrics": ", ".join(metric.name for metric in metric_declarations(sections.evaluation)),
    }


def _signal_in_words(config: PreprocessingConfig, rate_hz: float) -> str:
    parts = [f"{rate_hz:g} Hz"]
    if config.bandpass is not None:
        parts.append(f"band-pass {config.bandpass[0]:g}-{config.bandpass[1]:g} Hz ({config.phase})")
    if config.notch_freq is not None:
        parts.append(f"notch {config.notch_freq} Hz")
    if config.normalize:
        clip = "" if config.clip_at is None else f", clipped at {config.clip_at:g}"
        parts.append(f"standardized by {config.standardize}{clip}")
    return ", ".join(parts)

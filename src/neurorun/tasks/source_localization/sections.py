"""The settings of source localization, and what follows from them without touching data."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from neurorun.core import Config, Metric
from neurorun.evaluation import LocalizationConfig, localization_metrics
from neurorun.models import SourceModelConfig, build_source_model, count_parameters
from neurorun.simulation import SourceDataConfig

TRAINED_FOR = (
    Metric("mse", "lower", "1", "Mean squared error over all regions and samples: the loss."),
    Metric("mae", "lower", "1", "Mean absolute error over all regions and samples."),
)
"""Measures of a network alone: a linear inverse has no scale of its own."""

_PUBLISHED_SIZE = {"n_channels": 75, "n_regions": 994}


class SourceLocalizationSections(Config):
    """The sections of a configuration that belong to source localization."""

    data: SourceDataConfig = SourceDataConfig()
    """Source plans, waveforms, leadfield, noise."""
    model: SourceModelConfig = SourceModelConfig()
    """The network."""
    evaluation: LocalizationConfig = LocalizationConfig()
    """What is measured and kept."""


def sections_of(settings: Any) -> SourceLocalizationSections:
    """Take the task's own sections out of all settings."""
    names = SourceLocalizationSections.model_fields
    return SourceLocalizationSections(**{name: getattr(settings, name) for name in names})


def network_for(config: SourceModelConfig, weights: Mapping[str, Any]) -> nn.Module:
    """Make the network whose weights these are, for the leadfield that they were trained for."""
    n_channels, n_regions = sizes_of(config, weights)
    return build_source_model(config, n_channels=n_channels, n_regions=n_regions)


def sizes_of(config: SourceModelConfig, weights: Mapping[str, Tensor]) -> tuple[int, int]:
    """Channels and regions of a network, from the shapes of its weights."""
    if config.name == "transformer":
        return weights["input_projection.weight"].shape[1], len(weights["output_projection.3.bias"])
    n_channels = len(weights["spatial.fc11.bias"])
    if "head.bias" in weights:
        return n_channels, len(weights["head.bias"])
    return n_channels, weights["temporal.rnns.0.weight_hh_l0"].shape[1]


def metrics_of(config: LocalizationConfig) -> tuple[Metric, ...]:
    """Declare everything that is measured of a network, in the order of the report."""
    return (*localization_metrics(config), *TRAINED_FOR)


def describe_sections(sections: SourceLocalizationSections) -> dict[str, str]:
    """The facts that follow from the settings, in words."""
    data, model = sections.data, sections.model
    n_parameters = count_parameters(build_source_model(model, **_PUBLISHED_SIZE))
    drawn = "of every row" if data.use_metadata_loader else "anew in every epoch"
    return {
        "task": "source localization: region activity from EEG",
        "source plans": f"{data.train_metadata_path}, tested on {data.test_metadata_path}",
        "waveforms": str(data.nmm_spikes_dir),
        "leadfield": str(data.fwd_matrix_path),
        "examples": f"sources {drawn}, noise {data.noise}",
        "splits": f"{data.val_split:.0%} for validation, divided by {data.validation_by}",
        "model": f"{model.name} {model.preset}, {n_parameters:,} parameters for 75 channels and "
        "994 regions",
        "beside it": ", ".join(sections.evaluation.baselines) or "nothing",
        "metrics": ", ".join(metric.name for metric in metrics_of(sections.evaluation)),
    }

"""The settings of the task abnormality, read together."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field, PositiveFloat

from neurorun.core import Config, ConfigError, DataError, Metric, whole_samples
from neurorun.data import (
    AbnormalityDataConfig,
    AbnormalityPreprocessingConfig,
    GazeMapConfig,
    montage_22,
)
from neurorun.models import (
    NeuroGATE_Gaze_MultiRes,
    NeuroGateConfig,
    build_neurogate,
    count_parameters,
)
from neurorun.tasks.abnormality.losses import GazeLossName


class GazeConfig(GazeMapConfig):
    """What gaze becomes, and how much of it is learned: the section ``gaze``."""

    gaze_weight: float = Field(default=0.3, ge=0)
    """Weight of the gaze loss beside the classification loss; 0 learns no gaze."""
    gaze_loss_type: GazeLossName = "kl"
    """Distance of attention from gaze; ``mse`` is the one first published."""


class AbnormalityEvaluationConfig(Config):
    """How a trained model is looked at: the section ``evaluation``."""

    bin_s: PositiveFloat = 1.0
    """Seconds of one bin of the grid on which attention is compared with gaze."""
    n_resamples: int = Field(default=1000, ge=1)
    """Draws of patients behind each interval."""
    n_explained: int = Field(default=4, ge=0)
    """Windows on which deletion, insertion and randomised weights are tried; 0 tries none."""
    n_reviewed: int = Field(default=6, ge=0)
    """Windows of which pages are kept for the report."""
    export_attention: bool = True
    """Whether the attention maps of validation are written when training has ended."""
    save_plots: bool = True
    """Whether figures are drawn into the run folder when training has ended."""


@dataclass(frozen=True)
class AbnormalitySections:
    """All settings of the task."""

    data: AbnormalityDataConfig
    preprocessing: AbnormalityPreprocessingConfig
    model: NeuroGateConfig
    gaze: GazeConfig
    evaluation: AbnormalityEvaluationConfig

    @property
    def n_samples(self) -> int:
        """Samples of one window."""
        return whole_samples(self.data.window_size, self.data.sampling_rate)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return montage_22(self.preprocessing.montage)

    @property
    def samples_per_bin(self) -> int:
        """Samples in one bin of the grid of agreement."""
        return whole_samples(self.evaluation.bin_s, self.data.sampling_rate)


def sections_of(settings: Any) -> AbnormalitySections:
    """Take the sections of the task out of all settings."""
    return AbnormalitySections(
        data=settings.data,
        preprocessing=settings.preprocessing,
        model=settings.model,
        gaze=settings.gaze,
        evaluation=settings.evaluation,
    )


def check_sections(sections: AbnormalitySections) -> None:
    """Refuse settings that contradict each other.

    Raises
    ------
    ConfigError : the window does not fit the network, or the gaze recipe does not fit the montage
    """
    try:
        n_samples = sections.n_samples
        n_bin = sections.samples_per_bin
    except DataError as error:
        raise ConfigError(f"data.window_size or evaluation.bin_s: {error}") from error
    if n_samples % 125:
        raise ConfigError(
            f"data.window_size times data.sampling_rate is {n_samples} samples; the network needs "
            "a multiple of 125. 300 s at 50 Hz is the usual window."
        )
    if n_bin > n_samples:
        raise ConfigError(
            f"evaluation.bin_s is {sections.evaluation.bin_s:g} s, longer than a window of "
            f"{sections.data.window_size:g} s; give shorter bins."
        )
    if sections.gaze.recipe == "original" and sections.preprocessing.montage != "referential":
        raise ConfigError(
            "gaze.recipe is 'original', whose rows are electrodes, with preprocessing.montage "
            f"'{sections.preprocessing.montage}'; set the montage to referential, or the recipe to "
            "foveal."
        )


def new_network(sections: AbnormalitySections) -> NeuroGATE_Gaze_MultiRes:
    """Make the network with new weights, from the global generator of PyTorch."""
    return build_neurogate(
        sections.model, n_channels=len(sections.channels), n_samples=sections.n_samples
    )


def describe_sections(sections: AbnormalitySections) -> dict[str, str]:
    """The facts that follow from the settings, in words."""
    gaze, data = sections.gaze, sections.data
    guided = f"{gaze.gaze_loss_type}, weight {gaze.gaze_weight:g}, {gaze.recipe} maps"
    return {
        "Input": (
            f"{len(sections.channels)} channels ({sections.preprocessing.montage}) x "
            f"{sections.n_samples} samples: {data.window_size:g} s at {data.sampling_rate:g} Hz"
        ),
        "Output": "normal or abnormal, and an attention map on the same grid",
        "Model": (
            f"NeuroGATE, {count_parameters(new_network(sections)):,} parameters, attention head "
            f"{sections.model.attention_head}, gate {sections.model.gate}"
        ),
        "Gaze": guided if gaze.gaze_weight > 0 else "not learned from (gaze.gaze_weight is 0)",
        "Recordings": str(data.data_dir),
        "Batches": f"{data.batch_size} windows; against unequal classes: {data.class_balance}",
    }


_LEVEL = "windows of the split, threshold 0.5"
_BY_RECORDING = "recordings of the split, probabilities of their windows averaged"
_GAZE = "mean over windows with gaze, grid of evaluation.bin_s"

METRICS: tuple[Metric, ...] = (
    Metric("val_loss", "lower", "1", "Loss on the validation split, as the task defines it."),
    Metric("val_cls_loss", "lower", "1", "Cross-entropy, weighted as in training."),
    Metric("val_gaze_loss", "lower", "1", "Gaze loss before its weight, over windows with gaze."),
    Metric("val_acc", "higher", "%", f"Accuracy in percent; {_LEVEL}."),
    Metric("val_balanced_acc", "higher", "1", f"Mean of sensitivity and specificity; {_LEVEL}."),
    Metric("val_macro_f1", "higher", "1", f"Mean F1 of both classes; {_LEVEL}."),
    Metric("val_weighted_f1", "higher", "1", f"F1 weighted by class size; {_LEVEL}."),
    Metric("val_precision", "higher", "1", f"Precision weighted by class size; {_LEVEL}."),
    Metric("val_recall", "higher", "1", f"Recall weighted by class size, the accuracy; {_LEVEL}."),
    Metric("val_sensitivity", "higher", "1", f"Abnormal ones called abnormal; {_LEVEL}."),
    Metric("val_specificity", "higher", "1", f"Normal ones called normal; {_LEVEL}."),
    Metric("val_auroc", "higher", "1", f"Area under the ROC curve; {_LEVEL}."),
    Metric("val_auprc", "higher", "1", f"Average precision of the abnormal class; {_LEVEL}."),
    Metric("val_mcc", "higher", "1", f"Correlation of Matthews; {_LEVEL}."),
    Metric("val_brier", "lower", "1", f"Mean squared error of the probability; {_LEVEL}."),
    Metric("val_recording_acc", "higher", "%", f"Accuracy in percent; {_BY_RECORDING}."),
    Metric("val_recording_balanced_acc", "higher", "1", f"Balanced accuracy; {_BY_RECORDING}."),
    Metric("val_recording_auroc", "higher", "1", f"Area under the ROC curve; {_BY_RECORDING}."),
    Metric("val_gaze_cc", "higher", "1", f"Correlation of attention with gaze (CC); {_GAZE}."),
    Metric("val_gaze_nss", "higher", "1", f"Standardized attention at fixations (NSS); {_GAZE}."),
    Metric("val_gaze_auc", "higher", "1", f"Fixated against other cells (AUC-Judd); {_GAZE}."),
)
"""What validation measures, named as the columns of earlier runs; the first chooses the best."""

"""The settings of crack segmentation, and what follows from them without touching data."""

from typing import Any

from neurorun.core import Config
from neurorun.data import ImageDataConfig
from neurorun.evaluation import MaskEvaluationConfig, mask_metric_declarations
from neurorun.models import CrackNetworkConfig, build_crack_network, count_parameters
from neurorun.tasks.crack_segmentation.augmentation import AugmentationConfig
from neurorun.tasks.crack_segmentation.losses import CrackLossConfig


class CrackSegmentationSections(Config):
    """The sections of a configuration that belong to crack segmentation."""

    data: ImageDataConfig = ImageDataConfig()
    """Images and masks, splits, squares."""
    augmentation: AugmentationConfig = AugmentationConfig()
    """How training squares are changed."""
    model: CrackNetworkConfig = CrackNetworkConfig()
    """The network."""
    loss: CrackLossConfig = CrackLossConfig()
    """What is added to the loss of single pixels."""
    evaluation: MaskEvaluationConfig = MaskEvaluationConfig()
    """What is measured and kept."""


def crack_sections_of(settings: Any) -> CrackSegmentationSections:
    """Take the task's own sections out of all settings."""
    names = CrackSegmentationSections.model_fields
    return CrackSegmentationSections(**{name: getattr(settings, name) for name in names})


def describe_crack_sections(sections: CrackSegmentationSections) -> dict[str, str]:
    """The facts that follow from the settings, in words."""
    data, evaluation = sections.data, sections.evaluation
    network = build_crack_network(sections.model, trained=False)
    train = 1 - data.validation_split - data.test_split
    return {
        "task": "crack segmentation: one probability per pixel",
        "images": f"{data.data_dir}, masks read by the rule '{data.mask_values}'",
        "splits": (
            f"{train:.0%} train, {data.validation_split:.0%} validation, {data.test_split:.0%} "
            f"test of every folder, seed {data.split_seed}"
        ),
        "squares": (
            f"{data.crops_per_image} of {data.crop_size} x {data.crop_size} pixels from every "
            "image in every epoch"
        ),
        "predictions": f"whole images at their size, tiles above {data.prediction_tile} pixels",
        "model": f"{sections.model.name}, {count_parameters(network):,} parameters",
        "loss": f"training.loss with {sections.loss.dice_weight:g} of Dice",
        "metrics": ", ".join(metric.name for metric in mask_metric_declarations(evaluation)),
    }

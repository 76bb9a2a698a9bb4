"""Crack segmentation: settings, prepared data, loss, and what is scored and kept."""

from neurorun.tasks.crack_segmentation.augmentation import AugmentationConfig, cut_square
from neurorun.tasks.crack_segmentation.losses import CrackLoss, CrackLossConfig, dice_loss
from neurorun.tasks.crack_segmentation.prediction import predict_image
from neurorun.tasks.crack_segmentation.results import CrackResults
from neurorun.tasks.crack_segmentation.sections import CrackSegmentationSections
from neurorun.tasks.crack_segmentation.task import CRACK_SEGMENTATION

__all__ = [
    "CRACK_SEGMENTATION",
    "AugmentationConfig",
    "CrackLoss",
    "CrackLossConfig",
    "CrackResults",
    "CrackSegmentationSections",
    "cut_square",
    "dice_loss",
    "predict_image",
]

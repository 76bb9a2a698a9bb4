"""What is measured when predicted masks are scored: the section ``evaluation`` of such tasks."""

from typing import Annotated

from pydantic import AfterValidator, Field

from neurorun.core import Config, ConfigError, Metric
from neurorun.evaluation.masks import MASK_MEASURES, EmptyMasks

MASK_SCORING_VERSION = "neurorun masks 1"
"""Name and version of the rules by which masks are compared."""

_POOLED = {
    "iou": "Intersection over union, TP / (TP + FP + FN)",
    "dice": "Dice, 2 TP / (2 TP + FP + FN)",
    "precision": "Share of the predicted pixels that are marked, TP / (TP + FP)",
    "recall": "Share of the marked pixels that were predicted, TP / (TP + FN)",
    "f1": "Harmonic mean of precision and recall, equal to Dice",
    "accuracy": "Share of all pixels that are right; high for any mask of something small",
}
_EMPTY = {
    "undefined": "images with both masks empty left out",
    "one": "images with both masks empty counting 1",
}
_OF_IMAGES = {
    "iou": "each one's own intersection over union",
    "dice": "each one's own Dice",
}
_WITH_TOLERANCE = ("f1", "precision", "recall")


def _ascending(radii: tuple[int, ...]) -> tuple[int, ...]:
    if list(radii) != sorted(set(radii)):
        raise ConfigError(
            f"tolerance_px lists {', '.join(map(str, radii))}; list every radius once, the "
            "smallest first."
        )
    return radii


class MaskEvaluationConfig(Config):
    """How predicted masks are compared with those that were drawn."""

    threshold: float = Field(default=0.5, gt=0, lt=1)
    """A pixel is predicted if its probability is higher."""
    tolerance_px: Annotated[
        tuple[Annotated[int, Field(ge=1, le=50)], ...], AfterValidator(_ascending)
    ] = (2,)
    """Radii in pixels within which a neighbouring pixel counts as hit; empty for none."""
    empty_masks: EmptyMasks = "undefined"
    """What an image counts where both masks are empty: ``undefined`` leaves it out of the mean over
    images, ``one`` counts 1. Pooled metrics do not depend on it."""
    bootstrap_resamples: int = Field(default=2000, ge=100, le=100_000)
    """Draws of images for the intervals."""
    n_overlays: int = Field(default=6, ge=0, le=50)
    """Images drawn with hits, misses and false pixels: the worst, the middle and the best."""


def mask_metric_declarations(config: MaskEvaluationConfig) -> tuple[Metric, ...]:
    """Declare every metric that is reported, the first being the one by which runs are chosen.

    >>> [m.name for m in mask_metric_declarations(MaskEvaluationConfig(tolerance_px=()))][:3]
    ['val_iou', 'val_dice', 'val_precision']
    """
    pooled = [
        Metric(
            f"val_{name}",
            "higher",
            "1",
            f"{_POOLED[name]}, over all pixels together at a threshold of {config.threshold:g}.",
        )
        for name in MASK_MEASURES
    ]
    others = [
        Metric(name, "higher", "1", f"{what} intersection over union{how}.")
        for name, what, how in (
            ("val_iou_low", "Lower end of the 95 % bootstrap interval over images of the", ""),
            ("val_iou_high", "Upper end of the 95 % bootstrap interval over images of the", ""),
            ("val_iou_chosen", "Pooled", " at the threshold that is best on validation"),
        )
    ]
    of_images = [
        Metric(
            f"val_{name}_images",
            "higher",
            "1",
            f"Mean over images of {_OF_IMAGES[name]}, {_EMPTY[config.empty_masks]}.",
        )
        for name in _OF_IMAGES
    ]
    tolerant = [
        Metric(
            f"val_{name}_{radius}px",
            "higher",
            "1",
            f"{_POOLED[name].split(',')[0]}, pixels within {radius} px counting as hit.",
        )
        for radius in config.tolerance_px
        for name in _WITH_TOLERANCE
    ]
    return (*pooled, *others, *of_images, *tolerant)

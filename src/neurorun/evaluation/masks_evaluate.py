"""Score the predicted masks of a split: pooled, per image, with tolerance, at every threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from neurorun.core import ScoringError
from neurorun.evaluation.bootstrap import Interval
from neurorun.evaluation.masks import MASK_MEASURES, PixelCounts, mean_of_images
from neurorun.evaluation.masks_bootstrap import mask_intervals
from neurorun.evaluation.masks_config import MaskEvaluationConfig
from neurorun.evaluation.masks_curve import ThresholdCounts, check_mask_probabilities
from neurorun.evaluation.masks_image import ImageScore
from neurorun.evaluation.masks_tolerance import tolerance_counts


@dataclass(frozen=True, eq=False)
class MaskEvaluation:
    """Everything that was measured on one split.

    Parameters
    ----------
    metrics : by declared name; NaN where undefined
    intervals : of the pooled measures at the configured threshold, over images
    images : in the order in which they were scored
    chosen_threshold : best on validation; None if nothing is marked there
    """

    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval]
    images: tuple[ImageScore, ...]
    chosen_threshold: float | None

    @property
    def counts(self) -> PixelCounts:
        """Pixels of all images together, at the configured threshold."""
        return _pooled(self.images)

    @property
    def curve(self) -> ThresholdCounts:
        """Pixels of all images together, at all thresholds."""
        return _pooled_curve(self.images)


class MaskEvaluator:
    """Collects images one by one and measures them together; keeps counts only.

    Parameters
    ----------
    config : what is measured
    chosen_threshold : that was best on validation; None if this is validation

    Examples
    --------
    >>> evaluator = MaskEvaluator(MaskEvaluationConfig(tolerance_px=()))
    >>> mask = np.eye(4, dtype=bool)
    >>> _ = evaluator.add("a", "a", np.float32(mask), mask)
    >>> evaluator.result().metrics["val_iou"]
    1.0
    """

    def __init__(
        self, config: MaskEvaluationConfig, *, chosen_threshold: float | None = None
    ) -> None:
        self._config = config
        self._chosen_threshold = chosen_threshold
        self._images: list[ImageScore] = []
        self._at_chosen = PixelCounts()

    def add(
        self,
        name: str,
        group: str,
        probabilities: Float32[np.ndarray, "height width"],
        reference: Bool[np.ndarray, "rows columns"],
    ) -> ImageScore:
        """Score one image.

        Raises
        ------
        ScoringError : the sizes differ, or a value is no probability
        """
        if probabilities.shape != reference.shape:
            raise ScoringError(
                f"The prediction of '{name}' is of shape {probabilities.shape}, its mask of "
                f"{reference.shape}; both must be equal. Predict at the size of the image."
            )
        check_mask_probabilities(probabilities)
        predicted = probabilities > self._config.threshold
        score = ImageScore(
            name,
            group,
            PixelCounts.between(reference, predicted),
            tuple(
                tolerance_counts(reference, predicted, radius_px=radius)
                for radius in self._config.tolerance_px
            ),
            ThresholdCounts.between(reference, probabilities),
        )
        if self._chosen_threshold is not None:
            self._at_chosen += PixelCounts.between(
                reference, probabilities > self._chosen_threshold
            )
        self._images.append(score)
        return score

    def result(self, *, rng: np.random.Generator | None = None) -> MaskEvaluation:
        """Measure everything that was added.

        Parameters
        ----------
        rng : decides the draws of the intervals; None is the generator of seed 0

        Raises
        ------
        ScoringError : nothing was added
        """
        images = self._images
        if not images:
            raise ScoringError("No image was scored; at least one with a mask is needed.")
        counts = _pooled(images)
        chosen, at_chosen = self._chosen_threshold, self._at_chosen
        if chosen is None:
            chosen, at_chosen = _best_on(_pooled_curve(images))
        intervals = mask_intervals(
            images,
            rng=rng if rng is not None else np.random.default_rng(0),
            n_resamples=self._config.bootstrap_resamples,
        )
        metrics = {
            **{f"val_{name}": counts.measure(name) for name in MASK_MEASURES},
            "val_iou_low": intervals["iou"].low,
            "val_iou_high": intervals["iou"].high,
            "val_iou_chosen": at_chosen.iou,
            **self._of_images(),
            **_tolerant(images),
        }
        return MaskEvaluation(metrics, intervals, tuple(images), chosen)

    def _of_images(self) -> dict[str, float]:
        empty = self._config.empty_masks
        return {
            f"val_{name}_images": mean_of_images(
                [one.counts.measure(name, empty=empty) for one in self._images]
            )
            for name in ("iou", "dice")
        }


def _pooled(images: Sequence[ImageScore]) -> PixelCounts:
    return sum((one.counts for one in images), PixelCounts())


def _pooled_curve(images: Sequence[ImageScore]) -> ThresholdCounts:
    return sum((one.curve for one in images), ThresholdCounts.none())


def _best_on(curve: ThresholdCounts) -> tuple[float | None, PixelCounts]:
    best = curve.best_threshold()
    return best, PixelCounts() if best is None else curve.at(best)


def _tolerant(images: Sequence[ImageScore]) -> dict[str, float]:
    pooled = [
        sum(each[1:], each[0]) for each in zip(*(one.tolerant for one in images), strict=True)
    ]
    return {
        f"val_{name}_{one.radius_px:g}px": getattr(one, name)
        for one in pooled
        for name in ("f1", "precision", "recall")
    }

"""What is counted in one image whose mask was predicted."""

from dataclasses import dataclass

from neurorun.evaluation.masks import MASK_MEASURES, PixelCounts
from neurorun.evaluation.masks_config import MaskEvaluationConfig
from neurorun.evaluation.masks_curve import ThresholdCounts
from neurorun.evaluation.masks_tolerance import ToleranceCounts


@dataclass(frozen=True, eq=False)
class ImageScore:
    """What was counted in one image.

    Parameters
    ----------
    name, group : of the image; images of one group are drawn together for intervals
    counts : at the configured threshold
    tolerant : one per radius, at the configured threshold
    curve : at all thresholds
    """

    name: str
    group: str
    counts: PixelCounts
    tolerant: tuple[ToleranceCounts, ...]
    curve: ThresholdCounts

    def to_row(self, config: MaskEvaluationConfig) -> dict[str, str | int | float]:
        """One row of a table: counts first, then what follows from them."""
        counts = self.counts
        measures = {name: counts.measure(name, empty=config.empty_masks) for name in MASK_MEASURES}
        near = {
            f"{name}_{one.radius_px:g}px": getattr(one, name)
            for one in self.tolerant
            for name in ("f1", "precision", "recall")
        }
        return {
            "image": self.name,
            "group": self.group,
            "tp": counts.tp,
            "fp": counts.fp,
            "fn": counts.fn,
            "tn": counts.tn,
            **measures,
            **near,
        }

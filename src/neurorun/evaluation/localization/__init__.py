"""How good an estimate of region activity is, whatever made it."""

from neurorun.evaluation.localization.metrics import LocalizationConfig, localization_metrics
from neurorun.evaluation.localization.places import peaks_of
from neurorun.evaluation.localization.published import (
    PublishedScores,
    published_regions,
    published_scores,
)
from neurorun.evaluation.localization.score import Sensors, Truth, score_estimate
from neurorun.evaluation.localization.selection import by_otsu, by_share, strengths_of
from neurorun.evaluation.localization.space import (
    THIRDS,
    SourceSpace,
    distances_between,
    sources_of,
)
from neurorun.evaluation.localization.summary import (
    MeanScore,
    ScoredExample,
    facet_values,
    mean_scores,
)

__all__ = [
    "THIRDS",
    "LocalizationConfig",
    "MeanScore",
    "PublishedScores",
    "ScoredExample",
    "Sensors",
    "SourceSpace",
    "Truth",
    "by_otsu",
    "by_share",
    "distances_between",
    "facet_values",
    "localization_metrics",
    "mean_scores",
    "peaks_of",
    "published_regions",
    "published_scores",
    "score_estimate",
    "sources_of",
    "strengths_of",
]

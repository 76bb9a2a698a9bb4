"""What is measured of an estimate, what it means, and which direction is better."""

from pydantic import Field

from neurorun.core import Config, Metric
from neurorun.evaluation.inverse import INVERSE_METHODS, InverseName

_OTSU = "regions selected by Otsu's threshold on their strengths, at any scale"

_METRICS = (
    Metric(
        "average_precision",
        "higher",
        "1",
        "Mean precision over the steps of recall, regions ranked by their strength; exact.",
    ),
    Metric(
        "peak_error_mm",
        "lower",
        "mm",
        "Distance from the centre of a source to the strongest region near it, mean over sources.",
    ),
    Metric(
        "region_error_mm",
        "lower",
        "mm",
        f"Distance between true and selected regions, from both sides; {_OTSU}.",
    ),
    Metric(
        "dispersion_mm",
        "lower",
        "mm",
        "Root of the mean squared distance to the nearest true region, weighted by power.",
    ),
    Metric("missed_sources", "lower", "1", f"Share of the sources without any of the {_OTSU}."),
    Metric("precision", "higher", "1", f"True share of the {_OTSU}."),
    Metric("recall", "higher", "1", f"Share of the true regions among the {_OTSU}."),
    Metric(
        "precision_at_share",
        "higher",
        "1",
        "True share of the regions from a share (evaluation.share) of the largest strength on.",
    ),
    Metric(
        "recall_at_share",
        "higher",
        "1",
        "Found share of the true ones from a share (evaluation.share) of the largest strength on.",
    ),
    Metric(
        "f1_oracle",
        "higher",
        "1",
        "Harmonic mean of precision and recall at the threshold that the truth would choose.",
    ),
    Metric("auroc", "higher", "1", "Chance that a true region is stronger than another; exact."),
    Metric("auroc_by_area", "higher", "1", "As auroc, regions weighted by their area."),
    Metric(
        "average_precision_by_area",
        "higher",
        "1",
        "As average_precision, regions weighted by their area.",
    ),
    Metric(
        "time_error_ms",
        "lower",
        "ms",
        "Time between the peaks of the true and the estimated course, mean over sources.",
    ),
    Metric(
        "centre_correlation",
        "higher",
        "1",
        "Correlation of true and estimated course at the centre, mean over sources.",
    ),
    Metric(
        "nmse",
        "lower",
        "1",
        "Squared error over the power of the truth, after the best scaling; 1 is silence.",
    ),
    Metric(
        "residual_variance",
        "lower",
        "1",
        "Share of the power of the EEG, noise included, that the estimate does not explain.",
    ),
)

_PUBLISHED = (
    Metric("published_precision", "higher", "1", "Precision as DeepSIF's programs count it."),
    Metric("published_recall", "higher", "1", "Recall as DeepSIF's programs count it."),
    Metric(
        "published_error_mm",
        "lower",
        "mm",
        "Distance from selected regions to the nearest true one, as DeepSIF's programs measure it: "
        "missed sources cost nothing.",
    ),
    Metric(
        "published_correlation",
        "higher",
        "1",
        "Correlation of the mean selected course with the true one at the centre, as DeepSIF's "
        "programs measure it: missed sources are left out.",
    ),
)


class LocalizationConfig(Config):
    """What is measured of an estimate: section ``evaluation``."""

    share: float = Field(default=0.5, gt=0, lt=1)
    """Share of the largest strength from which a region counts for ``precision_at_share``."""
    published: bool = False
    """Whether the measures of DeepSIF's own programs are added, for comparison with its papers."""
    baselines: tuple[InverseName, ...] = INVERSE_METHODS
    """Linear inverses that stand beside the model in the report."""
    n_resamples: int = Field(default=1000, ge=1)
    """Draws behind every bootstrap interval."""
    save_estimates: int = Field(default=3, ge=0)
    """Examples of validation whose estimates are kept and drawn, from the worst to the best."""


def localization_metrics(config: LocalizationConfig) -> tuple[Metric, ...]:
    """Declare every metric, in the order of the report.

    The first chooses the best epoch unless another is named; it needs no anatomy.

    >>> [metric.name for metric in localization_metrics(LocalizationConfig())][:2]
    ['average_precision', 'peak_error_mm']
    """
    return _METRICS + (_PUBLISHED if config.published else ())

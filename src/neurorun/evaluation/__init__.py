"""Probabilities become events; events compared with reference events become metrics."""

from neurorun.evaluation.agreement import IRA
from neurorun.evaluation.arrays import evaluate_predictions
from neurorun.evaluation.bootstrap import Bootstrap, Interval, bootstrap_intervals
from neurorun.evaluation.classes import TWO_CLASSES, EventClasses
from neurorun.evaluation.classification import (
    Classified,
    classification_metrics,
    confusion_counts,
    patient_intervals,
)
from neurorun.evaluation.counts import Counts
from neurorun.evaluation.crossed import mean_over_both
from neurorun.evaluation.dp_alignment import DP
from neurorun.evaluation.epoch import EPOCH
from neurorun.evaluation.evaluate import Evaluator, evaluate_recordings
from neurorun.evaluation.gaze import (
    GAZE_BASELINES,
    GAZE_MEASURES,
    GAZE_SOURCES,
    REMOVED_FRACTIONS,
    GazeAgreement,
    GazeComparison,
    area_under,
    counts_on_grid,
    envelope_on_grid,
    gaze_correlation,
    measure_agreement,
    quiet_version,
    removal_curve,
    removal_order,
    scanpath_saliency,
    to_grid,
)
from neurorun.evaluation.hysteresis import HysteresisConfig
from neurorun.evaluation.inverse import (
    INVERSE_METHODS,
    InverseName,
    LinearInverse,
    linear_inverse,
    noise_covariance,
)
from neurorun.evaluation.item_metrics import ItemMetric, recipe_for
from neurorun.evaluation.localization import (
    THIRDS,
    LocalizationConfig,
    MeanScore,
    PublishedScores,
    ScoredExample,
    Sensors,
    SourceSpace,
    Truth,
    by_otsu,
    by_share,
    distances_between,
    facet_values,
    localization_metrics,
    mean_scores,
    peaks_of,
    published_regions,
    published_scores,
    score_estimate,
    sources_of,
    strengths_of,
)
from neurorun.evaluation.masks import MASK_MEASURES, EmptyMasks, PixelCounts
from neurorun.evaluation.masks_bootstrap import mask_intervals
from neurorun.evaluation.masks_config import (
    MASK_SCORING_VERSION,
    MaskEvaluationConfig,
    mask_metric_declarations,
)
from neurorun.evaluation.masks_curve import THRESHOLDS, ThresholdCounts, at_thresholds
from neurorun.evaluation.masks_evaluate import MaskEvaluation, MaskEvaluator
from neurorun.evaluation.masks_image import ImageScore
from neurorun.evaluation.masks_tolerance import ToleranceCounts, tolerance_counts
from neurorun.evaluation.measures import ClassCounts, Measures
from neurorun.evaluation.method import METHODS, ScoringMethod
from neurorun.evaluation.metrics import EvaluationConfig, metric_declarations
from neurorun.evaluation.morphology import MorphologyConfig
from neurorun.evaluation.nedc_tables import nedc_tables
from neurorun.evaluation.operating_points import (
    CurvePoint,
    OperatingPoint,
    choose_operating_points,
    reached_key,
    sensitivity_key,
)
from neurorun.evaluation.overlap import OVERLAP, OverlapCounts, count_overlaps
from neurorun.evaluation.paired import (
    Estimate,
    PairedTest,
    compare_paired,
    estimate_metric,
    group_indices,
    holm,
    mean_over_trainings,
)
from neurorun.evaluation.pairing import (
    EventFilePair,
    Pairing,
    pair_by_name,
    read_pairs,
    read_patients,
    set_name,
)
from neurorun.evaluation.postprocessing import (
    DurationConfig,
    EventsConfig,
    PostprocessingConfig,
    detect_events,
)
from neurorun.evaluation.predictions import RecordingPrediction
from neurorun.evaluation.results import Evaluation, RecordingResult
from neurorun.evaluation.sample_metrics import Calibration, RankedSamples, SampleCounts
from neurorun.evaluation.score import Score, score_events
from neurorun.evaluation.score_file import score_document
from neurorun.evaluation.score_report import (
    DEFAULT_METHODS,
    PatientMean,
    RecordingScores,
    ScoreReport,
    methods_named,
    score_recordings,
)
from neurorun.evaluation.side_by_side import PairResult, ScoredModel, SideBySide, compare_models
from neurorun.evaluation.stitching import (
    RollingStitcher,
    Stitcher,
    StitchingConfig,
    stitch_windows,
)
from neurorun.evaluation.streaming import EventDetector
from neurorun.evaluation.szcore_dataset import SzcoreResult, score_szcore
from neurorun.evaluation.szcore_evaluation import SZCORE_EVENT_FLOORED, SZCORE_SAMPLE_FLOORED
from neurorun.evaluation.szcore_event import SZCORE_EVENT
from neurorun.evaluation.szcore_sample import SZCORE_SAMPLE
from neurorun.evaluation.taes import TAES
from neurorun.evaluation.taes_overlap import TAES_OVERLAP
from neurorun.formats import read_events, write_events

__all__ = [
    "DEFAULT_METHODS",
    "DP",
    "EPOCH",
    "GAZE_BASELINES",
    "GAZE_MEASURES",
    "GAZE_SOURCES",
    "INVERSE_METHODS",
    "IRA",
    "MASK_MEASURES",
    "MASK_SCORING_VERSION",
    "METHODS",
    "OVERLAP",
    "REMOVED_FRACTIONS",
    "SZCORE_EVENT",
    "SZCORE_EVENT_FLOORED",
    "SZCORE_SAMPLE",
    "SZCORE_SAMPLE_FLOORED",
    "TAES",
    "TAES_OVERLAP",
    "THIRDS",
    "THRESHOLDS",
    "TWO_CLASSES",
    "Bootstrap",
    "Calibration",
    "ClassCounts",
    "Classified",
    "Counts",
    "CurvePoint",
    "DurationConfig",
    "EmptyMasks",
    "Estimate",
    "Evaluation",
    "EvaluationConfig",
    "Evaluator",
    "EventClasses",
    "EventDetector",
    "EventFilePair",
    "EventsConfig",
    "GazeAgreement",
    "GazeComparison",
    "HysteresisConfig",
    "ImageScore",
    "Interval",
    "InverseName",
    "ItemMetric",
    "LinearInverse",
    "LocalizationConfig",
    "MaskEvaluation",
    "MaskEvaluationConfig",
    "MaskEvaluator",
    "MeanScore",
    "Measures",
    "MorphologyConfig",
    "OperatingPoint",
    "OverlapCounts",
    "PairResult",
    "PairedTest",
    "Pairing",
    "PatientMean",
    "PixelCounts",
    "PostprocessingConfig",
    "PublishedScores",
    "RankedSamples",
    "RecordingPrediction",
    "RecordingResult",
    "RecordingScores",
    "RollingStitcher",
    "SampleCounts",
    "Score",
    "ScoreReport",
    "ScoredExample",
    "ScoredModel",
    "ScoringMethod",
    "Sensors",
    "SideBySide",
    "SourceSpace",
    "Stitcher",
    "StitchingConfig",
    "SzcoreResult",
    "ThresholdCounts",
    "ToleranceCounts",
    "Truth",
    "area_under",
    "at_thresholds",
    "bootstrap_intervals",
    "by_otsu",
    "by_share",
    "choose_operating_points",
    "classification_metrics",
    "compare_models",
    "compare_paired",
    "confusion_counts",
    "count_overlaps",
    "counts_on_grid",
    "detect_events",
    "distances_between",
    "envelope_on_grid",
    "estimate_metric",
    "evaluate_predictions",
    "evaluate_recordings",
    "facet_values",
    "gaze_correlation",
    "group_indices",
    "holm",
    "linear_inverse",
    "localization_metrics",
    "mask_intervals",
    "mask_metric_declarations",
    "mean_over_both",
    "mean_over_trainings",
    "mean_scores",
    "measure_agreement",
    "methods_named",
    "metric_declarations",
    "nedc_tables",
    "noise_covariance",
    "pair_by_name",
    "patient_intervals",
    "peaks_of",
    "published_regions",
    "published_scores",
    "quiet_version",
    "reached_key",
    "read_events",
    "read_pairs",
    "read_patients",
    "recipe_for",
    "removal_curve",
    "removal_order",
    "scanpath_saliency",
    "score_document",
    "score_estimate",
    "score_events",
    "score_recordings",
    "score_szcore",
    "sensitivity_key",
    "set_name",
    "sources_of",
    "stitch_windows",
    "strengths_of",
    "to_grid",
    "tolerance_counts",
    "write_events",
]

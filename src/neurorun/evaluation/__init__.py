"""Probabilities become events; events compared with reference events become metrics."""

from neurorun.evaluation.agreement import IRA
from neurorun.evaluation.arrays import evaluate_predictions
from neurorun.evaluation.bootstrap import Bootstrap, Interval, bootstrap_intervals
from neurorun.evaluation.classes import TWO_CLASSES, EventClasses
from neurorun.evaluation.counts import Counts
from neurorun.evaluation.dp_alignment import DP
from neurorun.evaluation.epoch import EPOCH
from neurorun.evaluation.evaluate import Evaluator, evaluate_recordings
from neurorun.evaluation.hysteresis import HysteresisConfig
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
from neurorun.evaluation.stitching import Stitcher, StitchingConfig, stitch_windows
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
    "IRA",
    "METHODS",
    "OVERLAP",
    "SZCORE_EVENT",
    "SZCORE_EVENT_FLOORED",
    "SZCORE_SAMPLE",
    "SZCORE_SAMPLE_FLOORED",
    "TAES",
    "TAES_OVERLAP",
    "TWO_CLASSES",
    "Bootstrap",
    "Calibration",
    "ClassCounts",
    "Counts",
    "CurvePoint",
    "DurationConfig",
    "Evaluation",
    "EvaluationConfig",
    "Evaluator",
    "EventClasses",
    "EventDetector",
    "EventFilePair",
    "EventsConfig",
    "HysteresisConfig",
    "Interval",
    "Measures",
    "MorphologyConfig",
    "OperatingPoint",
    "OverlapCounts",
    "Pairing",
    "PatientMean",
    "PostprocessingConfig",
    "RankedSamples",
    "RecordingPrediction",
    "RecordingResult",
    "RecordingScores",
    "SampleCounts",
    "Score",
    "ScoreReport",
    "ScoringMethod",
    "Stitcher",
    "StitchingConfig",
    "SzcoreResult",
    "bootstrap_intervals",
    "choose_operating_points",
    "count_overlaps",
    "detect_events",
    "evaluate_predictions",
    "evaluate_recordings",
    "methods_named",
    "metric_declarations",
    "nedc_tables",
    "pair_by_name",
    "reached_key",
    "read_events",
    "read_pairs",
    "read_patients",
    "score_document",
    "score_events",
    "score_recordings",
    "score_szcore",
    "sensitivity_key",
    "set_name",
    "stitch_windows",
    "write_events",
]

"""The run folder: one module per file in it, with its dataclass, its writer and its reader."""

from neurorun.runs.attention import AttentionMap, MapEntry, MapOrigin, is_sound
from neurorun.runs.by_name import ByName
from neurorun.runs.by_recording import ByRecording
from neurorun.runs.check import Finding, check_run
from neurorun.runs.checkpoints import Save
from neurorun.runs.confusion import ConfusionMatrix
from neurorun.runs.crackseg_export import export_for_crackseg
from neurorun.runs.create import amend_run, create_run, resume_run, start_run
from neurorun.runs.difference import ABSENT, Difference, RunDifferences, diff_runs, flat
from neurorun.runs.distributions import ClassDistribution
from neurorun.runs.environment import Environment
from neurorun.runs.estimates import Cortex, KeptEstimate, MethodEstimate
from neurorun.runs.gaze_reviews import GazePage, GazeReview, SeenFixation
from neurorun.runs.kept import Kept, kept_path
from neurorun.runs.kept_writer import KeptWriter
from neurorun.runs.lineup import Contender, Lineup, items_of, line_up
from neurorun.runs.listing import RunLine, SortKey, list_runs
from neurorun.runs.metadata import Metadata
from neurorun.runs.metrics_log import EpochRow, best_row
from neurorun.runs.names import RUN_NAME, file_stem, run_folder_name
from neurorun.runs.operating_points import ChosenPoint, FaCurve
from neurorun.runs.original_import import Imported, import_original
from neurorun.runs.pictures import Picture
from neurorun.runs.plain import plain_settings
from neurorun.runs.predictions import predictions_path
from neurorun.runs.probabilities import Probabilities
from neurorun.runs.record import Fault, RunRecord, Status, utc_now
from neurorun.runs.run import Run, open_run
from neurorun.runs.saver import save_experiment_data
from neurorun.runs.scores import SplitScores
from neurorun.runs.source import Source
from neurorun.runs.splits import Splits
from neurorun.runs.strips import Strip
from neurorun.runs.table import Cell
from neurorun.runs.tables_folder import CaptionedTable
from neurorun.runs.tracker_export import export_to_mlflow, export_to_wandb
from neurorun.runs.writer import RunWriter

__all__ = [
    "ABSENT",
    "RUN_NAME",
    "AttentionMap",
    "ByName",
    "ByRecording",
    "CaptionedTable",
    "Cell",
    "ChosenPoint",
    "ClassDistribution",
    "ConfusionMatrix",
    "Contender",
    "Cortex",
    "Difference",
    "Environment",
    "EpochRow",
    "FaCurve",
    "Fault",
    "Finding",
    "GazePage",
    "GazeReview",
    "Imported",
    "Kept",
    "KeptEstimate",
    "KeptWriter",
    "Lineup",
    "MapEntry",
    "MapOrigin",
    "Metadata",
    "MethodEstimate",
    "Picture",
    "Probabilities",
    "Run",
    "RunDifferences",
    "RunLine",
    "RunRecord",
    "RunWriter",
    "Save",
    "SeenFixation",
    "SortKey",
    "Source",
    "SplitScores",
    "Splits",
    "Status",
    "Strip",
    "amend_run",
    "best_row",
    "check_run",
    "create_run",
    "diff_runs",
    "export_for_crackseg",
    "export_to_mlflow",
    "export_to_wandb",
    "file_stem",
    "flat",
    "import_original",
    "is_sound",
    "items_of",
    "kept_path",
    "line_up",
    "list_runs",
    "open_run",
    "plain_settings",
    "predictions_path",
    "resume_run",
    "run_folder_name",
    "save_experiment_data",
    "start_run",
    "utc_now",
]

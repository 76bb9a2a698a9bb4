"""Recordings on disk to examples: corpora, splits, montage, preprocessing, cache, windows."""

from neurorun.data.builder import BuildReport, build_cache
from neurorun.data.cache import Cache, Damage, open_cache, verify_cache
from neurorun.data.cached_recording import CachedRecording
from neurorun.data.channel_names import TEN_TWENTY, canonical_name
from neurorun.data.corpora import (
    CorpusConfig,
    SurveyedEntry,
    find_recordings,
    survey,
)
from neurorun.data.corpus import FOLDER_OF_SPLIT, Corpus, DataConfig, check_data
from neurorun.data.datasets import BalancedSeizureDataset, EEGWindowDataset
from neurorun.data.entries import CorpusEntry, SplitName
from neurorun.data.legacy_cache import convert_earlier_cache, read_earlier_recording
from neurorun.data.loader import Batch, ExampleLoader, Examples, LoaderConfig
from neurorun.data.manifest import Manifest, load_manifest, scan_cache
from neurorun.data.montage import (
    DOUBLE_BANANA,
    MontagePlan,
    map_montage,
    montage_channels,
    resolve_montage,
)
from neurorun.data.preprocessing import (
    Preparation,
    PreprocessingConfig,
    plan_stretches,
    preparation_notes,
    preparation_recipe,
    prepare,
)
from neurorun.data.recording_builder import BuildRow
from neurorun.data.references import RecordedTime, read_reference, recorded_time
from neurorun.data.sampling import EpochSampler, SamplingConfig, balanced_selection
from neurorun.data.splits import SplitConfig, Splits, make_splits
from neurorun.data.standardization import (
    ChannelStatistics,
    StatisticsAccumulator,
    channel_statistics,
    standardized,
)
from neurorun.data.windows import (
    Extent,
    WindowConfig,
    WindowKind,
    WindowTable,
    seizure_samples,
    tabulate_windows,
    window_starts,
)
from neurorun.formats import read_header, read_recording, write_recording

__all__ = [
    "DOUBLE_BANANA",
    "FOLDER_OF_SPLIT",
    "TEN_TWENTY",
    "BalancedSeizureDataset",
    "Batch",
    "BuildReport",
    "BuildRow",
    "Cache",
    "CachedRecording",
    "ChannelStatistics",
    "Corpus",
    "CorpusConfig",
    "CorpusEntry",
    "Damage",
    "DataConfig",
    "EEGWindowDataset",
    "EpochSampler",
    "ExampleLoader",
    "Examples",
    "Extent",
    "LoaderConfig",
    "Manifest",
    "MontagePlan",
    "Preparation",
    "PreprocessingConfig",
    "RecordedTime",
    "SamplingConfig",
    "SplitConfig",
    "SplitName",
    "Splits",
    "StatisticsAccumulator",
    "SurveyedEntry",
    "WindowConfig",
    "WindowKind",
    "WindowTable",
    "balanced_selection",
    "build_cache",
    "canonical_name",
    "channel_statistics",
    "check_data",
    "convert_earlier_cache",
    "find_recordings",
    "load_manifest",
    "make_splits",
    "map_montage",
    "montage_channels",
    "open_cache",
    "plan_stretches",
    "preparation_notes",
    "preparation_recipe",
    "prepare",
    "read_earlier_recording",
    "read_header",
    "read_recording",
    "read_reference",
    "recorded_time",
    "resolve_montage",
    "scan_cache",
    "seizure_samples",
    "standardized",
    "survey",
    "tabulate_windows",
    "verify_cache",
    "window_starts",
    "write_recording",
]

"""The recordings of an experiment: found, surveyed, divided, and cached split by split."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, PositiveFloat, model_validator

from neurorun.core import SILENT, ConfigError, DataError, Progress, whole_samples
from neurorun.data.builder import BuildReport, build_cache
from neurorun.data.cache import Cache, open_cache
from neurorun.data.corpora import CorpusConfig, SurveyedEntry, find_recordings, survey
from neurorun.data.entries import SplitName
from neurorun.data.loader import LoaderConfig
from neurorun.data.montage import montage_channels
from neurorun.data.object_storage import CacheDir, Place
from neurorun.data.preprocessing import PreprocessingConfig, check_band
from neurorun.data.sampling import SamplingConfig
from neurorun.data.splits import SplitConfig, Splits, make_splits
from neurorun.data.stored_windows import TransferConfig
from neurorun.data.windows import WindowConfig

FOLDER_OF_SPLIT: Mapping[SplitName, str] = {"train": "train", "validation": "val", "test": "test"}
"""Folder of each split's cache below ``data.cache_dir``."""

_NAMED = 5
_log = logging.getLogger(__name__)


class DataConfig(
    CorpusConfig, SplitConfig, WindowConfig, SamplingConfig, LoaderConfig, TransferConfig
):
    """Which recordings, how they are divided, prepared, cut and read: section ``data``."""

    cache_dir: CacheDir = Path("cache")
    """Folder of the caches, one per split, or its URL in object storage (``s3://bucket/cache``);
    they may be deleted at any time."""
    cache_workers: int = Field(default=2, ge=1, le=256)
    """Processes that prepare recordings."""
    n_channels: int | None = Field(default=None, ge=1)
    """Channels of the montage, as a check; null takes what the montage has."""
    prediction_stride: PositiveFloat | None = None
    """Seconds between windows when whole recordings are predicted; null takes ``stride``."""

    @model_validator(mode="after")
    def no_signal_stays_unpredicted(self) -> "DataConfig":
        """Refuse a stride of predictions that would leave signal between windows."""
        if self.prediction_stride is not None and self.prediction_stride > self.window_size:
            raise ConfigError(
                f"prediction_stride is {self.prediction_stride:g} s, windows are "
                f"{self.window_size:g} s; it must be at most one window, or signal would have no "
                "prediction. Lower prediction_stride."
            )
        return self

    @property
    def prediction_windows(self) -> WindowConfig:
        """How recordings are cut when they are predicted as a whole."""
        return WindowConfig(
            window_size=self.window_size,
            stride=self.prediction_stride or self.stride,
            sampling_rate=self.sampling_rate,
        )


def check_data(data: DataConfig, preprocessing: PreprocessingConfig) -> None:
    """Refuse settings of the two sections that contradict each other.

    Raises
    ------
    ConfigError : channels do not fit the montage, or the band does not fit the rate
    DataError : a window or a stride is not a whole number of samples
    """
    channels = montage_channels(preprocessing.montage)
    if data.n_channels not in (None, len(channels)):
        raise ConfigError(
            f"data.n_channels is {data.n_channels}, but preprocessing.montage has {len(channels)} "
            f"channels ({', '.join(channels)}). Correct one, or leave n_channels out."
        )
    check_band(preprocessing, data.sampling_rate)
    for length_s in (data.window_size, data.stride, data.prediction_windows.stride):
        whole_samples(length_s, data.sampling_rate)


@dataclass(frozen=True)
class Corpus:
    """Recordings with what is known of them before they are prepared.

    Parameters
    ----------
    data, preprocessing : sections of the configuration
    entries : every recording, its header and annotation read
    """

    data: DataConfig
    preprocessing: PreprocessingConfig
    entries: tuple[SurveyedEntry, ...]

    @classmethod
    def find(
        cls, data: DataConfig, preprocessing: PreprocessingConfig, *, progress: Progress = SILENT
    ) -> "Corpus":
        """Find the recordings of a corpus and read their headers and annotations.

        Raises
        ------
        DataError : there are none, or one lacks its annotation
        """
        found = find_recordings(
            data.data_dir,
            data.dataset,
            labels=data.labels,
            annotations=data.annotations,
            patient_pattern=data.patient_pattern,
        )
        return cls(data, preprocessing, survey(found, label_map=data.label_map, progress=progress))

    @property
    def patients(self) -> dict[str, str]:
        """Patient of every recording."""
        return {entry.recording_id: entry.patient for entry in self.entries}

    def splits(self) -> Splits:
        """Divide the recordings as the settings say.

        Raises
        ------
        DataError : they cannot be divided so
        """
        return make_splits(self.entries, self.data)

    def build(
        self,
        recordings: Sequence[str] | None,
        folder: Place,
        *,
        cluster: str | None = None,
        progress: Progress = SILENT,
    ) -> BuildReport:
        """Bring the cache of some recordings up to date.

        Parameters
        ----------
        recordings : their names; all if None
        folder : of the cache
        cluster : address of a Dask scheduler; None uses processes of this machine

        Raises
        ------
        DataError : a recording is not in the corpus, or the folder holds another cache
        """
        return build_cache(
            self.entries if recordings is None else self._named(recordings),
            folder.parent,
            split=folder.name,
            preprocessing=self.preprocessing,
            rate_hz=self.data.sampling_rate,
            n_workers=self.data.cache_workers,
            cluster=cluster,
            label_map=self.data.label_map,
            shortest_s=self.data.window_size,
            progress=progress,
        )

    def cache(
        self, recordings: Sequence[str] | None, folder: Place, *, progress: Progress = SILENT
    ) -> Cache:
        """Bring the cache of some recordings up to date and open it.

        What cannot be used is logged and left out.

        Raises
        ------
        DataError : none of the recordings can be used, or the folder holds another cache
        """
        report = self.build(recordings, folder, progress=progress)
        _tell_of_unused(report)
        return open_cache(
            folder,
            preprocessing=self.preprocessing,
            rate_hz=self.data.sampling_rate,
            progress=progress,
        )

    def cache_of(self, split: SplitName, splits: Splits, *, progress: Progress = SILENT) -> Cache:
        """Bring the cache of a split up to date and open it.

        Raises
        ------
        DataError : the split is empty, or none of its recordings can be used
        """
        members = splits.of(split)
        if not members:
            raise DataError(
                f"The split '{split}' has no recordings; change data.validation_split or "
                "data.test_split, or give recordings of more patients."
            )
        return self.cache(members, self.data.cache_dir / FOLDER_OF_SPLIT[split], progress=progress)

    def _named(self, recordings: Sequence[str]) -> list[SurveyedEntry]:
        by_id = {entry.recording_id: entry for entry in self.entries}
        missing = sorted(set(recordings) - set(by_id))
        if missing:
            raise DataError(
                f"{len(missing)} recordings are not in '{self.data.data_dir}', for example "
                f"'{missing[0]}'; restore them, or choose other recordings."
            )
        return [by_id[name] for name in recordings]


def _tell_of_unused(report: BuildReport) -> None:
    unused = [row.row for row in report.rows if row.row.stored is None]
    for row in unused[:_NAMED]:
        _log.warning("%s is left out (%s): %s", row.recording_id, row.status, row.reason)
    if len(unused) > _NAMED:
        _log.warning("%d more are left out; see '%s'.", len(unused) - _NAMED, report.place)

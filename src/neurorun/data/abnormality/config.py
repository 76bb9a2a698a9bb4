"""The sections ``data`` and ``preprocessing`` of the task abnormality."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from neurorun.core import Config, ConfigError
from neurorun.data.gaze import GazeMontage

ClassBalance = Literal["none", "weights", "sampler"]


class AbnormalityPreprocessingConfig(Config):
    """How a window of a recording becomes what the model sees."""

    montage: GazeMontage = "tcp"
    """``tcp``: 22 bipolar derivations; ``referential``: the 22 signals of the file (19 electrodes,
    A1, A2, EKG)."""
    notch_freq: PositiveFloat | None = 50.0
    """Mains frequency in Hz, taken out where the new rate could carry it; above half the new rate
    resampling removes it anyway. Null takes nothing out."""
    highpass_freq: PositiveFloat | None = None
    """Frequency in Hz below which the signal is taken out (zero phase); null keeps everything, as
    originally. Without it slow drift of electrodes fills the range of ``clip_uv``; 0.5 is usual."""
    clip_uv: PositiveFloat | None = 100.0
    """Amplitude in microvolts at which the signal is cut off, as originally; null does not clip."""
    missing_channels: Literal["refuse", "zero"] = "refuse"
    """What becomes of channels that a file lacks: the file is refused, or the channel is zero."""


class AbnormalityDataConfig(Config):
    """Which recordings and gaze are used, how they are divided, cut and read."""

    data_dir: Path = Path("data")
    """Folder of EDF files below folders called normal and abnormal, train and eval in any order; or
    with a Labels.csv (recordname, label, loc)."""
    gaze_dir: Path | None = None
    """Folder of fixation files; null takes ``gaze`` in ``data_dir``, if there is one."""
    cache_dir: Path = Path("cache")
    """Folder of the prepared windows; may be deleted at any time."""
    cache_workers: int = Field(default=2, ge=1, le=64)
    """Threads that prepare windows."""
    patient_pattern: str = r"([a-z]{8})_s\d+_t\d+"
    """Regular expression, applied to the name of a recording, whose first group is the patient;
    a recording that it does not match is its own patient, as in NMT."""
    validation_split: float = Field(default=0.2, gt=0.0, le=0.5)
    """Share of the patients that are not in a test folder on which the best epoch is chosen."""
    test_split: float = Field(default=0.0, ge=0.0, le=0.5)
    """Share of the patients kept for the test; 0 where the data have a folder eval or test."""
    split_seed: int = Field(default=42, ge=0)
    """Decides which patients go where."""
    window_size: PositiveFloat = 300.0
    """Seconds of one window."""
    sampling_rate: PositiveFloat = 50.0
    """Samples per second that the model sees."""
    max_windows: int | None = Field(default=None, ge=1)
    """Windows that are used of each recording; null uses all."""
    short_recordings: Literal["pad", "skip"] = "pad"
    """Recordings shorter than a window: padded, the padding masked; or left out, as originally."""
    batch_size: int = Field(default=32, ge=1, le=256)
    """Examples per batch."""
    num_workers: int = Field(default=1, ge=0, le=32)
    """Batches that threads read ahead; 0 reads when a batch is asked for."""
    class_balance: ClassBalance = "weights"
    """Against unequal classes: weights of the classification loss, or a sampler that draws both
    classes alike; never both. Counted from the data."""

    @model_validator(mode="after")
    def _pattern_has_a_group(self) -> "AbnormalityDataConfig":
        try:
            n_groups = re.compile(self.patient_pattern).groups
        except re.error as error:
            raise ConfigError(
                f"patient_pattern '{self.patient_pattern}' is no regular expression ({error}); for "
                "recordings such as anna_01 write '([^_]+)_'."
            ) from error
        if n_groups < 1:
            raise ConfigError(
                f"patient_pattern '{self.patient_pattern}' has no group; put the part that names "
                "the patient into brackets, for example '([^_]+)_'."
            )
        return self

    @model_validator(mode="after")
    def _something_is_left(self) -> "AbnormalityDataConfig":
        if self.validation_split + self.test_split >= 1:
            raise ConfigError(
                f"validation_split {self.validation_split:g} and test_split {self.test_split:g} "
                "leave nothing to train on; their sum must be below 1."
            )
        return self

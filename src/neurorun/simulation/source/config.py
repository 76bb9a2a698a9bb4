"""Settings of source localization data: the keys of earlier configurations in small letters."""

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from neurorun.core import Config, ConfigError, nearest_of
from neurorun.simulation.source.choice import DivisionRule, SubsetRule
from neurorun.simulation.source.clip_file import CLIP_PATH, clip_file
from neurorun.simulation.source.noise import NoiseModel
from neurorun.simulation.source.plan_file import FIELDS

MissingClips = Literal["zeros", "drop", "error"]
MissingScale = Literal["recompute", "error", "compatible"]


class GrowthConfig(Config):
    """Sources that are drawn instead of read: ``use_metadata_loader: false``, ``simulate plan``."""

    n_examples: PositiveInt = 10_000
    """Examples of an epoch, where ``train_dataset_len`` says nothing."""

    n_validation: NonNegativeInt = 500
    """Examples for validation, of clips and patches of their own; 0 for none."""

    n_sources: int = Field(default=2, ge=1, le=10)
    """Sources active at once."""

    snr_db: tuple[float, ...] = Field(default=(5.0, 10.0, 15.0, 20.0), min_length=1)
    """Levels of the noise, in turn."""

    ratios_db: tuple[float, ...] = Field(default=(10.0, 12.0, 14.0, 16.0, 18.0, 20.0), min_length=1)
    """Ratios of a source to the background at the channels, of which one is drawn."""

    n_rings: tuple[int, ...] = Field(default=(2, 3), min_length=1)
    """Rings of regions around the centre, of which one number is drawn; 1 to 3."""

    @field_validator("n_rings")
    @classmethod
    def rings_exist(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse numbers of rings that are never grown."""
        if any(not 1 <= rings <= 3 for rings in value):
            raise ConfigError(f"n_rings is {list(value)}; patches have 1, 2 or 3 rings.")
        return value


class SourceDataConfig(Config):
    """Which simulated examples there are, and how they are made."""

    use_metadata_loader: bool = True
    """Whether sources come from the tables below; false draws new ones for every epoch."""

    train_metadata_path: Path = Path("source/train_sample_source1.mat")
    """Table of the examples to train and validate on."""

    test_metadata_path: Path | None = Path("source/test_sample_source1.mat")
    """Table of the examples to test on; null for none."""

    nmm_spikes_dir: Path = Path("source/nmm_spikes")
    """Folder of the clips."""

    fwd_matrix_path: Path = Path("anatomy/leadfield_75_20k.mat")
    """File of the leadfield."""

    anatomy_dir: Path | None = None
    """Folder of regions, surfaces and electrodes; null for that of the leadfield."""

    store_dir: Path | None = None
    """Where clips are kept ready to use; null for ``<nmm_spikes_dir>_store``."""

    train_dataset_len: PositiveInt | None = None
    """Examples of the training table to use; null for all."""

    test_dataset_len: PositiveInt | None = None
    """Examples of the test table to use; null for all."""

    subset: SubsetRule = "stratified"
    """Which examples: of all regions, patches and noise levels alike, or the ``first``."""

    val_split: float = Field(default=0.1, ge=0.0, le=0.9)
    """Share of the training examples for validation."""

    validation_by: DivisionRule = "patch_and_clip"
    """What lies on one side only: patches and clips (examples that tie both sides together are left
    out), patches, or nothing (``row``)."""

    batch_size: int = Field(default=8, ge=1, le=4096)
    """Examples per batch."""

    num_workers: int = Field(default=2, ge=0, le=64)
    """Threads that make batches ahead; 0 makes a batch when it is asked for."""

    prefetch_factor: int = Field(default=2, ge=1, le=16)
    """Batches that are made ahead, all threads together."""

    device: Literal["cpu", "cuda"] | None = None
    """Where the batches of training are made: on this device, to which all clips are moved once
    (2 MB each), or, if null, by threads on the CPU. The examples are the same."""

    pin_memory: bool = True
    """Whether batches lie in page-locked memory, from which a GPU copies faster; without CUDA they
    never do."""

    sparse_targets: bool = False
    """Whether targets hold only the regions of the patches."""

    normalize: bool = True
    """Whether EEG and target are divided by their maxima; means are removed in any case."""

    noise: NoiseModel = "global"
    """White noise of one power in all channels, noise as DeepSIF adds it (3 dB less than stated),
    recorded and white noise (``realistic``), or none."""

    realistic_noise_path: Path | None = None
    """Recorded noise; null for ``realistic_noise.mat`` in the folder of the anatomy."""

    realistic_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of recorded noise in the power of ``realistic`` noise."""

    missing_clips: MissingClips = "drop"
    """What becomes of examples whose clip is missing or damaged: they stay with silence in its
    place (``zeros``, as in earlier programs), are left out, or stop everything."""

    missing_scale: MissingScale = "recompute"
    """What becomes of sources without an amplitude: it is computed from the clip, is an error, or
    is 30 mV as in earlier programs (``compatible``)."""

    fields: dict[str, str] = Field(default_factory=dict)
    """Other names of the fields of the tables, ``{selected_region: patches}``."""

    clip_path: str = CLIP_PATH
    """File of a clip within ``nmm_spikes_dir``, from ``{centre}`` and ``{clip}``."""

    clips_per_region: PositiveInt | None = None
    """Clips per region that ``nmm_idx`` counts, where the table does not tell."""

    growth: GrowthConfig = GrowthConfig()
    """Sources that are drawn."""

    @model_validator(mode="after")
    def names_are_known(self) -> "SourceDataConfig":
        """Refuse names of fields that no table has, and templates that cannot be filled."""
        for name in self.fields:
            if name not in FIELDS:
                raise ConfigError(
                    f"fields names '{name}', which no table has. {nearest_of(name, FIELDS)}"
                )
        clip_file(self.nmm_spikes_dir, self.clip_path, (0, 1))
        return self


def anatomy_folder(config: SourceDataConfig) -> Path:
    """Where regions, surfaces and electrodes are."""
    return config.anatomy_dir or config.fwd_matrix_path.parent


def store_folder(config: SourceDataConfig) -> Path:
    """Where clips are kept ready to use."""
    return config.store_dir or default_store(config.nmm_spikes_dir)


def default_store(spikes: Path) -> Path:
    """Where the clips of a folder are kept if nothing else is said: beside it.

    >>> default_store(Path("source/nmm_spikes")).as_posix()
    'source/nmm_spikes_store'
    """
    return spikes.with_name(f"{spikes.name}_store")


def recorded_noise_file(config: SourceDataConfig) -> Path:
    """Recorded noise, for ``realistic``."""
    return config.realistic_noise_path or anatomy_folder(config) / "realistic_noise.mat"

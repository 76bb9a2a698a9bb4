"""Settings of images and masks: the section ``data`` where the data are images."""

from pathlib import Path

from pydantic import Field, PositiveInt, model_validator

from neurorun.core import Config, ConfigError
from neurorun.data.images.reading import MaskValues
from neurorun.data.loader import LoaderConfig


class ImageSplitConfig(Config):
    """How images are divided."""

    validation_split: float = Field(default=0.15, gt=0.0, le=0.5)
    """Share of ``validation``, rounded down to whole images in each folder."""

    test_split: float = Field(default=0.15, ge=0.0, le=0.5)
    """Share of ``test``; what rounding leaves over belongs to it, unless it is 0."""

    split_seed: int = Field(default=42, ge=0)
    """Decides which images go where."""

    @model_validator(mode="after")
    def something_is_left_to_train_on(self) -> "ImageSplitConfig":
        """Refuse shares that leave nothing for training."""
        if self.validation_split + self.test_split >= 1:
            raise ConfigError(
                f"validation_split {self.validation_split:g} and test_split {self.test_split:g} "
                "leave nothing to train on; their sum must be below 1."
            )
        return self


class ImageDataConfig(ImageSplitConfig, LoaderConfig):
    """Where images and masks lie, how they are read, divided and cut."""

    data_dir: Path = Path("data/cracks")
    """A folder with ``images`` and ``masks``, or a folder of such folders."""

    mask_values: MaskValues = "auto"
    """Which grey is marked: ``half`` 128 and more, ``nonzero`` all but 0; ``auto`` recognizes masks
    of 0 and 1, and masks of grey with 128 and more."""

    crop_size: int = Field(default=256, ge=32, le=2048)
    """Side of the squares that are trained on, in pixels. Smaller images go on mirrored."""

    crops_per_image: PositiveInt = 4
    """Squares that an epoch takes from every image."""

    prediction_tile: int = Field(default=1024, ge=256, le=8192)
    """Longest side that is predicted at once; larger images are predicted in overlapping tiles."""

    memory_mb: PositiveInt = 2048
    """Decoded images that are kept, in megabytes; others are read again whenever they are used."""

"""Settings of networks that come from braindecode: the section `model.braindecode`."""

from pydantic import Field, PositiveFloat, model_validator

from neurorun.core import Config, ConfigError

GIVEN = ("chs_info", "input_window_seconds", "n_chans", "n_outputs", "n_times", "sfreq")
"""Arguments of every network that follow from the data."""


class BraindecodeConfig(Config):
    """A network of the library braindecode in the place of our own; needs the extra braindecode."""

    name: str | None = Field(default=None, min_length=1)
    """Class in ``braindecode.models``, for example EEGNet; null takes our own network."""
    parameters: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    """Further arguments of that class; channels, length and rate follow from the data."""
    segment_s: PositiveFloat | None = None
    """Seconds that are classified as one, so the resolution in time; they must divide the window.
    null classifies the whole window."""

    @model_validator(mode="after")
    def _parameters_belong_to_a_network(self) -> "BraindecodeConfig":
        if self.name is None and (self.parameters or self.segment_s is not None):
            raise ConfigError(
                f"model.braindecode has parameters {self.parameters} and segment_s "
                f"{self.segment_s}, but no name, so nothing would read them. Name the network, or "
                "leave them out."
            )
        given = [name for name in self.parameters if name in GIVEN]
        if given:
            raise ConfigError(
                f"model.braindecode.parameters sets {', '.join(given)}, which follow from the "
                "data; leave them out."
            )
        return self

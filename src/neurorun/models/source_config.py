"""Settings of the networks that localize sources: the YAML section `model`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from neurorun.core import Config, ConfigError

Width = Annotated[int, Field(ge=1, le=8192)]


class DeepSIFConfig(Config):
    """Sizes of `DeepSIFNet`."""

    spatial_size: Width = 500
    """Values per sample between the filter over channels and the recurrent layers."""
    recurrent_layers: int = Field(default=3, ge=1, le=12)
    """Recurrent layers."""
    recurrent_size: Width | None = None
    """Values that a recurrent layer carries from sample to sample; null is one per region, as
    published. Other sizes are brought to the regions by a linear layer."""


class SourceTransformerConfig(Config):
    """Sizes of `SourceTransformer`."""

    d_model: Width = 256
    """Values per sample between the layers; even."""
    n_heads: int = Field(default=8, ge=1, le=64)
    """Heads of attention, which share `d_model` among them."""
    n_layers: int = Field(default=6, ge=1, le=48)
    """Layers of attention."""
    dim_feedforward: Width = 1024
    """Inner width of each layer, and of the one that leads to the regions."""
    dropout: float = Field(default=0.1, ge=0.0, le=0.9)
    """Share of the values silenced while training."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "SourceTransformerConfig":
        if self.d_model % 2 or self.d_model % self.n_heads:
            raise ConfigError(
                f"transformer.d_model is {self.d_model} with {self.n_heads} heads; an even number "
                "that the heads divide is needed. Choose a multiple of both."
            )
        return self


_PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "full": {},
    "small": {
        "deepsif": {"spatial_size": 64, "recurrent_layers": 1, "recurrent_size": 96},
        "transformer": {"d_model": 64, "n_heads": 4, "n_layers": 2, "dim_feedforward": 128},
    },
}


class SourceModelConfig(Config):
    """The network that localizes sources."""

    name: Literal["deepsif", "transformer"] = "transformer"
    """Which network."""
    preset: Literal["full", "small"] = "full"
    """Where every key that is not given comes from: 22.4 and 6.0 million parameters, or 0.2 for
    either on a laptop."""
    deepsif: DeepSIFConfig = DeepSIFConfig()
    """Sizes of the network ``deepsif``."""
    transformer: SourceTransformerConfig = SourceTransformerConfig()
    """Sizes of the network ``transformer``."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        merged = dict(given)
        for key, preset in _PRESETS.get(str(given.get("preset", "full")), {}).items():
            own = merged.get(key, {})
            plain = own.model_dump(exclude_unset=True) if isinstance(own, Config) else own
            if isinstance(plain, Mapping):
                merged[key] = {**preset, **plain}
        return merged

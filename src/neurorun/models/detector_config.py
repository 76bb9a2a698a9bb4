"""Settings of the seizure detector: the YAML section `model`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from neurorun.core import Config, ConfigError
from neurorun.models.braindecode_config import BraindecodeConfig


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ConfigError(f"{value} is even; kernels that keep the length are odd. Add 1.")
    return value


OddKernel = Annotated[int, Field(ge=3, le=11), AfterValidator(_odd)]
Width = Annotated[int, Field(ge=1, le=4096)]
Dropout = Annotated[float, Field(ge=0.0, le=0.5)]
SsmBackend = Literal["torch", "mamba_ssm"]


class EncoderConfig(Config):
    """The way down: every stage convolves twice, keeps a copy for the decoder, and shortens."""

    stages: int | None = Field(default=None, ge=1, le=8)
    """Number of stages; null is one per width in `channels`, and no other number is allowed."""
    channels: tuple[Width, ...] = Field(default=(64, 128, 256, 512), min_length=1, max_length=8)
    """Width of each stage."""
    kernel_size: Annotated[int, Field(ge=3, le=9), AfterValidator(_odd)] = 5
    """Steps that each convolution of encoder and decoder looks at; odd."""
    downsample_factor: int = Field(default=2, ge=2, le=8)
    """How many times shorter the signal becomes at the end of each stage."""

    @model_validator(mode="after")
    def _one_width_per_stage(self) -> "EncoderConfig":
        if self.stages is not None and self.stages != len(self.channels):
            raise ConfigError(
                f"encoder.stages is {self.stages}, but encoder.channels lists "
                f"{len(self.channels)} widths {list(self.channels)}; give one width per stage, "
                "or leave stages out."
            )
        return self


class ResCnnConfig(Config):
    """Residual convolutions with several kernels side by side, at the lowest rate."""

    n_blocks: int = Field(default=3, ge=0, le=12)
    """Number of blocks."""
    kernel_sizes: tuple[OddKernel, ...] = Field(default=(3, 5, 7), min_length=1, max_length=5)
    """Kernels side by side in each block; odd. The width is divided among them."""
    dropout: Dropout = 0.1
    """Share of the channels silenced per block while training."""


class MambaConfig(Config):
    """State-space stages at the lowest rate."""

    n_layers: int = Field(default=6, ge=0, le=12)
    """Number of stages."""
    d_model: Width = 512
    """Their width; projections lead in and out where the last encoder stage has another."""
    d_state: int = Field(default=16, ge=1, le=256)
    """Numbers that each column of a head carries along the signal."""
    conv_kernel: int = Field(default=4, ge=2, le=9)
    """Steps that the convolution before the recurrence looks at; `mamba_ssm` allows 2 to 4."""
    dropout: Dropout = 0.1
    """Share of what a stage adds that is silenced while training."""
    expand: int = Field(default=2, ge=1, le=8)
    """Inner width, in multiples of `d_model`."""
    head_dim: int = Field(default=64, ge=1, le=256)
    """Width of one head; divides the inner width."""
    chunk_size: int = Field(default=32, ge=1, le=1024)
    """Steps per matrix product: changes speed and rounding, nothing else. 32 is best on CPUs."""
    recompute: bool = False
    """Whether training computes what is inside a stage twice instead of keeping it: with the full
    preset 0.3 GB per window instead of 0.9 GB, for more time. Changes no result."""

    @model_validator(mode="after")
    def _heads_fill_the_width(self) -> "MambaConfig":
        inner = self.expand * self.d_model
        if inner % self.head_dim:
            raise ConfigError(
                f"mamba.head_dim is {self.head_dim}, but the inner width is {inner} (expand times "
                "d_model); choose a head_dim that divides it."
            )
        return self


class DecoderConfig(Config):
    """The way up: every stage lengthens the signal and joins it with the encoder's copy."""

    stages: int | None = Field(default=None, ge=1, le=8)
    """Number of stages, at most those of the encoder; null is as many. With fewer, the logits of
    the last stage are held over the samples that they stand for."""
    kernel_size: int = Field(default=2, ge=2, le=8)
    """Width of the transposed convolution that lengthens; at least the encoder's downsample_factor,
    or samples would be left out."""


_LONGEST_BLOCK = 4096
"""Signals are filled up to whole blocks: a longer one would be mostly filling."""

_PRESETS: dict[str, dict[str, Any]] = {
    "full": {},
    "medium": {
        "encoder": {"channels": (16, 32, 64, 128)},
        "mamba": {"d_model": 128, "n_layers": 2, "head_dim": 32},
        "norm_momentum": 0.5,
    },
    "small": {
        "encoder": {"channels": (16, 32, 64), "downsample_factor": 4},
        "rescnn": {"n_blocks": 1},
        "mamba": {"d_model": 64, "n_layers": 1, "head_dim": 32},
        "decoder": {"stages": 2, "kernel_size": 4},
        "norm_momentum": 0.5,
    },
}


class SeizureDetectorConfig(Config):
    """The seizure detector: encoder, residual convolutions, state-space stages, decoder."""

    preset: Literal["full", "medium", "small"] = "full"
    """Where every key that is not given comes from: 32.6, 1.1 or 0.19 million parameters. The last
    is for tests and laptops, and places borders on 1/64 s at 256 Hz."""
    encoder: EncoderConfig = EncoderConfig()
    """The way down."""
    rescnn: ResCnnConfig = ResCnnConfig()
    """Residual convolutions."""
    mamba: MambaConfig = MambaConfig()
    """State-space stages."""
    decoder: DecoderConfig = DecoderConfig()
    """The way up."""
    norm_momentum: float = Field(default=0.1, gt=0, le=1)
    """Share of the newest batch in the statistics with which batch norms predict. They trail the
    weights by about 1/share steps: in trainings of few steps 0.1 makes validation far worse than
    the model is (measured: loss 2 to 5 instead of 0.2), so the smaller presets take 0.5."""
    ssm_backend: SsmBackend = "torch"
    """Whose Mamba-2 runs; `mamba_ssm` must be installed and needs a CUDA device."""
    causal: bool = False
    """Whether no layer looks ahead, so that a signal can be followed while it is recorded."""
    braindecode: BraindecodeConfig = BraindecodeConfig()
    """A network of the library braindecode instead; all other keys then keep their defaults."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        preset = _PRESETS.get(str(given.get("preset", "full")), {})
        merged = {key: _explicit(value) for key, value in given.items()}
        for key, default in preset.items():
            own = merged.setdefault(key, default)
            if isinstance(default, Mapping) and isinstance(own, Mapping):
                merged[key] = {**default, **own}
        return merged

    @model_validator(mode="after")
    def _blocks_are_short(self) -> "SeizureDetectorConfig":
        if self.block_samples > _LONGEST_BLOCK:
            raise ConfigError(
                f"{len(self.encoder.channels)} stages with encoder.downsample_factor "
                f"{self.encoder.downsample_factor} make one step of {self.block_samples} samples; "
                f"at most {_LONGEST_BLOCK} are allowed. Take fewer stages or a smaller factor."
            )
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> "SeizureDetectorConfig":
        factor, width = self.encoder.downsample_factor, self.encoder.channels[-1]
        if self.n_decoder_stages > len(self.encoder.channels):
            raise ConfigError(
                f"decoder.stages is {self.decoder.stages}, the encoder has "
                f"{len(self.encoder.channels)}; the decoder may have at most as many. Set "
                "decoder.stages to that or less."
            )
        if self.decoder.kernel_size < factor:
            raise ConfigError(
                f"decoder.kernel_size is {self.decoder.kernel_size}, encoder.downsample_factor "
                f"{factor}; the kernel must be at least as long, or samples would be left out."
            )
        if width < len(self.rescnn.kernel_sizes):
            raise ConfigError(
                f"The last encoder width is {width}, too narrow to be divided among the "
                f"{len(self.rescnn.kernel_sizes)} kernels of rescnn.kernel_sizes; widen it, or "
                "list fewer kernels."
            )
        return self

    @model_validator(mode="after")
    def _kernels_of_mamba_ssm(self) -> "SeizureDetectorConfig":
        mamba = self.mamba
        heads = mamba.expand * mamba.d_model // mamba.head_dim
        refused = mamba.conv_kernel > 4 or heads % 8 or mamba.d_state % 4
        if self.ssm_backend == "mamba_ssm" and refused:
            raise ConfigError(
                f"ssm_backend 'mamba_ssm' with mamba.conv_kernel {mamba.conv_kernel}, {heads} "
                f"heads and mamba.d_state {mamba.d_state}; its kernels need 2 to 4, a multiple of "
                "8 heads, and a multiple of 4 as d_state. Change them, or choose ssm_backend "
                "'torch'."
            )
        return self

    @model_validator(mode="after")
    def _one_network_is_configured(self) -> "SeizureDetectorConfig":
        if self.braindecode.name is None:
            return self
        plain = SeizureDetectorConfig(preset=self.preset)
        changed = [
            name
            for name in type(self).model_fields
            if name != "braindecode" and getattr(self, name) != getattr(plain, name)
        ]
        if self.preset != "full":
            changed.insert(0, "preset")
        if changed:
            raise ConfigError(
                f"model.braindecode.name is '{self.braindecode.name}', so nothing would read "
                f"model.{', model.'.join(changed)}; leave these out, or braindecode."
            )
        return self

    @property
    def title(self) -> str:
        """What to call the network: its preset, or its name in braindecode."""
        name = self.braindecode.name
        return self.preset if name is None else f"{name} of braindecode"

    @property
    def n_decoder_stages(self) -> int:
        """Stages of the decoder, also where the key is null."""
        return self.decoder.stages or len(self.encoder.channels)

    @property
    def block_samples(self) -> int:
        """Samples that one step at the lowest rate stands for."""
        return int(self.encoder.downsample_factor ** len(self.encoder.channels))


def _explicit(value: Any) -> Any:
    """A section as the keys that were given, whether it came as a mapping or as an object."""
    return value.model_dump(exclude_unset=True) if isinstance(value, Config) else value

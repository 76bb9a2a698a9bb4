"""SwinV2, atrous pyramid and convolutions: a larger network for pictures, one logit per pixel.

The encoder is the library transformers' SwinV2 backbone [1]_; its last stage is seen through
convolutions of several dilations side by side [2]_, and a decoder of convolutions joins what the
earlier stages saw. Groups of channels are normalized instead of batches, which are small here.

References
----------
.. [1] Liu et al., "Swin Transformer V2: scaling up capacity and resolution", CVPR 2022.
.. [2] Chen, Papandreou, Schroff, Adam, "Rethinking atrous convolution for semantic image
   segmentation", 2017, section 3.3.
.. [3] Woo, Park, Lee, Kweon, "CBAM: convolutional block attention module", ECCV 2018.
"""

from pathlib import Path
from typing import Annotated, Any

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional

from neurorun.core import Config, ConfigError, require
from neurorun.models.pictures import StandardizedColours, padded_to, rare_logits

_STRIDE = 32
_ATTENTION_REDUCTION = 16
_WEIGHTS = "model.swinv2.weights"
Dilation = Annotated[int, Field(ge=1, le=64)]


class CrackSwinConfig(Config):
    """SwinV2 encoder, atrous pyramid, decoder; the defaults are the tiny SwinV2."""

    image_size: int = Field(default=256, ge=32, le=2048, multiple_of=_STRIDE)
    """Side of pictures for which the windows of attention are laid out; others may be given."""
    window_size: int = Field(default=8, ge=2, le=32)
    """Side of a window of attention, in steps of its stage."""
    embed_dim: PositiveInt = 96
    """Width of the first stage; every stage doubles it."""
    depths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (2, 2, 6, 2)
    """Blocks of each stage."""
    num_heads: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (3, 6, 12, 24)
    """Heads of attention of each stage; they divide its width."""
    drop_path_rate: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of the blocks that are left out at random while training, rising to this."""
    weights: Path | None = None
    """File ``model.safetensors`` of a trained SwinV2 of these sizes, as transformers writes it;
    null draws weights at random. Nothing is ever downloaded."""
    aspp_channels: PositiveInt = 256
    """Width of the atrous pyramid."""
    aspp_dilations: tuple[Dilation, ...] = Field(default=(1, 6, 12, 18), min_length=1, max_length=8)
    """Dilations of its convolutions; beside them stand a single pixel and the whole picture."""
    aspp_dropout: float = Field(default=0.1, ge=0.0, le=0.9)
    """Share of its channels silenced while training."""
    decoder_channels: tuple[PositiveInt, PositiveInt, PositiveInt] = (128, 64, 32)
    """Width of each decoder level."""
    attention: bool = True
    """Whether the decoder weighs channels and places of what it joins (CBAM)."""

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> "CrackSwinConfig":
        for stage, heads in enumerate(self.num_heads):
            width = self.embed_dim * 2**stage
            if width % heads:
                raise ConfigError(
                    f"num_heads gives stage {stage + 1} {heads} heads for a width of {width}; the "
                    "number of heads must divide it. Change num_heads or embed_dim."
                )
        return self

    @property
    def stage_widths(self) -> tuple[int, int, int, int]:
        """Widths of the stages, the finest first."""
        first = self.embed_dim
        return first, 2 * first, 4 * first, 8 * first


class CrackSwin(nn.Module):
    """Pictures in, one logit per pixel out.

    Parameters
    ----------
    config : sizes, and where trained weights of the encoder lie

    Raises
    ------
    MissingExtraError : transformers is not installed
    ConfigError : the weights are absent, or of another size
    """

    def __init__(self, config: CrackSwinConfig | None = None) -> None:
        super().__init__()
        config = config or CrackSwinConfig()
        self.colours = StandardizedColours()
        self.encoder = _encoder(config)
        *skips, deepest = config.stage_widths
        self.pyramid = AtrousPyramid(deepest, config)
        widths = (config.aspp_channels, *config.decoder_channels)
        self.levels = nn.ModuleList(
            _DecoderLevel(n_in, n_skip, n_out, attention=config.attention)
            for n_in, n_skip, n_out in zip(widths[:-1], skips[::-1], widths[1:], strict=True)
        )
        self.head = rare_logits(widths[-1])

    def forward(
        self, pictures: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch height width"]:
        """Logits at the size of the pictures, whose colours lie in 0 to 1."""
        height, width = pictures.shape[-2:]
        x = padded_to(self.colours(pictures), _STRIDE)
        padded = x.shape[-2:]
        *skips, deepest = self.encoder(x).feature_maps
        x = self.pyramid(deepest)
        for level, skip in zip(self.levels, reversed(skips), strict=True):
            x = level(x, skip)
        logits = functional.interpolate(self.head(x), padded, mode="bilinear", align_corners=False)
        return logits[:, 0, :height, :width]


def _encoder(config: CrackSwinConfig) -> Any:
    """Make the backbone, with trained weights where they are given."""
    transformers = require("transformers", extra="segmentation")
    settings = transformers.Swinv2Config(
        image_size=config.image_size,
        window_size=config.window_size,
        embed_dim=config.embed_dim,
        depths=list(config.depths),
        num_heads=list(config.num_heads),
        drop_path_rate=config.drop_path_rate,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    backbone = transformers.Swinv2Backbone(settings)
    if config.weights is not None:
        _load_trained(backbone, config.weights)
    return backbone


def _load_trained(backbone: nn.Module, path: Path) -> None:
    """Replace the weights of the encoder; others in the file, as of a classifier, are left."""
    safe = require("safetensors", extra="segmentation")
    load_file = require("safetensors.torch", extra="segmentation").load_file
    try:
        stored = load_file(path)
    except (OSError, ValueError, safe.SafetensorError) as error:
        raise ConfigError(f"{_WEIGHTS} is '{path}', which cannot be read ({error}).") from error
    found = {name.removeprefix("swinv2."): tensor for name, tensor in stored.items()}
    own = backbone.state_dict()
    faults = [_fault(name, own[name], found.get(name)) for name in own]
    faults = [fault for fault in faults if fault]
    if faults:
        raise ConfigError(
            f"{_WEIGHTS} is '{path}', which does not fit: {len(faults)} of {len(own)} parts, the "
            f"first is {faults[0]}. Give the weights of a SwinV2 of these sizes, or null."
        )
    backbone.load_state_dict({name: found[name] for name in own})


def _fault(name: str, own: Tensor, found: Tensor | None) -> str | None:
    if found is None:
        return f"'{name}', which is missing"
    if found.shape != own.shape:
        return f"'{name}' of shape {tuple(found.shape)} instead of {tuple(own.shape)}"
    return None


class AtrousPyramid(nn.Module):
    """The same place seen near and far: dilated convolutions, one pixel, and the whole picture."""

    def __init__(self, n_in: int, config: CrackSwinConfig) -> None:
        super().__init__()
        width = config.aspp_channels
        self.near_and_far = nn.ModuleList(
            [_convolution(n_in, width, 1)]
            + [_convolution(n_in, width, 3, dilation=one) for one in config.aspp_dilations]
        )
        self.whole = _convolution(n_in, width, 1)
        self.join = _convolution((len(self.near_and_far) + 1) * width, width, 1)
        self.dropout = nn.Dropout2d(config.aspp_dropout)

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch fewer height width"]:
        """Same size, other width."""
        seen = [branch(x) for branch in self.near_and_far]
        whole = self.whole(x.mean(dim=(2, 3), keepdim=True)).expand_as(seen[0])
        joined: Tensor = self.dropout(self.join(torch.cat([*seen, whole], dim=1)))
        return joined


class _DecoderLevel(nn.Module):
    """Double the size, join what the encoder saw at it, convolve twice."""

    def __init__(self, n_in: int, n_skip: int, n_out: int, *, attention: bool) -> None:
        super().__init__()
        self.narrow = _convolution(n_in, n_out, 3)
        self.attention = BlockAttention(n_out + n_skip) if attention else nn.Identity()
        self.first = _convolution(n_out + n_skip, n_out, 3)
        self.second = _convolution(n_out, n_out, 3)

    def forward(
        self,
        x: Float[Tensor, "batch channels height width"],
        skip: Float[Tensor, "batch copied taller wider"],
    ) -> Float[Tensor, "batch fewer taller wider"]:
        larger = functional.interpolate(x, skip.shape[-2:], mode="bilinear", align_corners=False)
        joined = self.attention(torch.cat([self.narrow(larger), skip], dim=1))
        result: Tensor = self.second(self.first(joined))
        return result


class BlockAttention(nn.Module):
    """Weigh channels by what the whole picture holds, then places by what their channels hold."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        hidden = max(4, n_channels // _ATTENTION_REDUCTION)
        self.channels = nn.Sequential(
            nn.Conv2d(n_channels, hidden, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, n_channels, 1, bias=False),
        )
        self.places = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Same shape."""
        mean, highest = x.mean(dim=(2, 3), keepdim=True), x.amax(dim=(2, 3), keepdim=True)
        x = x * torch.sigmoid(self.channels(mean) + self.channels(highest))
        seen = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        weighed: Tensor = x * torch.sigmoid(self.places(seen))
        return weighed


def _convolution(n_in: int, n_out: int, kernel_size: int, *, dilation: int = 1) -> nn.Sequential:
    """Convolve, normalize groups, keep the positive part; the size stays."""
    padding = dilation * (kernel_size // 2)
    convolution = nn.Conv2d(
        n_in, n_out, kernel_size, padding=padding, dilation=dilation, bias=False
    )
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.GroupNorm(_n_groups(n_out), n_out), nn.ReLU(inplace=True))


def _n_groups(n_channels: int) -> int:
    """At most eight groups of at least four channels: one pixel of a group has a deviation."""
    return next(n for n in (8, 4, 2, 1) if n == 1 or n_channels % (4 * n) == 0)

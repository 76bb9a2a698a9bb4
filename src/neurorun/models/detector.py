"""The seizure detector: EEG in, one logit per sample out.

A U-Net along time whose lowest level holds residual convolutions and state-space stages
(`unet`, `rescnn`, `bidirectional`): the encoder finds waveforms, the lowest level follows how they
evolve over the window, the decoder puts borders on the sample.

Names in the state dict, stable from here on::

    stem.*                                    channels of EEG to the first width
    encoder.<i>.{first,second}.{conv,norm}.*  convolutions of stage i, and encoder.<i>.down.*
    rescnn.<i>.branches.<k>.{conv,norm}.*     kernel k of block i, and rescnn.<i>.mix.{0,1}.*
    lead_in.*, lead_out.*                     only where mamba.d_model is not the last width
    mamba.<i>.{forwards,backwards}.*          Mamba-2, names of mamba-ssm; also .merge.* and .norm.*
    decoder.<i>.{up.conv,first,second}.*      from the lowest level upwards
    to_channels.*, head.*                     last width to the channels of EEG, to one logit
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad
from torch.utils.checkpoint import checkpoint

from neurorun.core import DataError
from neurorun.models.bidirectional import StateSpaceStage
from neurorun.models.detector_config import SeizureDetectorConfig
from neurorun.models.memory import Memory
from neurorun.models.rescnn import ResidualBlock
from neurorun.models.unet import Convolution, DecoderStage, EncoderStage

_STEM_KERNEL = 7


class SeizureDetector(nn.Module):
    """Logit of being in a seizure, for every sample of every window.

    Any length is allowed: signals are filled up with zeros at the end to whole blocks of
    ``config.block_samples``, and the logits of what was added are cut off.

    Parameters
    ----------
    config : sizes
    n_channels : channels of EEG in the data

    Raises
    ------
    DataError : the signal has another number of channels, or no samples
    """

    def __init__(self, config: SeizureDetectorConfig, n_channels: int) -> None:
        super().__init__()
        self.config = config
        self.n_channels = n_channels
        widths, causal = config.encoder.channels, config.causal
        self.stem = Convolution(n_channels, widths[0], _STEM_KERNEL, causal=causal)
        self.encoder = _build_encoder(config)
        self.rescnn = nn.ModuleList(
            ResidualBlock(
                widths[-1],
                config.rescnn.kernel_sizes,
                dropout=config.rescnn.dropout,
                causal=causal,
            )
            for _ in range(config.rescnn.n_blocks)
        )
        self.lead_in = _projection(widths[-1], config.mamba.d_model)
        self.mamba = nn.ModuleList(
            StateSpaceStage(config.mamba, backend=config.ssm_backend, causal=causal)
            for _ in range(config.mamba.n_layers)
        )
        self.lead_out = _projection(config.mamba.d_model, widths[-1])
        self.decoder = _build_decoder(config)
        self.to_channels = nn.Conv1d(_decoder_widths(config)[-1], n_channels, 1)
        self.head = nn.Conv1d(n_channels, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = config.norm_momentum

    def forward(
        self, eeg: Float[Tensor, "batch channels samples"], memory: Memory | None = None
    ) -> Float[Tensor, "batch samples"]:
        """Logits of windows, or of the next piece of a signal if a memory is given.

        With a memory the network must be causal, and the piece must hold whole blocks;
        `DetectorStream` sees to both.
        """
        n_samples = self._check(eeg)
        x = self.stem(pad(eeg, (0, -n_samples % self.config.block_samples)), memory)
        copies = []
        for stage in self.encoder:
            copy, x = stage(x, memory)
            copies.append(copy)
        for block in self.rescnn:
            x = block(x, memory)
        x = self._follow(x, memory)
        for stage in self.decoder:
            x = stage(x, copies.pop(), memory)
        held = self.config.encoder.downsample_factor ** len(copies)
        return self._logits(x).repeat_interleave(held, dim=-1)[:, :n_samples]

    def _logits(self, x: Float[Tensor, "batch width steps"]) -> Float[Tensor, "batch steps"]:
        """Apply ``head(to_channels(x))``: two linear maps in a row, here as their product."""
        first, last = self.to_channels, self.head
        weight = (last.weight[..., 0] @ first.weight[..., 0])[..., None]
        assert first.bias is not None
        assert last.bias is not None
        return conv1d(x, weight, last.weight[..., 0] @ first.bias + last.bias).squeeze(1)

    def _follow(
        self, x: Float[Tensor, "batch width steps"], memory: Memory | None
    ) -> Float[Tensor, "batch width steps"]:
        x = self.lead_in(x.mT)
        twice = self.config.mamba.recompute and self.training
        for stage in self.mamba:
            x = checkpoint(stage, x, use_reentrant=False) if twice else stage(x, memory)
        x = self.lead_out(x)
        return x.mT

    def _check(self, eeg: Float[Tensor, "batch channels samples"]) -> int:
        _, n_channels, n_samples = eeg.shape
        if n_channels != self.n_channels or n_samples == 0:
            raise DataError(
                f"Signal of {n_channels} channels and {n_samples} samples; this detector reads "
                f"{self.n_channels} channels and at least one sample. Map the recording to its "
                "montage first."
            )
        return n_samples


def _build_encoder(config: SeizureDetectorConfig) -> nn.ModuleList:
    widths = config.encoder.channels
    return nn.ModuleList(
        EncoderStage(
            n_in,
            n_out,
            kernel_size=config.encoder.kernel_size,
            factor=config.encoder.downsample_factor,
            causal=config.causal,
        )
        for n_in, n_out in zip((widths[0], *widths), widths, strict=False)
    )


def _decoder_widths(config: SeizureDetectorConfig) -> tuple[int, ...]:
    """Width of each stage: that of the encoder one stage higher, and of its first at the top."""
    widths = config.encoder.channels
    return (*widths[-2::-1], widths[0])[: config.n_decoder_stages]


def _build_decoder(config: SeizureDetectorConfig) -> nn.ModuleList:
    copied = config.encoder.channels[::-1]
    widths = _decoder_widths(config)
    return nn.ModuleList(
        DecoderStage(
            n_in,
            n_copy,
            n_out,
            kernel_size=config.encoder.kernel_size,
            up_kernel_size=config.decoder.kernel_size,
            factor=config.encoder.downsample_factor,
            causal=config.causal,
        )
        for n_in, n_copy, n_out in zip((copied[0], *widths), copied, widths, strict=False)
    )


def _projection(n_in: int, n_out: int) -> nn.Module:
    return nn.Identity() if n_in == n_out else nn.Linear(n_in, n_out)

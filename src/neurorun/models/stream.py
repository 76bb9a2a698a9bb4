"""Follow a recording while it arrives: a causal detector, piece by piece.

However the signal is cut into pieces, the logits are those of the whole signal at once. They come
in blocks: the decoder needs the lowest rate, and one step of that is ``config.block_samples``
samples (16 with the full preset, 1/16 s at 256 Hz). Which block a sample lies in is counted from
the start of the signal.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from neurorun.core import ConfigError, DataError
from neurorun.models.detector import SeizureDetector
from neurorun.models.memory import Memory


class DetectorStream:
    """The state of one causal detector at one place in one signal, or a batch of them.

    Parameters
    ----------
    detector : causal, in evaluation mode, with our own state-space layer

    Raises
    ------
    ConfigError : the detector looks ahead, is training, or runs the kernels of mamba-ssm

    Examples
    --------
    >>> from neurorun.models import SeizureDetectorConfig, build_detector
    >>> config = SeizureDetectorConfig(preset="small", causal=True)
    >>> stream = DetectorStream(build_detector(config, 19).eval())
    >>> [tuple(stream.push(torch.zeros(1, 19, n)).shape) for n in (100, 28)], stream.block_samples
    ([(1, 64), (1, 64)], 64)
    """

    def __init__(self, detector: SeizureDetector) -> None:
        _check(detector)
        self.detector = detector
        self.block_samples = detector.config.block_samples
        self._memory = Memory()
        self._waiting: Tensor | None = None

    @torch.no_grad()
    def push(self, piece: Float[Tensor, "batch channels samples"]) -> Float[Tensor, "batch ready"]:
        """Take in the next samples, any number of them, and give the logits now complete.

        Those of fewer than ``block_samples`` samples at the end wait for the next piece. A piece
        that is refused changes nothing.

        Raises
        ------
        ConfigError : the detector was put back into training mode
        DataError : the piece has other channels or another type than the detector, or is of
            another batch than those before it
        """
        _check(self.detector)
        self._check_piece(piece)
        waiting = piece if self._waiting is None else torch.cat([self._waiting, piece], dim=-1)
        n_ready = waiting.shape[-1] - waiting.shape[-1] % self.block_samples
        self._waiting = waiting[..., n_ready:].clone()
        return self._run(waiting[..., :n_ready])

    @torch.no_grad()
    def finish(self) -> Float[Tensor, "batch rest"]:
        """Give the logits still waiting; the next piece starts a new signal.

        Raises
        ------
        ConfigError : nothing was ever pushed
        """
        if self._waiting is None:
            raise ConfigError("The stream has had no signal; push its first samples before this.")
        logits = self._run(self._waiting)
        self._memory, self._waiting = Memory(), None
        return logits

    def _check_piece(self, piece: Float[Tensor, "batch channels samples"]) -> None:
        n_signals, n_channels, _ = piece.shape
        dtype = next(self.detector.parameters()).dtype
        n_before = n_signals if self._waiting is None else len(self._waiting)
        found = (n_signals, n_channels, piece.dtype)
        needed = (n_before, self.detector.n_channels, dtype)
        if found != needed:
            raise DataError(
                f"A piece of {n_signals} signal(s), {n_channels} channels and type {piece.dtype}; "
                f"this stream follows {n_before} signal(s) of {self.detector.n_channels} channels "
                f"and type {dtype}. Map and convert it first, or begin another stream."
            )

    def _run(
        self, piece: Float[Tensor, "batch channels samples"]
    ) -> Float[Tensor, "batch samples"]:
        if not piece.shape[-1]:
            return piece.new_empty(piece.shape[0], 0)
        logits: Tensor = self.detector(piece, self._memory)
        return logits


def _check(detector: SeizureDetector) -> None:
    config = detector.config
    if not config.causal or config.ssm_backend != "torch" or detector.training:
        raise ConfigError(
            f"Detector with causal: {config.causal}, ssm_backend: '{config.ssm_backend}', in "
            f"{'training' if detector.training else 'evaluation'} mode; a stream needs one trained "
            "with causal: true, run by ssm_backend 'torch' (the weights are the same), after "
            "eval()."
        )

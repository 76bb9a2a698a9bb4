"""Networks of braindecode [1]_ as seizure detectors: one logit for every sample.

Most of them classify a whole window. So a window is cut into segments of equal length, each is
classified by itself, and its logit is held over its samples; trained with the loss over samples,
it learns the share of its segment that lies in seizures. Where a network gives several steps per
segment (DANCE), each is held over the samples that it stands for. Nothing finer is made up: borders
of events lie on borders of segments, smoothed only where overlapping windows are averaged.

References
----------
.. [1] https://braindecode.org, release 1.8
"""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurorun.core import ConfigError, DataError, MissingExtraError, nearest_of, require
from neurorun.models.braindecode_config import GIVEN, BraindecodeConfig


class SegmentClassifier(nn.Module):
    """Classifies segments of a window and holds each logit over its samples.

    Parameters
    ----------
    network : (segments, channels, samples) to (segments, 1), or to (segments, 1, steps) or
        (segments, steps, 1)
    n_channels, segment_samples : what it reads

    Raises
    ------
    DataError : the signal has another number of channels, or is no whole number of segments
    """

    foreign = True
    """What it does with its parameters is not known here: some may take no part, others may be
    changed while it runs. Training in several processes has to know of that."""

    def __init__(self, network: nn.Module, *, n_channels: int, segment_samples: int) -> None:
        super().__init__()
        self.network = network
        self.n_channels, self.segment_samples = n_channels, segment_samples

    def forward(
        self, eeg: Float[Tensor, "batch channels samples"]
    ) -> Float[Tensor, "batch samples"]:
        """Logits of windows."""
        n_windows, n_channels, n_samples = eeg.shape
        if n_channels != self.n_channels or n_samples == 0 or n_samples % self.segment_samples:
            raise DataError(
                f"Signal of {n_channels} channels and {n_samples} samples; this network reads "
                f"{self.n_channels} channels and multiples of {self.segment_samples} samples. Map "
                "the recording to its montage, and cut it into the windows of the run."
            )
        n_segments = n_samples // self.segment_samples
        segments = torch.unflatten(eeg, -1, (n_segments, self.segment_samples)).transpose(1, 2)
        logits = self.network(segments.flatten(0, 1).contiguous())
        return self._held(logits).reshape(n_windows, n_samples)

    def _held(self, logits: Tensor) -> Float[Tensor, "segments samples"]:
        """Hold every step over the samples that it stands for."""
        _check_output(logits)
        steps = logits.flatten(1)
        n_steps, n_samples = steps.shape[1], self.segment_samples
        return steps[:, torch.arange(n_samples, device=steps.device) * n_steps // n_samples]


def build_braindecode(
    config: BraindecodeConfig, channels: Sequence[str], *, rate_hz: float, n_samples: int
) -> SegmentClassifier:
    """Make a network of braindecode, its weights drawn from the global generator of PyTorch.

    Parameters
    ----------
    config : with a name
    channels : of the montage; their positions are given to networks that ask for them
    rate_hz : samples per second
    n_samples : of a window

    Raises
    ------
    MissingExtraError : braindecode is not installed, or cannot be imported
    ConfigError : there is no such network, it has no such parameters, it cannot be made for these
        data, or the segments do not divide the window
    """
    segment_samples = _segment_samples(config, rate_hz, n_samples)
    network_class = _find_class(str(config.name))
    known = set(inspect.signature(network_class.__init__).parameters)
    unknown = sorted(set(config.parameters) - known)
    if unknown:
        others = known - {*GIVEN, "self", "kwargs"}
        raise ConfigError(
            f"model.braindecode.parameters: {config.name} has no '{unknown[0]}'. "
            f"{nearest_of(unknown[0], others)}"
        )
    given = {
        "n_chans": len(channels),
        "n_outputs": 1,
        "n_times": segment_samples,
        "sfreq": rate_hz,
        "chs_info": _positions(channels, rate_hz),
    }
    try:
        asked_for = {key: value for key, value in given.items() if {key, "kwargs"} & known}
        network = network_class(**asked_for, **config.parameters)
        with torch.no_grad():
            example = network.eval()(torch.zeros(1, len(channels), segment_samples))
    except (TypeError, LookupError, ValueError, RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"{config.name} of braindecode cannot be made for {len(channels)} channels, "
            f"{segment_samples} samples at {rate_hz:g} Hz and {config.parameters}: {error} Change "
            "model.braindecode or data.window_size."
        ) from error
    _check_output(example)
    return SegmentClassifier(
        network.train(), n_channels=len(channels), segment_samples=segment_samples
    )


def _segment_samples(config: BraindecodeConfig, rate_hz: float, n_samples: int) -> int:
    if config.segment_s is None:
        return n_samples
    segment = config.segment_s * rate_hz
    if abs(segment - round(segment)) > 1e-6 or n_samples % max(1, round(segment)):
        raise ConfigError(
            f"model.braindecode.segment_s is {config.segment_s:g} s, {segment:g} samples at "
            f"{rate_hz:g} Hz; windows have {n_samples} samples, which whole segments must fill. "
            "Choose a length that divides data.window_size."
        )
    return round(segment)


def _find_class(name: str) -> Any:
    known: dict[str, Any] = {
        key: value
        for key, value in vars(_import_models()).items()
        if inspect.isclass(value) and issubclass(value, nn.Module)
    }
    if name not in known:
        raise ConfigError(
            f"model.braindecode.name is '{name}', which braindecode does not have. "
            f"{nearest_of(name, known)}"
        )
    return known[name]


def _import_models() -> Any:
    try:
        return require("braindecode.models", extra="braindecode")
    except MissingExtraError:
        raise
    except (ImportError, OSError) as error:
        raise MissingExtraError(
            f"braindecode is installed, but cannot be imported: {error} It imports torchaudio "
            "whatever is used of it; install the torchaudio of your PyTorch (with a PyTorch "
            "without CUDA: pip install --no-deps torchaudio, then delete torchaudio/lib/*.so), or "
            "leave model.braindecode out."
        ) from error


def _positions(channels: Sequence[str], rate_hz: float) -> Any:
    """Channels as MNE describes them, with places on the head where the names have one."""
    mne = require("mne", extra="braindecode")
    info = mne.create_info(list(channels), rate_hz, "eeg", verbose="error")
    info.set_montage("standard_1020", match_case=False, on_missing="ignore", verbose="error")
    return info["chs"]


def _check_output(logits: Any) -> None:
    if isinstance(logits, Tensor):
        is_class = logits.ndim == 2 and logits.shape[1] == 1
        if is_class or (logits.ndim == 3 and 1 in logits.shape[1:]):
            return
    found = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
    raise ConfigError(
        f"The network of braindecode gives {found}; (segments, 1), or one value per step, can "
        "become one logit per sample. Choose another model.braindecode.name."
    )

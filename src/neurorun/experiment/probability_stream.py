"""Probabilities of a signal that arrives in blocks, however it is divided.

Two ways: a detector that looks ahead reads overlapping windows, as it does when a whole recording
is predicted; a causal detector follows the signal itself. Both compute in pieces of fixed length,
so other blocks give the same bits.
"""

from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from neurorun.core import ConfigError
from neurorun.data import WindowConfig
from neurorun.evaluation import RollingStitcher, StitchingConfig
from neurorun.models import DetectorStream, SeizureDetector


@runtime_checkable
class ProbabilityStream(Protocol):
    """Takes a standardized signal, gives probabilities that no later sample can change."""

    @property
    def latency_samples(self) -> int:
        """Samples after a sample by which its probability has been given, at the latest."""
        ...

    def push(self, block: Float32[np.ndarray, "channels samples"]) -> Float32[np.ndarray, " ready"]:
        """Take the next samples, any number of them."""
        ...

    def finish(self) -> Float32[np.ndarray, " rest"]:
        """Give the rest; the stretch ends here."""
        ...


class WindowStream:
    """Cuts one stretch into overlapping windows as it arrives, predicts and stitches them.

    What comes out is what the whole stretch would give: the last window ends with it. A stretch
    shorter than one window has no prediction.

    Parameters
    ----------
    model : (batch, channels, samples) to (batch, samples) logits; in evaluation mode
    windows : how the stretch is cut
    batch_size : windows at a time, > 0; 1 has the shortest latency
    stitching : how overlapping windows become one probability per sample
    """

    def __init__(
        self,
        model: nn.Module,
        windows: WindowConfig,
        *,
        batch_size: int,
        stitching: StitchingConfig,
    ) -> None:
        self._model, self._batch_size = model, batch_size
        self._device = next(model.parameters()).device
        self._length = windows.window_samples
        self._stride = round(windows.stride * windows.sampling_rate)
        self._stitcher = RollingStitcher(method=stitching.method)
        self._held: np.ndarray | None = None
        self._first = self._next_start = 0
        self._waiting: list[tuple[int, np.ndarray]] = []

    @property
    def latency_samples(self) -> int:
        """A window, and the stride that its start may come later, for every window of a batch."""
        return self._length + self._batch_size * self._stride

    def push(self, block: Float32[np.ndarray, "channels samples"]) -> Float32[np.ndarray, " ready"]:
        """Take the next samples, any number of them."""
        self._held = block.copy() if self._held is None else np.hstack([self._held, block])
        ready = [np.zeros(0, np.float32)]
        while self._next_start + self._length <= self._first + self._held.shape[1]:
            self._cut(self._next_start)
            self._next_start += self._stride
            if len(self._waiting) == self._batch_size:
                ready.append(self._predict())
        n_spare = min(self._held.shape[1] - self._length, self._next_start - self._first)
        if n_spare > 0:
            self._held = self._held[:, n_spare:].copy()
            self._first += n_spare
        return np.concatenate(ready)

    def finish(self) -> Float32[np.ndarray, " rest"]:
        """Give the rest; the stretch ends here."""
        n_held = 0 if self._held is None else self._held.shape[1]
        last = self._first + n_held - self._length
        if last >= 0 and last != self._next_start - self._stride:
            self._cut(last)
        ready = [self._predict()] if self._waiting else []
        return np.concatenate([*ready, self._stitcher.finish()])

    def _cut(self, start: int) -> None:
        assert self._held is not None
        first = start - self._first
        self._waiting.append((start, self._held[:, first : first + self._length].copy()))

    def _predict(self) -> Float32[np.ndarray, " ready"]:
        starts = np.array([start for start, _ in self._waiting], dtype=np.int64)
        inputs = torch.from_numpy(np.stack([window for _, window in self._waiting]))
        self._waiting = []
        with torch.no_grad():
            logits: Tensor = self._model(inputs.to(self._device)).float()
        return self._stitcher.add(torch.sigmoid(logits).cpu().numpy(), starts)


class CausalStream:
    """Follows one stretch with a causal detector, which remembers all of it.

    Parameters
    ----------
    detector : causal, in evaluation mode, with our own state-space layer
    piece_samples : samples at a time; made up to whole blocks of the detector

    Raises
    ------
    ConfigError : the detector cannot follow a signal
    """

    def __init__(self, detector: SeizureDetector, *, piece_samples: int) -> None:
        self._stream = DetectorStream(detector)
        self._device = next(detector.parameters()).device
        block = self._stream.block_samples
        self._piece = -(-max(1, piece_samples) // block) * block
        self._held = np.zeros((detector.n_channels, 0), np.float32)

    @property
    def latency_samples(self) -> int:
        """One piece."""
        return self._piece

    def push(self, block: Float32[np.ndarray, "channels samples"]) -> Float32[np.ndarray, " ready"]:
        """Take the next samples, any number of them."""
        held = np.hstack([self._held, block])
        n_ready = held.shape[1] - held.shape[1] % self._piece
        pieces = [held[:, i : i + self._piece] for i in range(0, n_ready, self._piece)]
        self._held = held[:, n_ready:].copy()
        return np.concatenate([np.zeros(0, np.float32), *map(self._predict, pieces)])

    def finish(self) -> Float32[np.ndarray, " rest"]:
        """Give the rest; the stretch ends here."""
        before = self._predict(self._held)
        return np.concatenate([before, self._probabilities(self._stream.finish())])

    def _predict(self, piece: np.ndarray) -> np.ndarray:
        signal = torch.from_numpy(np.ascontiguousarray(piece))[None]
        return self._probabilities(self._stream.push(signal.to(self._device)))

    @staticmethod
    def _probabilities(logits: Tensor) -> np.ndarray:
        probabilities: np.ndarray = torch.sigmoid(logits[0].float()).cpu().numpy()
        return probabilities


def follows_live(model: nn.Module) -> TypeGuard[SeizureDetector]:
    """Whether a model is a causal detector that `CausalStream` can run."""
    if not isinstance(model, SeizureDetector):
        return False
    try:
        DetectorStream(model)
    except ConfigError:
        return False
    return True

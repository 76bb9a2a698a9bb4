"""Predict whole recordings: windows in, one probability per sample of each stretch out."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn

from neurorun.data import CachedRecording, WindowConfig, window_starts
from neurorun.evaluation import Stitcher, StitchingConfig

Piece = tuple[float, Float32[np.ndarray, " samples"]]
"""Onset of a stretch in seconds, and its probabilities."""

Watch = Callable[[Float[Tensor, "batch samples"], Float[Tensor, "batch samples"]], None]
"""Sees logits and targets of every batch on the way, for example to average a loss."""


class RecordingPredictor:
    """Runs a model over recordings, batch by batch, on the device where the model is.

    Parameters
    ----------
    model : (batch, channels, samples) to (batch, samples) logits; in evaluation mode
    windows : how stretches are cut; every sample of a stretch lies in some window
    batch_size : windows at a time, > 0
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
        self._model, self._windows = model, windows
        self._batch_size, self._stitching = batch_size, stitching
        self._device = next(model.parameters()).device

    def n_batches(self, recording: CachedRecording) -> int:
        """Batches that a recording takes; 0 if no stretch is as long as one window."""
        return sum(
            -(-len(starts) // self._batch_size) for _, _, starts in self._stretches(recording)
        )

    def predict(
        self,
        recording: CachedRecording,
        *,
        watch: Watch | None = None,
        advance: Callable[[], None] = lambda: None,
    ) -> tuple[Piece, ...]:
        """Probabilities of every stretch that is at least one window long.

        Parameters
        ----------
        recording : prepared, at the rate of the windows
        watch : sees logits and targets (0, 1; NaN if nobody annotated the recording)
        advance : called after each batch
        """
        pieces = []
        for onset_s, n_samples, starts in self._stretches(recording):
            stitcher = Stitcher(n_samples, method=self._stitching.method)
            for chosen in _in_batches(starts, self._batch_size):
                logits = self._logits(recording, chosen, watch)
                stitcher.add(torch.sigmoid(logits).cpu().numpy(), chosen - starts[0])
                advance()
            pieces.append((onset_s, stitcher.result()))
        return tuple(pieces)

    def _stretches(
        self, recording: CachedRecording
    ) -> list[tuple[float, int, Int64[np.ndarray, " windows"]]]:
        """Onset, length and window starts of each stretch that is long enough."""
        config = self._windows
        return [
            (
                stretch.onset_s,
                stretch.n_samples,
                stretch.first + window_starts(stretch.n_samples, config.sampling_rate, config),
            )
            for stretch in recording.stretches
            if stretch.n_samples >= config.window_samples
        ]

    def _logits(
        self, recording: CachedRecording, starts: Int64[np.ndarray, " batch"], watch: Watch | None
    ) -> Float[Tensor, "batch samples"]:
        length = self._windows.window_samples
        inputs = np.empty((len(starts), len(recording.channels), length), np.float32)
        for row, first in enumerate(starts.tolist()):
            recording.window(first, length, out=inputs[row])
        logits: Tensor = self._model(torch.from_numpy(inputs).to(self._device)).float()
        if watch is not None:
            watch(logits, self._targets(recording, starts))
        return logits

    def _targets(
        self, recording: CachedRecording, starts: Int64[np.ndarray, " batch"]
    ) -> Float[Tensor, "batch samples"]:
        targets = np.empty((len(starts), self._windows.window_samples), np.float32)
        for row, first in enumerate(starts.tolist()):
            recording.fill_target(first, targets[row])
        return torch.from_numpy(targets).to(self._device)


def _in_batches(
    starts: Int64[np.ndarray, " windows"], size: int
) -> Iterator[Int64[np.ndarray, " batch"]]:
    for first in range(0, len(starts), size):
        yield starts[first : first + size]

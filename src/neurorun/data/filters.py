"""Band-pass and notch filters that can be fed a signal block by block.

Band-pass and notch are one cascade of second-order sections, which stays accurate where the
polynomial form of a narrow filter does not. A filter starts as if the signal had always stood at
its first value, so a constant offset leaves no trace in the output. Cutting the same signal into
other blocks changes no bit of the result.
"""

import math
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Float64

_LOOKAHEAD_LEVEL = 1e-9
_PADDING_LEVEL = 1e-3
_STEP = 1 << 14


@runtime_checkable
class Stage(Protocol):
    """One step of a chain: takes a stretch in blocks and gives back what is ready."""

    def push(
        self, block: Float[np.ndarray, "channels samples"]
    ) -> Float32[np.ndarray, "channels ready"]:
        """Take the next samples of the stretch, return those that are finished."""
        ...

    def finish(self) -> Float32[np.ndarray, "channels ready"]:
        """Return what is left once the stretch has ended."""
        ...


def design_cascade(
    rate_hz: float,
    *,
    bandpass: tuple[float, float] | None,
    order: int = 3,
    notch_freq: float | None = None,
    notch_quality: float = 30.0,
) -> Float64[np.ndarray, "sections 6"]:
    """Second-order sections of a Butterworth band-pass followed by a notch.

    Parameters
    ----------
    rate_hz : of the signal to be filtered
    bandpass : lower and upper edge in Hz (where the gain is 0.71), below half the rate; or None
    order : of the Butterworth prototype; the band-pass has twice as many poles
    notch_freq : Hz, below half the rate; or None
    notch_quality : notch frequency divided by the width of the notch

    Returns
    -------
    Rows of ``scipy.signal.sosfilt``; no row if there is nothing to filter
    """
    from scipy.signal import butter, iirnotch, tf2sos

    sections = [np.empty((0, 6))]
    if bandpass is not None:
        sections.append(butter(order, bandpass, btype="bandpass", fs=rate_hz, output="sos"))
    if notch_freq is not None:
        sections.append(tf2sos(*iirnotch(notch_freq, notch_quality, fs=rate_hz)))
    return np.vstack(sections)


def settling_samples(sos: Float64[np.ndarray, "sections 6"], level: float) -> int:
    """Samples after which what a filter remembers has faded to ``level``.

    >>> settling_samples(design_cascade(256.0, bandpass=(0.5, 120.0)), 1e-3)
    1127
    """
    radius = max(float(np.abs(np.roots(section[3:])).max()) for section in sos)
    return math.ceil(math.log(level) / math.log(radius))


class CausalFilter:
    """Filter forward in time: usable on a live signal, at the price of phase.

    At order 3 and 0.5 Hz a wave of 1 Hz is delayed by 187 ms, one of 3 Hz by 18 ms.
    """

    def __init__(self, sos: Float64[np.ndarray, "sections 6"]) -> None:
        self._forward = _Recursion(sos)

    def push(
        self, block: Float[np.ndarray, "channels samples"]
    ) -> Float32[np.ndarray, "channels samples"]:
        """Filter the next samples; as many come out as go in."""
        return self._forward(block).astype(np.float32)

    def finish(self) -> Float32[np.ndarray, "channels none"]:
        """Return an empty block: nothing is held back."""
        return np.empty((self._forward.n_channels, 0), np.float32)


class ZeroPhaseFilter:
    """Filter forward, then backward: no phase, the square of the gain, not usable live.

    The backward pass is made in steps, each begun far enough ahead that what it does not know
    has faded to 1e-9; so a day of signal needs no more memory than a minute. Both ends are
    extended by their point reflection, as `scipy.signal.sosfiltfilt` does.
    """

    def __init__(self, sos: Float64[np.ndarray, "sections 6"]) -> None:
        self._sos = sos
        self._forward = _Recursion(sos)
        self._lookahead = settling_samples(sos, _LOOKAHEAD_LEVEL)
        self._n_padding = settling_samples(sos, _PADDING_LEVEL)
        self._has_begun = False
        self._waiting: list[np.ndarray] = []
        self._tail = np.empty((0, 0))
        self._pending: list[np.ndarray] = []
        self._n_pending = 0

    def push(
        self, block: Float[np.ndarray, "channels samples"]
    ) -> Float32[np.ndarray, "channels ready"]:
        """Filter the next samples; they come out up to one step and its look-ahead later."""
        if not self._has_begun:
            self._waiting.append(block)
            if sum(piece.shape[1] for piece in self._waiting) <= self._n_padding:
                return np.empty((block.shape[0], 0), np.float32)
            block = self._begin()
        self._append(block)
        return self._ready()

    def finish(self) -> Float32[np.ndarray, "channels rest"]:
        """Filter what is left, the end extended by its point reflection."""
        if not self._has_begun:
            self._append(self._begin())
        extension = _reflected(self._tail[:, ::-1])[:, ::-1]
        self._keep(self._forward(extension))
        rest = self._backward(self._take(self._n_pending))
        return rest[:, : rest.shape[1] - extension.shape[1]]

    def _begin(self) -> np.ndarray:
        """Extend the start and filter the extension; return the samples held back until now."""
        block = np.hstack(self._waiting)
        self._has_begun, self._waiting, self._tail = True, [], block[:, :0]
        self._forward(_reflected(block[:, : self._n_padding + 1]))
        return block

    def _append(self, block: np.ndarray) -> None:
        self._keep(self._forward(block))
        self._tail = np.hstack([self._tail, block])[:, -self._n_padding - 1 :]

    def _keep(self, filtered: np.ndarray) -> None:
        self._pending.append(filtered)
        self._n_pending += filtered.shape[1]

    def _take(self, n_samples: int) -> np.ndarray:
        pending = np.hstack(self._pending)
        self._pending, self._n_pending = [pending], pending.shape[1]
        return pending[:, :n_samples]

    def _ready(self) -> np.ndarray:
        finished = [np.empty((self._forward.n_channels, 0), np.float32)]
        while self._n_pending >= _STEP + self._lookahead:
            finished.append(self._backward(self._take(_STEP + self._lookahead))[:, :_STEP])
            self._pending = [self._pending[0][:, _STEP:]]
            self._n_pending -= _STEP
        return np.hstack(finished)

    def _backward(self, filtered: np.ndarray) -> np.ndarray:
        return _Recursion(self._sos)(filtered[:, ::-1])[:, ::-1].astype(np.float32)


class _Recursion:
    """Second-order sections with their state, begun in the steady state of the first value."""

    def __init__(self, sos: np.ndarray) -> None:
        self._sos = sos
        self._state: np.ndarray | None = None
        self.n_channels = 0

    def __call__(self, block: np.ndarray) -> np.ndarray:
        from scipy.signal import sosfilt, sosfilt_zi

        self.n_channels = block.shape[0]
        if not block.shape[1]:
            return block.astype(np.float64)
        if self._state is None:
            steady = sosfilt_zi(self._sos)[:, None, :]
            self._state = steady * block[None, :, :1].astype(np.float64)
        filtered, self._state = sosfilt(self._sos, block.astype(np.float64), zi=self._state)
        return np.asarray(filtered)


def _reflected(start: np.ndarray) -> np.ndarray:
    """Continue a signal before its first sample by reflection in that sample."""
    return 2.0 * start[:, :1].astype(np.float64) - start[:, :0:-1].astype(np.float64)

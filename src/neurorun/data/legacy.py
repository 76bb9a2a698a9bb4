"""The chain of earlier work, kept so that its numbers can be compared with ours.

It resamples the whole stretch by its Fourier transform and filters with polynomial coefficients
from a zero state. Both leave marks that the default chain does not: an offset of 5 mV starts a
transient of 5.4 mV that shrinks the standardized recording several times, and an electrode pop
rings at the other end. Use it for comparison, not for new work.
"""

import numpy as np
from jaxtyping import Float32

from neurorun.data.resampling import resampled_length

LEGACY_SPREAD_OFFSET = 1e-8
_ORDER = 3
_NOTCH_QUALITY = 30.0


class LegacyChain:
    """Fourier resampling, band-pass, notch; needs the whole stretch before anything comes out.

    Parameters
    ----------
    source_hz, rate_hz : samples per second before and after
    bandpass : edges in Hz of a Butterworth band-pass of order 3
    notch_freq : Hz, quality 30
    """

    def __init__(
        self,
        source_hz: float,
        rate_hz: float,
        *,
        bandpass: tuple[float, float],
        notch_freq: float,
    ) -> None:
        self._source_hz, self._rate_hz = source_hz, rate_hz
        self._bandpass, self._notch_freq = bandpass, notch_freq
        self._blocks: list[np.ndarray] = []

    def push(
        self, block: Float32[np.ndarray, "channels samples"]
    ) -> Float32[np.ndarray, "channels none"]:
        """Keep the next samples, return an empty block."""
        self._blocks.append(block.copy())
        return block[:, :0]

    def finish(self) -> Float32[np.ndarray, "channels samples"]:
        """Return the filtered stretch; one channel at a time, to spare memory."""
        signal = np.hstack(self._blocks)
        self._blocks = []
        n_out = resampled_length(signal.shape[1], self._source_hz, self._rate_hz)
        filtered = np.empty((signal.shape[0], n_out), np.float32)
        if not n_out:
            return filtered
        for row, channel in zip(filtered, signal, strict=True):
            row[:] = self._filtered(channel.astype(np.float64), n_out)
        return filtered

    def _filtered(self, channel: np.ndarray, n_out: int) -> np.ndarray:
        from scipy.signal import butter, iirnotch, lfilter, resample

        if self._source_hz != self._rate_hz:
            channel = resample(channel, n_out)
        channel = lfilter(*butter(_ORDER, self._bandpass, "bandpass", fs=self._rate_hz), channel)
        notch = iirnotch(self._notch_freq, _NOTCH_QUALITY, fs=self._rate_hz)
        return np.asarray(lfilter(*notch, channel))

"""Amplitudes that give a source a stated power over the background at the channels.

With ``s`` the waveform of the centre divided by its maximum, a source of amplitude ``a`` in all
regions of its patch has the power ``a**2 P(F[:, patch] 1 s)``, the background ``P(F[:, rest]
clip)``; ``P`` is the mean square over channels within 50 samples of the peak, after the mean over
the whole second was removed. Weights within the patch do not enter [1]_.

References
----------
.. [1] ``generate_sythetic_source.m`` of DeepSIF, with the window cut to the clip.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

HALF_WINDOW = 50


def amplitudes(
    clip: np.ndarray,
    background: np.ndarray,
    leadfield: Float64[np.ndarray, "channels regions"],
    *,
    centre: int,
    patch: Int64[np.ndarray, " patch"],
    ratios_db: Sequence[float],
) -> Float64[np.ndarray, " ratios"]:
    """Peak amplitudes in mV at which a source stands out of the background by stated ratios.

    Parameters
    ----------
    clip : regions by samples, mV
    background : what the whole clip gives at the channels
    leadfield : of the channels
    centre : region whose waveform the patch takes
    patch : regions of the source
    ratios_db : of powers at the channels
    """
    waveform = clip[centre].astype(np.float64)
    waveform = waveform / waveform.max()
    gain = leadfield[:, patch]
    rest = background.astype(np.float64) - gain @ clip[patch].astype(np.float64)
    peak = int(waveform.argmax())
    window = slice(max(peak - HALF_WINDOW, 0), peak + HALF_WINDOW + 1)
    signal = gain.sum(axis=1)[:, None] * (waveform - waveform.mean())[window]
    rest = (rest - rest.mean(axis=1, keepdims=True))[:, window]
    ratio = float(np.sum(rest**2)) / float(np.sum(signal**2))
    return np.sqrt(10 ** (np.asarray(ratios_db, np.float64) / 10) * ratio)
